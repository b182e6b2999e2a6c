// What a mutant is: one guard of the source, taken away through a seam of the simulation, never by a branch in the source.
import type { Provider } from '../../core/provider.ts'
import type { Deps } from '../../engine/deps.ts'

export interface Mutant {
  name: string
  /** What is done without the guard. */
  without: string
  /** Changes a statement's text, for all function calls or by their name. The suite checks that each still applies somewhere. */
  rewrite?: (statement: string, call: string) => string
  /** Changes what an instance's calls are handed. */
  change?: (deps: Deps) => Deps
  /** An instance's blob store is opened once, with the token of its first call. */
  keepsToken?: boolean
  /** Statements that are sent again when their answer is lost. */
  resends?: (statement: string) => boolean
}

/** Without parts of statements. What is put in their place uses the same parameters. */
export function statement(
  name: string,
  without: string,
  ...changes: [guard: string | RegExp, instead: string][]
): Mutant {
  const rewrite = (text: string) =>
    changes.reduce(
      (changed, [guard, instead]) =>
        changed.replaceAll(typeof guard === 'string' ? guard : new RegExp(guard, 'g'), instead),
      text,
    )
  return { name, without, rewrite }
}

type Change = (provider: Provider) => Partial<Provider>

/** With another word of the providers' clients, or of one of them. */
export function provider(name: string, without: string, change: Change, only?: 'replicate' | 'fal'): Mutant {
  const changed = (real: Provider) => (only && real.name !== only ? real : { ...real, ...change(real) })
  return {
    name,
    without,
    change: (deps) => ({
      ...deps,
      providers: new Map([...deps.providers].map(([key, real]) => [key, changed(real)])),
    }),
  }
}
