// The wake mark for those who write whatever becomes of it, and patience with slow work.
import type { Deps } from './deps.ts'

/** For news that must be written in any case: a mark that could not be raised costs time until the hourly sweep, not the news. */
export async function raiseAnyway(deps: Pick<Deps, 'wake' | 'log'>): Promise<void> {
  try {
    await deps.wake.raise()
  } catch (error) {
    deps.log.error({ err: error }, 'the wake mark could not be raised')
  }
}

/** True when the work ends in time. Its failure is the caller's, once it has ended. */
export async function endsWithin(deps: Pick<Deps, 'wait'>, ms: number, work: Promise<unknown>): Promise<boolean> {
  const ended = new AbortController()
  const patience = (deps.wait ?? wait)(ms, ended.signal).then(() => false)
  try {
    return await Promise.race([work.then(() => true), patience])
  } finally {
    ended.abort(hasEnded)
  }
}

/** A reason at hand: one that is made for each abort costs more than the timer. */
const hasEnded = new Error('the work has ended')

/** Never ends once the signal fires: nobody waits any more. */
const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
