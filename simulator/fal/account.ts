// What a key with admin scope may do about requests that are over: delete what is kept of them, and read what they were charged.
import { isOver } from '../jobs/job.ts'
import { clockOf } from '../jobs/state.ts'
import { json, notAdmin, notFound } from './answers.ts'
import type { QueuedRequest, State } from './protocol.ts'

/** The request's JSON and its output files. */
export function deletePayloads(state: State, id: string): Response {
  state.requests.delete += 1
  if (!state.settings.is_admin) return notAdmin()
  const found = state.byId.get(id)
  if (!found) return notFound()
  found.own.isDeleted = true
  return json({ cdn_delete_results: [] })
}

/** Dollars a unit, and how many units an input makes, by the models' own pages; of other models, one cent. */
const prices: Readonly<Record<string, readonly [dollars: number, units: (input: QueuedRequest['input']) => number]>> = {
  'fal-ai/flux-lora-portrait-trainer': [0.0024, ({ steps }) => Number(steps ?? 2_500)],
  'fal-ai/flux-lora-fast-training': [0.002, ({ steps }) => Number(steps ?? 1_000)],
  'fal-ai/nano-banana-2/edit': [0.08, () => 1],
  'fal-ai/bytedance/seedance/v1/pro/fast/image-to-video': [0.0216, ({ duration }) => Number(duration ?? 5)],
  'fal-ai/flux-lora': [0.037, ({ num_images }) => Number(num_images ?? 1)],
}
const otherPrice = [0.01, () => 1] as const

/** One event for each paid request that is over, some time after its end. */
export function listCharges(state: State, request: Request): Response {
  state.requests.bill += 1
  if (!state.settings.is_admin) return notAdmin()
  const query = new URL(request.url).searchParams
  const ids = query.getAll('request_id').flatMap((value) => value.split(','))
  if (ids.length < 1 || ids.length > 50)
    return json({ error: { type: 'validation_error', message: 'Invalid query' } }, 400)
  const start = Date.parse(query.get('start') ?? '')
  const now = clockOf(state) - state.settings.bill_after_seconds * 1000
  const charged = ids.flatMap((id) => {
    const found = state.byId.get(id)
    const isCharged = found && found.endsAt >= start && isOver(found, now) && state.protocol.isPaid(found, now)
    return isCharged ? [chargeOf(state, found)] : []
  })
  return json({ billing_events: charged, next_cursor: null, has_more: false })
}

function chargeOf({ settings: { percent_discount } }: State, { id, model, input, endsAt }: QueuedRequest) {
  const [unit_price, unitsOf] = prices[model.name] ?? otherPrice
  const output_units = unitsOf(input)
  const cost_subtotal = output_units * unit_price
  const cost_total = cost_subtotal * (1 - percent_discount / 100)
  return {
    ...{ request_id: id, endpoint_id: model.name, timestamp: new Date(endsAt).toISOString(), output_units, unit_price },
    ...{ percent_discount, cost_subtotal, cost_discount: cost_subtotal - cost_total, cost_total },
    cost_estimate_nano_usd: Math.round(cost_total * 1e9),
  }
}
