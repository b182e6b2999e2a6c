// The till: what was asked of a simulated provider and what it would charge for. Tests compare it with the tasks.

import { type Ending, isOver } from './job.ts'
import { clockOf, type Kind, type State } from './state.ts'

interface Entry<K extends Kind> {
  readonly id: string
  readonly model: string
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  readonly created_at: string
  readonly status: K['status']
  /** How it ended; null while it hasn't. */
  readonly ending: Ending | null
  readonly paid: boolean
  /** Whether a cancel request ended it. */
  readonly canceled: boolean
}

export interface Till<K extends Kind> {
  /** Every create request seen, refused ones included. */
  readonly create_requests: number
  readonly created: number
  /** Those that the provider would charge for. */
  readonly paid: number
  readonly by_status: Readonly<Record<K['status'], number>>
  readonly requests: State<K>['requests']
  readonly webhooks: State<K>['outbox']['counts']
  /** In the order of creation. */
  readonly predictions: readonly (Entry<K> & K['entry'])[]
}

export function tillOf<K extends Kind>(state: State<K>): Till<K> {
  const { protocol, jobs, requests, outbox } = state
  const now = clockOf(state)
  const by_status = Object.fromEntries(protocol.statuses.map((status) => [status, 0])) as Record<K['status'], number>
  const predictions = jobs.map((job) => {
    const ending = isOver(job, now) ? job.ending : null
    const entry: Entry<K> = {
      ...{ id: job.id, model: job.model.name, input: job.input, webhook: job.webhook, ending },
      created_at: new Date(job.createdAt).toISOString(),
      status: protocol.statusAt(job, now),
      paid: protocol.isPaid(job, now),
      canceled: job.canceledByUser,
    }
    return { ...entry, ...protocol.entry(job, ending) }
  })
  for (const { status } of predictions) by_status[status] += 1
  return {
    create_requests: requests['create' as K['counted']],
    created: predictions.length,
    paid: predictions.filter(({ paid }) => paid).length,
    by_status,
    requests: { ...requests },
    webhooks: { ...outbox.counts },
    predictions,
  }
}
