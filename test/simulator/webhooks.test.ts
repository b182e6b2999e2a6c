import { validateWebhook } from 'replicate'
import { expect, test } from 'vitest'
import type { Delivery } from '../../simulator/replicate/index.ts'
import { sign } from '../../simulator/replicate/signature.ts'
import { harness, webhook, webhookSecret } from './harness.ts'

const all = { webhook, webhook_events_filter: ['start', 'output', 'completed'] }
const last = { webhook, webhook_events_filter: ['completed'] }

/** What Replicate's own client says of the signature. */
function isValid(delivery: Delivery | undefined): Promise<boolean> {
  const { headers = {}, body = '' } = delivery ?? {}
  return validateWebhook(new Request(webhook, { method: 'POST', headers, body }), webhookSecret)
}

type Simulated = ReturnType<typeof harness>

/** What is sent from now on, second by second: `seconds after the start: event`. */
async function watch({ replicate, advance, now }: Simulated, seconds: number, delivered = true): Promise<string[]> {
  const begun = now()
  const seen: string[] = []
  for (let n = 0; n <= seconds; n += 1) {
    for (const delivery of await replicate.dueWebhooks()) {
      seen.push(`${(now() - begun) / 1000}: ${delivery.event}`)
      replicate.reportWebhook(delivery, delivered)
    }
    advance(1)
  }
  return seen
}

test('a signature is the one of the public test vector', () => {
  const body = '{"id":"gm3qorzdhgbfurvjtvhg6dckhu","status":"succeeded"}'
  const signed = sign({ secret: webhookSecret, id: 'msg_test_1', timestampSeconds: 1_700_000_000, body })
  expect(signed).toBe('v1,9JNzuoAEq/T6wr4R4UBFU6BEAeNRionno5zA1fFr4pc=')
})

test('start, output and completed are sent as they happen, each with the prediction as it was then', async () => {
  const simulated = harness()
  const { id } = await simulated.create(all)
  simulated.advance(61)
  const [start, output, completed, ...more] = await simulated.replicate.dueWebhooks()
  expect(start).toMatchObject({ url: webhook, event: 'start', predictionId: id })
  expect(JSON.parse(start?.body ?? '')).toMatchObject({ id, status: 'processing', output: null, webhook })
  expect([output?.event, completed?.event, more.length]).toEqual(['output', 'completed', 0])
  expect(JSON.parse(completed?.body ?? '')).toEqual({ ...(await simulated.get(id)), webhook })
  expect(await isValid(completed)).toBe(true)
})

test('without a filter output and completed are sent, with one only what it names, without an address nothing', async () => {
  const simulated = harness()
  await simulated.create({ webhook })
  expect(await watch(simulated, 5)).toEqual(['4: output', '4: completed'])
  await simulated.create(last)
  expect(await watch(simulated, 5)).toEqual(['4: completed'])
  await simulated.create()
  expect(simulated.replicate.nextWebhookAt()).toBeNull()
  simulated.replicate.set({ webhooks: false })
  await simulated.create(all)
  expect(await watch(simulated, 5)).toEqual([])
})

test('only completed is tried again, for a minute, under one id', async () => {
  const simulated = harness()
  await simulated.create(all)
  const seen = await watch(simulated, 200, false)
  const retries = [4, 5, 7, 11, 19, 35, 64].map((second) => `${second}: completed`)
  expect(seen).toEqual(['1: start', '4: output', ...retries])
  await simulated.create(last)
  simulated.advance(4)
  const [first] = await simulated.replicate.dueWebhooks()
  if (first !== undefined) simulated.replicate.reportWebhook(first, false)
  simulated.advance(1)
  const [second] = await simulated.replicate.dueWebhooks()
  expect(second).toMatchObject({ messageId: first?.messageId, attempt: 2, body: first?.body })
  expect(simulated.replicate.till().webhooks).toMatchObject({ sent: 11, refused: 10, delivered: 0 })
})

test('a cancel brings completed forward and takes back what will not happen', async () => {
  const simulated = harness()
  const { id } = await simulated.create(all)
  await simulated.call('POST', `/v1/predictions/${id}/cancel`)
  expect(await watch(simulated, 10)).toEqual(['0: completed'])
})

test('a failed prediction sends no output, an aborted one nothing', async () => {
  const simulated = harness()
  simulated.replicate.addFaults([
    { on: 'outcome', fault: 'failed' },
    { on: 'outcome', fault: 'aborted' },
  ])
  await simulated.create(all)
  await simulated.create(all)
  expect(await watch(simulated, 70)).toEqual(['1: start', '4: completed'])
})

test.each([
  ['lost', {}, ['1: start', '4: output']],
  ['repeated', { copies: 2 }, ['1: start', '4: output', '4: completed', '4: completed', '4: completed']],
  ['delayed', { seconds: 6 }, ['1: start', '4: output', '10: completed']],
] as const)('a webhook may be %s', async (fault, more, expected) => {
  const simulated = harness()
  simulated.replicate.addFaults([{ on: 'webhook', fault, event: 'completed', ...more }])
  await simulated.create(all)
  expect(await watch(simulated, 70)).toEqual(expected)
})

test('start and output may come after completed', async () => {
  const simulated = harness()
  simulated.replicate.addFaults([{ on: 'webhook', fault: 'reordered', times: 2 }])
  await simulated.create(all)
  expect(await watch(simulated, 10)).toEqual(['4: completed', '4: start', '4: output'])
})

test('a signature may be wrong and a timestamp old; the next attempt is right', async () => {
  const simulated = harness()
  const { replicate, create, advance, now } = simulated
  replicate.addFaults([
    { on: 'webhook', fault: 'bad_signature' },
    { on: 'webhook', fault: 'stale_timestamp' },
  ])
  const check = async (delivery: Delivery | undefined) => ({
    valid: await isValid(delivery),
    age: now() / 1000 - Number(delivery?.headers['webhook-timestamp']),
  })
  await create(last)
  advance(4)
  const [forged] = await replicate.dueWebhooks()
  expect(await check(forged)).toEqual({ valid: false, age: 0 })
  if (forged !== undefined) replicate.reportWebhook(forged, false)
  advance(1)
  expect(await check((await replicate.dueWebhooks())[0])).toEqual({ valid: true, age: 0 })
  await create(last)
  advance(4)
  expect(await check((await replicate.dueWebhooks())[0])).toEqual({ valid: true, age: 600 })
})
