// Work that is given up after some time.

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
