// Webhooks on their way: lost, repeated, late and reordered by the draw. What is answered 200 must be known to the row by then,
// because nobody reports it again.

import { webhook } from '../../functions/webhook.ts'
import { sign } from '../../simulator/replicate/signature.ts'
import { type Delivery, dueWebhooks, reportWebhook } from './providers.ts'
import { webhookSecret } from './weather.ts'
import type { World } from './world.ts'

/** Takes out what has become due. */
export function takeWebhooks({ providers, scheduler }: World): Promise<Delivery[]> {
  return dueWebhooks(providers, scheduler.now())
}

export async function deliver(world: World, delivery: Delivery): Promise<void> {
  const { random, scheduler, providers, weather } = world
  const isLost = !weather.webhooks || random.chance(scheduler.faults ? 0.2 : 0)
  if (isLost) return reportWebhook(providers, delivery, false)
  world.reports.add(delivery)
  const times = random.chance(0.15) ? 2 : 1
  for (let time = 0; time < times; time += 1) {
    const { url, headers, body } = delivery
    const name = `webhook ${delivery.event} of ${predictionOf(delivery)}`
    await world.call(name, webhook, new Request(url, { method: 'POST', headers, body }), async ({ ok, status }) => {
      scheduler.note(`${name} answered ${status}`)
      reportWebhook(providers, delivery, ok)
      if (ok) await scheduler.look(() => requireKnown(world, delivery))
    })
  }
}

/** The same message, sent again now. fal's stay as they are: it alone can sign them. */
export function signedAnew({ scheduler }: World, delivery: Delivery): Delivery {
  if (delivery.provider === 'fal') return delivery
  const timestampSeconds = Math.floor(scheduler.nowMs / 1000)
  const { messageId: id, body, headers } = delivery
  const signature = sign({ secret: webhookSecret, id, timestampSeconds, body })
  const signed = { ...headers, 'webhook-timestamp': String(timestampSeconds), 'webhook-signature': signature }
  return { ...delivery, headers: signed }
}

const predictionOf = (delivery: Delivery) => (delivery.provider === 'fal' ? delivery.requestId : delivery.predictionId)

export const taskOf = ({ url }: Delivery): string => new URL(url).searchParams.get('task') ?? ''

async function requireKnown({ pool, witness, erased }: World, delivery: Delivery): Promise<void> {
  const id = predictionOf(delivery)
  const task = taskOf(delivery)
  const { rowCount } = await pool.query({
    name: 'known',
    text: `select from tasks where id = $1
      and (prediction_id = $2 or jsonb_path_exists(steps || strays, '$.**.prediction_id ? (@ == $id)', $3))`,
    values: [task, id, { id }],
  })
  // Of an erased task nothing is on record any more.
  if (rowCount === 0 && !erased.has(task))
    witness.broken.push(`webhook: the report of ${id} was answered 200 and is recorded nowhere`)
}
