// Sends one request to a store until it answers, as often as the time allows. netlify/store.ts and s3/client.ts send all of theirs by it.
import { setTimeout as sleep } from 'node:timers/promises'
import { withDeadline } from '../core/deadline.ts'
import { StoreFault, StoreRefusal } from './store.ts'

/** Between tries. */
const pausesMs = [200, 800, 2_400]

export interface RetryOptions {
  /** Which store, as an error names it. */
  store: string
  /** For all tries together. */
  patienceMs: number
  /** When it fires, the caller waits no longer. */
  signal: AbortSignal | undefined
  /** The body of a good answer is read by the caller, after the deadline. */
  isStream?: boolean
  /** The store's own word for what is wrong, if it has one. */
  codeOf?(answer: Response): Promise<string | undefined>
}

/**
 * Any answer below 500 that isn't a refusal of our credentials; 404 is the caller's. Throws `StoreRefusal` or `StoreFault`, which name
 * the address at most, never a token.
 */
export async function sendWithRetries(
  send: (signal: AbortSignal) => Promise<Response>,
  { store, patienceMs, signal, isStream = false, codeOf }: RetryOptions,
): Promise<Response> {
  const endBy = performance.now() + patienceMs
  const statusOf = async (answer: Response) => [answer.status, await codeOf?.(answer)].filter(Boolean).join(', ')
  for (let tries = 0; ; tries += 1) {
    const left = Math.max(1, Math.round(endBy - performance.now()))
    const answer = await withDeadline(left, async (late) =>
      withBody(await send(signal ? AbortSignal.any([late, signal]) : late), isStream),
    ).catch((cause: unknown) => cause)
    if (answer instanceof Response) {
      if (answer.status === 401 || answer.status === 403)
        throw new StoreRefusal(`${store} refuses our credentials (${await statusOf(answer)})`)
      if (answer.status < 500 && answer.status !== 429) return answer
    }
    const pause = pausesMs[tries]
    if (pause === undefined || signal?.aborted || performance.now() + pause >= endBy) {
      throw answer instanceof Response
        ? new StoreFault(`${store} answered ${await statusOf(answer)}`)
        : new StoreFault(`${store} did not answer in time`, { cause: answer })
    }
    await sleep(pause)
  }
}

/** What tells of a failure is short, and is always read within the deadline. */
async function withBody(answer: Response, isStream: boolean): Promise<Response> {
  if ((isStream && answer.ok) || !answer.body) return answer
  return new Response(await answer.bytes(), { status: answer.status, headers: answer.headers })
}
