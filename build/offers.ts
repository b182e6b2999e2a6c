// What a page draws before it has asked: the recipes that are offered with the keys of its build. Vite's config and the local servers ask.
import { placesOf } from '../core/recipe.ts'
import { recipeView } from '../functions/recipes.ts'
import { providers } from '../providers/index.ts'
import { openRecipes } from '../recipes/index.ts'

const keysOf = (env: NodeJS.ProcessEnv) => providers.filter(({ key }) => env[key]).map(({ name }) => name)
const isNonCommercial = (env: NodeJS.ProcessEnv) => env['ENABLE_NONCOMMERCIAL'] === '1'

/** Names a page by what decides its offers: pages of other keys lie beside it. */
export const editionOf = (env: NodeJS.ProcessEnv): string =>
  ['web', ...keysOf(env), ...(isNonCommercial(env) ? ['noncommercial'] : [])].join('-')

/**
 * What is offered as far as the build can tell: by the keys that are set then, or everything where none is. A first visit asks the functions
 * for nothing, and draws this; a visitor with a session is told anew.
 */
export function offersOf(env: NodeJS.ProcessEnv) {
  const keys = keysOf(env)
  const isReachable = (provider: string) => keys.length === 0 || keys.includes(provider)
  return [...openRecipes({ hosts: [], allowPrivate: false }).values()]
    .filter(({ nonCommercial }) => isNonCommercial(env) || !nonCommercial)
    .flatMap((recipe) => placesOf(recipe).find(({ provider }) => isReachable(provider)) ?? [])
    .map(recipeView)
}
