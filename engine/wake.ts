// The wake mark for those who write whatever becomes of it, and patience with slow work.
import { endsWithin as endsInTime } from '../core/deadline.ts'
import type { Deps } from './deps.ts'

/** For news that must be written in any case: a mark that could not be raised costs time until the hourly sweep, not the news. */
export async function raiseAnyway(deps: Pick<Deps, 'wake' | 'log'>): Promise<void> {
  try {
    await deps.wake.raise()
  } catch (error) {
    deps.log.error({ err: error }, 'the wake mark could not be raised')
  }
}

/** The same by the clock of `deps`, where that is simulated. */
export async function endsWithin(deps: Pick<Deps, 'wait'>, ms: number, work: Promise<unknown>): Promise<boolean> {
  if (!deps.wait) return endsInTime(ms, work)
  const ended = new AbortController()
  const patience = deps.wait(ms, ended.signal).then(() => false)
  try {
    return await Promise.race([work.then(() => true), patience])
  } finally {
    ended.abort()
  }
}
