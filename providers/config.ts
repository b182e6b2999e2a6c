// Reads and checks the whole configuration: the variables of core/config.ts and those of every listed provider. Doors, local servers,
// commands and tests call it. Apart from index.ts, so that those who need the list alone don't load the whole configuration's schema.
import { type Config, variables as general, parseEnvironment } from '../core/config.ts'
import { providers } from './index.ts'

const shapeOf = (listed: typeof providers) => Object.assign({}, ...listed.map(({ environment }) => environment))

/** Throws one error that lists every variable that is wrong, by name, and what would be right. */
export function parseConfig(env: Record<string, string | undefined>, listed = providers): Config {
  return parseEnvironment(env, shapeOf(listed))
}

/** The names of all that is read. */
export const variables: readonly string[] = [...general, ...Object.keys(shapeOf(providers))]
