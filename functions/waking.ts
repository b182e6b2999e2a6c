// The wake mark for those who write whatever becomes of it, and patience with slow work.
import type { Deps } from './deps.ts'

/** For news that must be written in any case: a mark that could not be raised costs time until the hourly sweep, not the news. */
export async function raiseAnyway(deps: Deps): Promise<void> {
  try {
    await deps.wake.raise()
  } catch (error) {
    deps.log.error({ err: error }, 'the wake mark could not be raised')
  }
}

/** True when the work ends in time. Its failure is the caller's, once it has ended. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([work.then(() => true), patience])
  } finally {
    clearTimeout(timer)
  }
}
