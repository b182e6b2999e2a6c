// The till: what was asked of the simulated Replicate and what it would charge for. Tests compare it with the tasks.

import { isPaid, type Prediction, type Status, statusAt } from './prediction.ts'
import type { State } from './state.ts'

interface TillEntry {
  readonly id: string
  readonly model: string
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  readonly created_at: string
  readonly status: Status
  readonly paid: boolean
  /** Whether a cancel request ended it. */
  readonly canceled: boolean
}

export interface Till {
  /** Every create request seen, refused ones included. */
  readonly create_requests: number
  readonly created: number
  /** Those that have begun to run; what ended before it began costs nothing. */
  readonly paid: number
  readonly by_status: Readonly<Record<Status, number>>
  readonly requests: State['requests']
  readonly webhooks: State['outbox']['counts']
  /** In the order of creation. */
  readonly predictions: readonly TillEntry[]
}

export function tillOf(state: State): Till {
  const now = state.options.now().getTime()
  const predictions = state.predictions.map((prediction) => entryOf(prediction, now))
  const by_status = { starting: 0, processing: 0, succeeded: 0, failed: 0, canceled: 0, aborted: 0 }
  for (const { status } of predictions) by_status[status] += 1
  return {
    create_requests: state.requests.create,
    created: predictions.length,
    paid: predictions.filter(({ paid }) => paid).length,
    by_status,
    requests: { ...state.requests },
    webhooks: { ...state.outbox.counts },
    predictions,
  }
}

const entryOf = (prediction: Prediction, now: number): TillEntry => ({
  id: prediction.id,
  model: prediction.model.name,
  input: prediction.input,
  webhook: prediction.webhook,
  created_at: new Date(prediction.createdAt).toISOString(),
  status: statusAt(prediction, now),
  paid: isPaid(prediction, now),
  canceled: prediction.canceledByUser,
})
