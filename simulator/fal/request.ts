// A simulated request in fal's queue: its plan is made once, when it is submitted, and what it shows is a function of the clock.
// Nothing here waits or is woken. Instants are milliseconds.

import type { Picture } from '../draw.ts'
import type { FaultOn } from '../faults.ts'
import type { FieldFault } from './answers.ts'
import type { Model } from './models.ts'

export type Status = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED'

/** How a failed request answers: with the failure's own HTTP status. */
export interface Failure {
  readonly status: number
  readonly detail: string | readonly FieldFault[]
  readonly errorType?: string | undefined
  /** Whether the status tells of it already, or only the result. */
  readonly isTold: boolean
  /** The client's own limit on the time until the start ran out. */
  readonly isStartTimeout?: boolean
}

export interface QueuedRequest {
  readonly id: string
  /** Another one than `id` once fal has run the request again by itself. */
  readonly gatewayId: string
  readonly model: Model
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  readonly isStored: boolean
  readonly isNoRetry: boolean
  readonly createdAt: number
  /** Empty when it ended before it began; two when fal ran it again. */
  runs: readonly Run[]
  endsAt: number
  failure: Failure | null
  readonly withheld: 'data_removed' | 'no_output' | null
  readonly weightsBytes: number
  canceledByUser: boolean
  pictures: readonly Picture[]
  /** Set once its input is being read, and once its output is being drawn. */
  reading: Promise<void> | null
  drawing: Promise<void> | null
}

export interface Run {
  readonly startsAt: number
  readonly endsAt: number
}

export interface PlanOptions {
  readonly createdAt: number
  readonly seconds: number
  readonly startWithinSeconds: number | undefined
  readonly isNoRetry: boolean
  readonly outcome: FaultOn<'outcome'> | undefined
}

// The share of a request's time that it waits in the queue.
const waitingShare = 0.25

/** Its runs, its end and its ending, as far as they are known at submission. */
export function plan({ createdAt, seconds, startWithinSeconds, isNoRetry, outcome }: PlanOptions) {
  const duration = (outcome?.seconds ?? seconds) * 1000
  const at = (share: number) => createdAt + duration * share
  const kind = outcome?.fault
  const withheld = kind === 'data_removed' || kind === 'no_output' ? kind : null
  const startBy = startWithinSeconds === undefined ? Number.POSITIVE_INFINITY : createdAt + startWithinSeconds * 1000
  if (startBy < at(waitingShare)) return { runs: [], endsAt: startBy, failure: startTimeout, withheld }
  if (kind === 'rerun') {
    const broken = { startsAt: at(waitingShare), endsAt: at(0.5) }
    if (isNoRetry) return { runs: [broken], endsAt: broken.endsAt, failure: disconnected, withheld }
    return { runs: [broken, { startsAt: at(0.75), endsAt: at(1.5) }], endsAt: at(1.5), failure: null, withheld }
  }
  return { runs: [{ startsAt: at(waitingShare), endsAt: at(1) }], endsAt: at(1), failure: failureOf(outcome), withheld }
}

const startTimeout: Failure = {
  status: 504,
  detail: 'The request did not start in time',
  errorType: 'request_timeout',
  isTold: true,
  isStartTimeout: true,
}
const disconnected: Failure = {
  status: 503,
  detail: 'The runner was disconnected',
  errorType: 'runner_disconnected',
  isTold: true,
}
const canceled: Failure = {
  status: 499,
  detail: 'The request was cancelled',
  errorType: 'client_cancelled',
  isTold: true,
}

/** A model's own failure names fields; one of fal's machines names an error type. */
function failureOf(outcome: FaultOn<'outcome'> | undefined): Failure | null {
  if (outcome?.fault === 'canceled' || outcome?.fault === 'aborted') return canceled
  if (outcome?.fault !== 'failed' && outcome?.fault !== 'result_only') return null
  const isTold = outcome.fault === 'failed'
  const status = outcome.status ?? (isTold ? 500 : 422)
  const { error, error_type: errorType } = outcome
  if (status < 500 && !errorType)
    return { status, detail: [{ loc: ['body'], msg: error, type: 'value_error' }], isTold }
  return { status, detail: error, errorType: errorType ?? 'internal_error', isTold }
}

export function statusAt({ runs, endsAt }: QueuedRequest, now: number): Status {
  if (now >= endsAt) return 'COMPLETED'
  return runs.some((run) => now >= run.startsAt && now < run.endsAt) ? 'IN_PROGRESS' : 'IN_QUEUE'
}

export const isOver = ({ endsAt }: QueuedRequest, now: number) => now >= endsAt
export const startOf = ({ runs }: QueuedRequest) => runs[0]?.startsAt ?? Number.POSITIVE_INFINITY

/** Takes it from the queue, or stops it. */
export function cancel(request: QueuedRequest, now: number): void {
  request.runs = request.runs.filter(({ startsAt }) => startsAt <= now)
  request.endsAt = now
  request.failure = canceled
  request.canceledByUser = true
}

/** Its input turned out to be of no use a second after it began. */
export function failEarly(request: QueuedRequest, failure: Failure): void {
  request.endsAt = Math.min(request.endsAt, startOf(request) + 1000)
  request.failure = failure
}

/** Whether fal would charge for it: what ran, unless it failed by itself. */
export function isPaid(request: QueuedRequest, now: number): boolean {
  if (now < startOf(request)) return false
  return request.canceledByUser || request.failure === null || !isOver(request, now)
}
