// The webhooks that wait to be sent, one for each request that ends, in the order of their instants. Whoever drives the simulator takes
// the due ones, sends them, and reports how that went. A refused one is tried again for six minutes: fal's shortest window.

import type { FaultOn, FaultQueue } from '../faults.ts'
import type { QueuedRequest } from './request.ts'
import { type Answer, summaryOf } from './result.ts'
import { digestOf, type SigningKeys } from './signature.ts'

export interface Delivery {
  readonly requestId: string
  readonly event: 'completed'
  readonly attempt: number
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface Outbox {
  schedule(request: QueuedRequest): void
  /** Its end has moved. */
  reschedule(request: QueuedRequest): void
  due(now: number): Promise<Delivery[]>
  nextAt(): number | null
  report(delivery: Delivery, delivered: boolean, now: number): void
  readonly counts: { sent: number; delivered: number; refused: number; lost: number }
}

export interface OutboxParts {
  readonly faults: FaultQueue
  readonly keys: SigningKeys
  readonly signingKey: () => number
  readonly isOn: () => boolean
  readonly settle: (request: QueuedRequest, at: number) => Promise<void>
  readonly answer: (request: QueuedRequest) => Answer
}

interface Waiting {
  readonly request: QueuedRequest
  /** When the request ended; it is void once that has moved. */
  readonly endsAt: number
  readonly dueAt: number
  readonly attempt: number
  readonly metFaults: boolean
}

const lastAttemptMs = 360_000

export function createOutbox(parts: OutboxParts): Outbox {
  const waiting: Waiting[] = []
  const sent = new WeakMap<Delivery, Waiting>()
  const counts = { sent: 0, delivered: 0, refused: 0, lost: 0 }

  const insert = (entry: Waiting) => {
    const before = waiting.findLastIndex(({ dueAt }) => dueAt <= entry.dueAt)
    waiting.splice(before + 1, 0, entry)
  }
  const schedule = (request: QueuedRequest) => {
    const { endsAt, webhook } = request
    if (webhook !== null) insert({ request, endsAt, dueAt: endsAt, attempt: 1, metFaults: false })
  }
  const prepare = async (entry: Waiting, now: number): Promise<Delivery[]> => {
    const { request } = entry
    // What an early failure of the input would move is known only now.
    await parts.settle(request, now)
    // Whether a canceled request is reported isn't documented, so nobody may rely on it.
    if (!parts.isOn() || entry.endsAt !== request.endsAt || request.canceledByUser) return []
    const subject = { model: request.model.endpoint, input: request.input, event: 'completed' }
    const fault = entry.metFaults ? undefined : parts.faults.take('webhook', subject)
    if (fault?.fault === 'delayed' || fault?.fault === 'reordered') {
      insert({ ...entry, dueAt: now + fault.seconds * 1000, metFaults: true })
      return []
    }
    if (fault?.fault === 'lost') {
      counts.lost += 1
      return []
    }
    const delivery = deliveryOf(entry, parts, fault, now)
    sent.set(delivery, entry)
    const copies = fault?.fault === 'repeated' ? fault.copies + 1 : 1
    counts.sent += copies
    return Array.from({ length: copies }, (_, n) => (n === 0 ? delivery : { ...delivery }))
  }

  return {
    counts,
    schedule,
    reschedule: schedule,
    async due(now) {
      const deliveries: Delivery[] = []
      while ((waiting[0]?.dueAt ?? Number.POSITIVE_INFINITY) <= now) {
        const entry = waiting.shift()
        if (entry) deliveries.push(...(await prepare(entry, now)))
      }
      return deliveries
    },
    nextAt: () => waiting[0]?.dueAt ?? null,
    report(delivery, delivered, now) {
      counts[delivered ? 'delivered' : 'refused'] += 1
      const entry = sent.get(delivery)
      sent.delete(delivery)
      if (delivered || entry === undefined) return
      const last = entry.endsAt + lastAttemptMs
      if (now >= last) return
      const dueAt = Math.min(now + 1000 * 2 ** (entry.attempt - 1), last)
      insert({ ...entry, dueAt, attempt: entry.attempt + 1, metFaults: true })
    },
  }
}

const staleSeconds = 600
const userId = 'simulated-user'

function deliveryOf(
  { request, attempt }: Waiting,
  parts: OutboxParts,
  fault: FaultOn<'webhook'> | undefined,
  now: number,
) {
  const { id, gatewayId, webhook } = request
  const body = JSON.stringify({
    request_id: id,
    gateway_request_id: gatewayId,
    ...reportOf(request, parts.answer(request), fault?.fault === 'payload_error'),
  })
  const named = fault?.fault === 'mismatched_id' ? `${id}-other` : id
  const timestamp = String(Math.floor(now / 1000) - (fault?.fault === 'stale_timestamp' ? staleSeconds : 0))
  // A key of another simulator's, as it were.
  const key = fault?.fault === 'bad_signature' ? -1 : parts.signingKey()
  const delivery: Delivery = {
    requestId: id,
    event: 'completed',
    attempt,
    url: webhook ?? '',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'fal/1.0 (simulator)',
      'x-fal-webhook-request-id': named,
      'x-fal-webhook-user-id': userId,
      'x-fal-webhook-timestamp': timestamp,
      'x-fal-webhook-signature': parts.keys.signature(key, [named, userId, timestamp, digestOf(body)]),
    },
    body,
  }
  return delivery
}

function reportOf(request: QueuedRequest, { body, output }: Answer, isWithheld: boolean) {
  if (output === null) return { status: 'ERROR', error: summaryOf(request), payload: body }
  if (isWithheld) return { status: 'OK', payload: null, payload_error: 'Response payload is not JSON serializable.' }
  return { status: 'OK', payload: output }
}
