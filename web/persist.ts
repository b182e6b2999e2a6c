// Doing one thing to its end over a flaky net: the same request again, with growing pauses, until it got through or was refused.
import { StepgateError } from './client.ts'

const firstPauseMs = 1_000
const longestPauseMs = 15_000

interface PersistOptions {
  signal: AbortSignal
  onRetry: (error: StepgateError) => void
}

/** `call` must be safe to repeat. Throws what isn't passing, and the signal's reason: once it is aborted, nothing more is called. */
export async function persist<T>(call: () => Promise<T>, { signal, onRetry }: PersistOptions): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted()
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof StepgateError && error.isPassing)) throw error
      signal.throwIfAborted()
      onRetry(error)
      await pause(Math.max(error.retryAfterMs ?? 0, Math.min(longestPauseMs, firstPauseMs * 2 ** tries)), signal)
    }
  }
}

/** The net's return cuts it short. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  window.addEventListener('online', () => resolve(), { signal, once: true })
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearTimeout(timer))
}
