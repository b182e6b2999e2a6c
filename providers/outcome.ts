// What a provider's HTTP answers mean to a paid create and to everything else, where providers differ only in words. Each provider's own
// file calls it; a failure that is no HTTP failure is a fault of ours and is thrown.
import type { Cancellation, Created, Metrics, Observation, Submission } from '../core/provider.ts'
import { retryAfterOf } from './answer.ts'
import { HttpFailure, type HttpResponse } from './connection.ts'

/** Nothing was sent: another provider's host may answer soon. */
const unsentWaitSeconds = 10

interface CreateWords {
  /** The prediction that a 2xx names. */
  read(response: HttpResponse): Created | undefined
  /** Seconds to wait where the answer concerns every task and will pass; undefined where this request is at fault. */
  waitOf(response: HttpResponse): number | undefined
  reasonOf(response: HttpResponse): string
}

/** The fate of a create's one POST: created, throttled, rejected for good, or unknown. */
export async function readCreate(answer: Promise<HttpResponse>, words: CreateWords): Promise<Submission> {
  let response: HttpResponse
  try {
    response = await answer
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    if (error.sent) return { kind: 'unknown', reason: error.message }
    return { kind: 'throttled', reason: error.message, retryAfterSeconds: unsentWaitSeconds }
  }
  const { status } = response
  if (status >= 200 && status < 300) {
    const created = words.read(response)
    return created ? { kind: 'created', ...created } : { kind: 'unknown', reason: `${status} without an id` }
  }
  const reason = words.reasonOf(response)
  // 408 is a proxy that gave up waiting: the create behind it may still have happened.
  if (status >= 500 || status === 408 || status < 400) return { kind: 'unknown', reason }
  const wait = words.waitOf(response)
  if (wait === undefined) return { kind: 'rejected', reason }
  return { kind: 'throttled', reason, retryAfterSeconds: retryAfterOf(response) ?? wait }
}

type Unreachable = Extract<Observation, { kind: 'unreachable' }>

/** Reads an answer; one that doesn't come is `unreachable`. */
export async function readAnswer<T>(
  answer: Promise<HttpResponse>,
  read: (response: HttpResponse) => T,
): Promise<T | Unreachable> {
  try {
    return read(await answer)
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return { kind: 'unreachable', reason: error.message }
  }
}

interface CancelWords {
  isOver(response: HttpResponse): boolean
  /** What an answer that it is over says of how long it ran. */
  metricsOf?(response: HttpResponse): { metrics?: Metrics }
  reasonOf(response: HttpResponse): string
}

/** A cancel whose answer doesn't say that it is over is followed by a check: neither provider documents the other answers. */
export async function readCancel(
  answer: Promise<HttpResponse>,
  words: CancelWords,
  check: () => Promise<{ kind: string; metrics?: Metrics } | Unreachable>,
): Promise<Cancellation> {
  const asked = await readAnswer<Cancellation>(answer, (response) => {
    if (response.status === 404) return { kind: 'missing' }
    if (words.isOver(response)) return { kind: 'over', ...words.metricsOf?.(response) }
    const isBusy = response.status === 429 || response.status >= 500
    return isBusy ? { kind: 'unreachable', reason: words.reasonOf(response) } : { kind: 'asked' }
  })
  if (asked.kind !== 'asked') return asked
  const checked = await check()
  if (checked.kind === 'missing') return { kind: 'missing' }
  if (checked.kind === 'unreachable') return checked as Unreachable
  if (checked.kind === 'running') return { kind: 'asked' }
  return { kind: 'over', ...('metrics' in checked && checked.metrics && { metrics: checked.metrics }) }
}
