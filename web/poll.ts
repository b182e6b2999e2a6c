// Asking again and again, for the client's watch() and watchTasks(): as often as the functions advise, seldom while nobody looks, and
// through any trouble of the net. The pause can be cut short by whoever knows that something has changed.

export interface Trouble {
  error: Error
  /** In a row. */
  tries: number
  retryInMs: number
}

export interface PollOptions {
  /** Ends the watch quietly. */
  signal?: AbortSignal
  /** While true, requests are far apart. */
  isHidden?: () => boolean
  /** Told of each failed try, and of `undefined` once it works again, or isn't tried any more. */
  onTrouble?: (trouble: Trouble | undefined) => void
  /** Is handed a function that ends the present pause, and gives one that ends the subscription. */
  onWake?: (wake: () => void) => () => void
}

interface Look<T> {
  /** Absent: the same as last time. */
  value?: T
  /** Absent: this was the last one. */
  nextMs?: number | undefined
}

/** While hidden, at least this long between two requests, and a multiple of the advice for what is slow anyway. */
const hiddenMs = 30_000
const hiddenTimes = 4
const firstRetryMs = 1_000
const longestRetryMs = 30_000

export async function* poll<T>(
  look: (signal: AbortSignal | undefined) => Promise<Look<T>>,
  options: PollOptions,
  firstMs?: number,
): AsyncGenerator<T, void, void> {
  const { signal, isHidden = () => false, onTrouble = () => {} } = options
  if (firstMs !== undefined) await pause(firstMs, options)
  for (let tries = 0; !signal?.aborted; ) {
    try {
      const { value, nextMs } = await look(signal)
      if (tries > 0) onTrouble(undefined)
      tries = 0
      if (value !== undefined) yield value
      if (nextMs === undefined) return
      await pause(isHidden() ? Math.max(hiddenMs, nextMs * hiddenTimes) : nextMs, options)
    } catch (error) {
      if (signal?.aborted) return
      if (!isPassing(error)) {
        if (tries > 0) onTrouble(undefined)
        throw error
      }
      tries += 1
      const retryInMs = Math.max(error.retryAfterMs ?? 0, Math.min(longestRetryMs, firstRetryMs * 2 ** (tries - 1)))
      onTrouble({ error, tries, retryInMs })
      await pause(retryInMs, options)
    }
  }
}

type Passing = Error & { isPassing: true; retryAfterMs: number | undefined }

const isPassing = (error: unknown): error is Passing =>
  error instanceof Error && 'isPassing' in error && !!error.isPassing

function pause(ms: number, { signal, onWake }: PollOptions): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      unsubscribe?.()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    const unsubscribe = onWake?.(end)
    signal?.addEventListener('abort', end)
  })
}
