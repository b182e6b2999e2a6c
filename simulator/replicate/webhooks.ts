// The webhooks that wait to be sent, in the order of their instants. Whoever drives the simulator takes the due ones,
// sends them, and reports how that went. Only the terminal event is tried again, until a minute after the end.

import type { FaultOn, FaultQueue } from '../faults.ts'
import type { Prediction, WebhookEvent } from './prediction.ts'
import { sign } from './signature.ts'

export interface Delivery {
  readonly messageId: string
  readonly predictionId: string
  readonly event: WebhookEvent
  readonly attempt: number
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface Outbox {
  schedule(prediction: Prediction): void
  /** The prediction was canceled: its end has moved. */
  reschedule(prediction: Prediction): void
  due(now: number): Promise<Delivery[]>
  nextAt(): number | null
  report(delivery: Delivery, delivered: boolean, now: number): void
  readonly counts: { sent: number; delivered: number; refused: number; lost: number }
}

export interface OutboxParts {
  readonly faults: FaultQueue
  readonly secret: string
  readonly newId: () => string
  readonly isOn: () => boolean
  /** Makes the ending of a prediction that is over at this instant final. */
  readonly settle: (prediction: Prediction, at: number) => Promise<void>
  readonly view: (prediction: Prediction, at: number) => object
}

interface Waiting {
  readonly messageId: string
  readonly prediction: Prediction
  readonly event: 'start' | 'output' | 'completed'
  /** When it happened; it is void once the prediction no longer says so. */
  readonly eventAt: number
  readonly dueAt: number
  readonly attempt: number
  readonly metFaults: boolean
}

const lastAttemptMs = 60_000
const events = ['start', 'output', 'completed'] as const
const instantOf = ({ startsAt, endsAt }: Prediction, event: WebhookEvent) => (event === 'start' ? startsAt : endsAt)

export function createOutbox(parts: OutboxParts): Outbox {
  const waiting: Waiting[] = []
  const sent = new WeakMap<Delivery, Waiting>()
  const counts = { sent: 0, delivered: 0, refused: 0, lost: 0 }

  const insert = (entry: Waiting) => {
    const before = waiting.findLastIndex(({ dueAt }) => dueAt <= entry.dueAt)
    waiting.splice(before + 1, 0, entry)
  }
  const schedule = (prediction: Prediction, event: Waiting['event']) => {
    const eventAt = instantOf(prediction, event)
    if (!prediction.events.includes(event) || eventAt === Number.POSITIVE_INFINITY) return
    const messageId = `msg_${parts.newId()}`
    insert({ messageId, prediction, event, eventAt, dueAt: eventAt, attempt: 1, metFaults: false })
  }
  const prepare = async (entry: Waiting, now: number): Promise<Delivery[]> => {
    if (!parts.isOn() || !(await hasHappened(entry, parts))) return []
    const { model, input } = entry.prediction
    const subject = { model: model.name, input, event: entry.event }
    const fault = entry.metFaults ? undefined : parts.faults.take('webhook', subject)
    const later = postponed(entry, fault, now)
    if (later !== undefined) insert(later)
    if (fault?.fault === 'lost') counts.lost += 1
    if (later !== undefined || fault?.fault === 'lost') return []
    const delivery = deliveryOf(entry, parts, fault, now)
    sent.set(delivery, entry)
    const copies = fault?.fault === 'repeated' ? fault.copies + 1 : 1
    counts.sent += copies
    return Array.from({ length: copies }, (_, n) => (n === 0 ? delivery : { ...delivery }))
  }

  return {
    counts,
    schedule(prediction) {
      if (prediction.webhook !== null) for (const event of events) schedule(prediction, event)
    },
    reschedule(prediction) {
      if (prediction.webhook !== null) schedule(prediction, 'completed')
    },
    async due(now) {
      const deliveries: Delivery[] = []
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
      const last = entry.eventAt + lastAttemptMs
      if (now >= last) return
      const dueAt = Math.min(now + 1000 * 2 ** (entry.attempt - 1), last)
      insert({ ...entry, dueAt, attempt: entry.attempt + 1, metFaults: true })
    },
  }
}

// Whether `completed` is sent for `aborted` isn't documented, so nobody may rely on it: it isn't sent.
async function hasHappened({ prediction, event, eventAt }: Waiting, { settle }: OutboxParts): Promise<boolean> {
  if (eventAt !== instantOf(prediction, event)) return false
  await settle(prediction, eventAt)
  if (event === 'output') return prediction.pictures.length > 0
  return event === 'start' || prediction.ending !== 'aborted'
}

function postponed(entry: Waiting, fault: FaultOn<'webhook'> | undefined, now: number): Waiting | undefined {
  if (fault?.fault === 'delayed') return { ...entry, dueAt: now + fault.seconds * 1000, metFaults: true }
  if (fault?.fault !== 'reordered') return undefined
  // Start and output come after completed, which itself has nothing to come after and is merely late.
  const late = entry.event === 'completed' ? 1000 : 0
  return { ...entry, dueAt: Math.max(now, entry.prediction.endsAt) + late, metFaults: true }
}

const staleSeconds = 600
const wrongSecret = 'whsec_bm90IHRoZSByaWdodCBzZWNyZXQ='

function deliveryOf(
  { prediction, event, eventAt, messageId, attempt }: Waiting,
  { view, secret }: OutboxParts,
  fault: FaultOn<'webhook'> | undefined,
  now: number,
): Delivery {
  const { webhook, events: filter } = prediction
  const body = JSON.stringify({ ...view(prediction, eventAt), webhook, webhook_events_filter: filter })
  const timestampSeconds = Math.floor(now / 1000) - (fault?.fault === 'stale_timestamp' ? staleSeconds : 0)
  const key = fault?.fault === 'bad_signature' ? wrongSecret : secret
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Replicate/1.0 (simulator)',
    'webhook-id': messageId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': sign({ secret: key, id: messageId, timestampSeconds, body }),
  }
  return { messageId, predictionId: prediction.id, event, attempt, url: webhook ?? '', headers, body }
}
