// What a pass gives, and the way to it for whoever mostly has none to run: its code is loaded with the first one.
import type { Deps, LightDeps } from './deps.ts'
import type { PassOptions } from './pass.ts'

export interface Counts {
  submitted: number
  rejected: number
  unconfirmed: number
  checked: number
  completed: number
  waiting: number
  failed: number
}

export interface PassResult extends Counts {
  /** Nothing was due. */
  idle: boolean
  /** Nothing was due: when something will be, if ever. */
  nextDueAt: Date | null
}

export const emptyResult = (): PassResult => ({
  submitted: 0,
  rejected: 0,
  unconfirmed: 0,
  checked: 0,
  completed: 0,
  waiting: 0,
  failed: 0,
  idle: true,
  nextDueAt: null,
})

let loading: Promise<typeof import('./pass.ts')> | undefined

/** `runPass`, loaded now. */
export async function loadAndRunPass(deps: Deps | LightDeps, options: PassOptions): Promise<PassResult> {
  loading ??= import('./pass.ts')
  const [{ runPass }, whole] = await Promise.all([loading, 'whole' in deps ? deps.whole() : deps])
  return runPass(whole, options)
}
