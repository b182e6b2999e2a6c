// The webhooks that wait to be sent, in the order of their instants. The pump, or a simulation, takes the due ones, sends them, and reports
// how that went. Only the terminal event is tried again, as long as the provider's protocol says.

import type { FaultOn } from '../faults.ts'
import { type Job, startOf, type WebhookEvent } from './job.ts'
import type { Kind, State } from './state.ts'

export interface Outbox<K extends Kind> {
  schedule(job: Job<K['own']>): void
  /** Its end has moved. */
  reschedule(job: Job<K['own']>): void
  due(now: number): Promise<K['delivery'][]>
  nextAt(): number | null
  report(delivery: K['delivery'], delivered: boolean, now: number): void
  readonly counts: { sent: number; delivered: number; refused: number; lost: number }
}

interface Parts<K extends Kind> {
  readonly isOn: () => boolean
  readonly state: () => State<K>
  /** Makes the ending of a job that is over at this instant final. */
  readonly settle: (job: Job<K['own']>, at: number) => Promise<void>
}

interface Waiting<Own> {
  readonly job: Job<Own>
  readonly event: WebhookEvent
  /** When it happened; it is void once the job no longer says so. */
  readonly eventAt: number
  readonly dueAt: number
  readonly attempt: number
  readonly metFaults: boolean
}

const instantOf = (job: Job, event: WebhookEvent) => (event === 'start' ? startOf(job) : job.endsAt)

export function createOutbox<K extends Kind>({ isOn, state, settle }: Parts<K>): Outbox<K> {
  type Entry = Waiting<K['own']>
  const waiting: Entry[] = []
  const sent = new WeakMap<K['delivery'], Entry>()
  const counts = { sent: 0, delivered: 0, refused: 0, lost: 0 }

  const insert = (entry: Entry) => {
    const before = waiting.findLastIndex(({ dueAt }) => dueAt <= entry.dueAt)
    waiting.splice(before + 1, 0, entry)
  }
  const schedule = (job: Job<K['own']>, event: WebhookEvent) => {
    const eventAt = instantOf(job, event)
    if (job.webhook === null || eventAt === Number.POSITIVE_INFINITY) return
    insert({ job, event, eventAt, dueAt: eventAt, attempt: 1, metFaults: false })
  }
  const hasHappened = async ({ job, event, eventAt }: Entry): Promise<boolean> => {
    if (eventAt !== instantOf(job, event)) return false
    // What an early failure of the input would move is known only now.
    await settle(job, eventAt)
    return eventAt === instantOf(job, event) && state().protocol.isReported(job, event)
  }
  const prepare = async (entry: Entry, now: number): Promise<K['delivery'][]> => {
    if (!isOn() || !(await hasHappened(entry))) return []
    const { job, event } = entry
    const subject = { model: job.model.name, input: job.input, event }
    const fault = entry.metFaults ? undefined : state().faults.take('webhook', subject)
    const later = postponed(entry, fault, now)
    if (later !== undefined) insert(later)
    if (fault?.fault === 'lost') counts.lost += 1
    if (later !== undefined || fault?.fault === 'lost') return []
    const delivery = state().protocol.delivery(state(), { ...entry, fault, now })
    sent.set(delivery, entry)
    const copies = fault?.fault === 'repeated' ? fault.copies + 1 : 1
    counts.sent += copies
    return Array.from({ length: copies }, (_, n) => (n === 0 ? delivery : { ...delivery }))
  }

  return {
    counts,
    schedule(job) {
      for (const event of state().protocol.events(job)) schedule(job, event)
    },
    reschedule(job) {
      if (state().protocol.events(job).includes('completed')) schedule(job, 'completed')
    },
    async due(now) {
      const deliveries: K['delivery'][] = []
      while ((waiting[0]?.dueAt ?? Number.POSITIVE_INFINITY) <= now) {
        const end = waiting.findIndex(({ dueAt }) => dueAt > now)
        const batch = waiting.splice(0, end === -1 ? waiting.length : end)
        for (const prepared of await Promise.all(batch.map((entry) => prepare(entry, now))))
          deliveries.push(...prepared)
      }
      return deliveries
    },
    nextAt: () => waiting[0]?.dueAt ?? null,
    report(delivery, delivered, now) {
      counts[delivered ? 'delivered' : 'refused'] += 1
      const entry = sent.get(delivery)
      sent.delete(delivery)
      if (delivered || entry === undefined || entry.event !== 'completed') return
      const last = entry.eventAt + state().protocol.lastAttemptMs
      if (now >= last) return
      const dueAt = Math.min(now + 1000 * 2 ** (entry.attempt - 1), last)
      insert({ ...entry, dueAt, attempt: entry.attempt + 1, metFaults: true })
    },
  }
}

function postponed<Own>(
  entry: Waiting<Own>,
  fault: FaultOn<'webhook'> | undefined,
  now: number,
): Waiting<Own> | undefined {
  if (fault?.fault === 'delayed') return { ...entry, dueAt: now + fault.seconds * 1000, metFaults: true }
  if (fault?.fault !== 'reordered') return undefined
  // Start and output come after completed, which itself has nothing to come after and is merely late.
  const late = entry.event === 'completed' ? 1000 : 0
  return { ...entry, dueAt: Math.max(now, entry.job.endsAt) + late, metFaults: true }
}
