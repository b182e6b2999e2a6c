// What fal has charged for requests, in the account's list of billing events: told within minutes, to a key with admin scope alone.
// https://fal.ai/docs/platform-apis/v1/models/billing-events
import { faultOfPrice } from '../../core/price.ts'
import type { Bill } from '../../core/provider.ts'
import { readAnswer } from '../outcome.ts'
import type { FalCall, FalOptions } from './address.ts'
import { readPage } from './list.ts'

/** A request has one event, or few. */
const maxPages = 5

interface BillingEvent {
  request_id?: unknown
  cost_estimate_nano_usd?: unknown
}

/** Of 50 requests at most. With one event whose sum can't be right, nothing is known of its request's charge but that there is one. */
export async function readBill(
  { apiUrl }: FalOptions,
  call: FalCall,
  ids: readonly string[],
  since: Date,
): Promise<Bill> {
  const nanos = new Map<string, number>()
  let cursor: string | undefined
  for (let pages = 0; pages < maxPages; pages += 1) {
    const query = new URLSearchParams({ start: since.toISOString(), ...(cursor && { cursor }) })
    for (const id of ids) query.append('request_id', id)
    const answer = call('GET', `${apiUrl}/models/billing-events?${query}`)
    const page = await readAnswer(answer, (response) => readPage<BillingEvent>(response, 'billing_events'))
    if (page.kind !== 'page') return page
    for (const { request_id: id, cost_estimate_nano_usd: cost } of page.items) {
      if (typeof id === 'string') nanos.set(id, (nanos.get(id) ?? 0) + (typeof cost === 'number' ? cost : Number.NaN))
    }
    cursor = page.next
    if (!cursor) return { kind: 'told', charged: inMicros(nanos) }
  }
  return { kind: 'unreachable', reason: "fal's list of charges does not end" }
}

function inMicros(nanos: ReadonlyMap<string, number>): Map<string, number | null> {
  const rounded = [...nanos].map(([id, nano]) => [id, Math.round(nano / 1000)] as const)
  return new Map(rounded.map(([id, micros]) => [id, faultOfPrice(micros) ? null : micros]))
}
