// Gives work up after some time, or stops waiting for it. Whatever calls out of the process, or answers within a time, uses it.

/**
 * Runs `work` with a signal that fires after `ms`. Throws a TimeoutError then, even where the work doesn't heed its signal. The timer goes
 * when the work has ended: AbortSignal.timeout() would hold it, the signal and all that listens to it until then, thousands at a time in a
 * busy process.
 */
export async function withDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const isOver = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.abort(new DOMException(`Longer than ${ms} ms`, 'TimeoutError'))
    isOver.reject(late.signal.reason)
  }, ms)
  try {
    return await Promise.race([work(late.signal), isOver.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves after `ms`, and never once the signal has aborted. Tests and the simulation wait by a clock of their own. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>

/** True when the work ends in time. Its failure is the caller's, once it has ended. */
export async function endsWithin(ms: number, work: Promise<unknown>, wait: Wait = waitReally): Promise<boolean> {
  const ended = new AbortController()
  const late = wait(ms, ended.signal).then(() => false)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    // With a reason, which nobody reads: without one, each abort makes an error with its stack.
    ended.abort('ended')
  }
}

/** By a promise that is let go when the signal aborts: nobody waits for it any more. */
function waitReally(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => clearTimeout(timer))
  return promise
}
