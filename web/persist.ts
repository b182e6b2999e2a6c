// Doing one thing to its end over a flaky net: the same request again, with growing pauses, until it got through or was refused.
import { StepgateError } from './client.ts'

const firstPauseMs = 1_000
const longestPauseMs = 15_000
/** A fault of the server's own that is met so often in a row, for half a minute, may last: the person is told. */
const mostFaults = 6

interface PersistOptions {
  signal: AbortSignal
  onRetry: (error: StepgateError) => void
}

/**
 * `call` must be safe to repeat. Throws what isn't passing or seems to last, and the signal's reason: once it is aborted, nothing more is
 * called.
 */
export async function persist<T>(call: () => Promise<T>, { signal, onRetry }: PersistOptions): Promise<T> {
  let faults = 0
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted()
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StepgateError && error.isPassing)) throw error
      signal.throwIfAborted()
      faults = isFault(error) ? faults + 1 : 0
      if (faults >= mostFaults) throw error
      onRetry(error)
      await pause(Math.max(error.retryAfterMs ?? 0, Math.min(longestPauseMs, firstPauseMs * 2 ** tries)), signal)
    }
  }
}

/** Where it can't be reached, or says that it will be back, it is asked for as long as the person stays. */
const isFault = ({ status }: StepgateError): boolean => status >= 500 && status !== 503

/** The net's return cuts it short. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const ended = new AbortController()
  const timer = setTimeout(resolve, ms)
  window.addEventListener('online', () => resolve(), { signal: ended.signal })
  signal.addEventListener('abort', () => resolve(), { signal: ended.signal })
  return promise.finally(() => {
    clearTimeout(timer)
    ended.abort()
  })
}
