// Work that is given up after some time, or waited for no longer.

/**
 * The signal fires after `ms`, with a TimeoutError. When the work has ended the timer is gone: AbortSignal.timeout() would hold it, the
 * signal and all that listens to it until then, thousands at a time in a busy process.
 */
export async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException(`Longer than ${ms} ms`, 'TimeoutError')), ms)
  try {
    return await work(late.signal)
  } finally {
    clearTimeout(timer)
  }
}

/** True when the work ends in time. Its failure is the caller's, once it has ended. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(() => late.resolve(false), ms)
  try {
    return await Promise.race([work.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
