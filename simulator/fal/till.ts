// The till: what was asked of the simulated fal and what it would charge for. Tests compare it with the tasks.

import { isOver, isPaid, type QueuedRequest, type Status, statusAt } from './request.ts'
import type { State } from './state.ts'

interface TillEntry {
  readonly id: string
  readonly model: string
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  readonly created_at: string
  readonly status: Status
  /** How it ended; null while it hasn't. */
  readonly ending: 'succeeded' | 'failed' | 'canceled' | null
  readonly paid: boolean
  /** Whether a cancel request ended it. */
  readonly canceled: boolean
  readonly no_retry: boolean
}

export interface Till {
  /** Every submission seen, refused ones included. */
  readonly create_requests: number
  readonly created: number
  /** Those that have begun to run and did not fail by themselves. */
  readonly paid: number
  readonly by_status: Readonly<Record<Status, number>>
  readonly requests: State['counts']
  readonly webhooks: State['outbox']['counts']
  /** In the order of submission. */
  readonly predictions: readonly TillEntry[]
}

export function tillOf(state: State): Till {
  const now = state.options.now().getTime()
  const predictions = state.requests.map((request) => entryOf(request, now))
  const by_status = { IN_QUEUE: 0, IN_PROGRESS: 0, COMPLETED: 0 }
  for (const { status } of predictions) by_status[status] += 1
  return {
    create_requests: state.counts.create,
    created: predictions.length,
    paid: predictions.filter(({ paid }) => paid).length,
    by_status,
    requests: { ...state.counts },
    webhooks: { ...state.outbox.counts },
    predictions,
  }
}

const entryOf = (request: QueuedRequest, now: number): TillEntry => ({
  id: request.id,
  model: request.model.endpoint,
  input: request.input,
  webhook: request.webhook,
  created_at: new Date(request.createdAt).toISOString(),
  status: statusAt(request, now),
  ending: endingOf(request, now),
  paid: isPaid(request, now),
  canceled: request.canceledByUser,
  no_retry: request.isNoRetry,
})

function endingOf(request: QueuedRequest, now: number): TillEntry['ending'] {
  if (!isOver(request, now)) return null
  if (request.failure === null) return 'succeeded'
  return request.failure.errorType === 'client_cancelled' ? 'canceled' : 'failed'
}
