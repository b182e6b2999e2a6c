import { createHash, createPublicKey, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Delivery } from '../../simulator/fal/index.ts'
import { falHarness, webhook } from './fal-harness.ts'

type Simulated = ReturnType<typeof falHarness>

/** Verified as fal's documentation says, by the keys that are published now. */
async function isValid({ call }: Simulated, delivery: Delivery | undefined): Promise<boolean> {
  const { headers = {}, body = '' } = delivery ?? {}
  const { keys } = (await (await call('GET', '/jwks.json', undefined, { authorization: '' })).json()) as {
    keys: { x: string }[]
  }
  const header = (name: string) => headers[`x-fal-webhook-${name}`] ?? ''
  const digest = createHash('sha256').update(body).digest('hex')
  const message = [header('request-id'), header('user-id'), header('timestamp'), digest].join('\n')
  return keys.some(({ x }) =>
    verify(
      null,
      Buffer.from(message),
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
      Buffer.from(header('signature'), 'hex'),
    ),
  )
}

/** What is sent from now on, second by second. */
async function watch({ fal, advance, now }: Simulated, seconds: number, delivered = true): Promise<number[]> {
  const begun = now()
  const seen: number[] = []
  for (let n = 0; n <= seconds; n += 1) {
    for (const delivery of await fal.dueWebhooks()) {
      seen.push((now() - begun) / 1000)
      fal.reportWebhook(delivery, delivered)
    }
    advance(1)
  }
  return seen
}

test('one webhook is sent at the end, signed, with the payload', async () => {
  const simulated = falHarness()
  await simulated.submit({ prompt: 'a cat', seed: 7 })
  simulated.advance(4)
  const [delivery, ...more] = await simulated.fal.dueWebhooks()
  expect(more).toEqual([])
  expect(delivery).toMatchObject({ url: webhook, requestId: 'id1' })
  expect(JSON.parse(delivery?.body ?? '')).toMatchObject({
    ...{ request_id: 'id1', gateway_request_id: 'id1', status: 'OK', payload: { seed: 7, images: [{}] } },
  })
  expect(await isValid(simulated, delivery)).toBe(true)
  expect(await isValid(simulated, delivery && { ...delivery, body: `${delivery.body} ` })).toBe(false)
})

test('a failure is reported with its error body', async () => {
  const simulated = falHarness()
  await simulated.submit({ prompt: 7 })
  simulated.advance(4)
  const [delivery] = await simulated.fal.dueWebhooks()
  expect(JSON.parse(delivery?.body ?? '')).toMatchObject({
    ...{ status: 'ERROR', error: 'Invalid status code: 422', payload: { detail: [{ loc: ['body', 'prompt'] }] } },
  })
})

test('a refused one is tried again for six minutes, a canceled request is not reported', async () => {
  const simulated = falHarness()
  await simulated.submit()
  expect(await watch(simulated, 500, false)).toEqual([4, 5, 7, 11, 19, 35, 67, 131, 259, 364])
  const { cancel_url } = await simulated.submit()
  await simulated.call('PUT', cancel_url)
  expect(await watch(simulated, 10)).toEqual([])
  simulated.fal.set({ webhooks: false })
  await simulated.submit()
  expect(await watch(simulated, 10)).toEqual([])
})

test.each([
  ['lost', {}, []],
  ['repeated', { copies: 2 }, [4, 4, 4]],
  ['delayed', { seconds: 6 }, [10]],
] as const)('a webhook may be %s', async (fault, more, expected) => {
  const simulated = falHarness()
  simulated.fal.addFaults([{ on: 'webhook', fault, ...more }])
  await simulated.submit()
  expect(await watch(simulated, 60)).toEqual(expected)
})

test('a webhook may come without its payload, with a wrong signature, an old time, or the name of another request', async () => {
  const simulated = falHarness()
  const { fal, submit, advance, now } = simulated
  fal.addFaults([
    { on: 'webhook', fault: 'payload_error' },
    { on: 'webhook', fault: 'bad_signature' },
    { on: 'webhook', fault: 'stale_timestamp' },
    { on: 'webhook', fault: 'mismatched_id' },
  ])
  for (let n = 0; n < 4; n += 1) await submit()
  advance(4)
  const [withheld, forged, stale, other] = await fal.dueWebhooks()
  expect(JSON.parse(withheld?.body ?? '')).toMatchObject({
    status: 'OK',
    payload: null,
    payload_error: expect.any(String),
  })
  expect(await isValid(simulated, forged)).toBe(false)
  expect(now() / 1000 - Number(stale?.headers['x-fal-webhook-timestamp'])).toBe(600)
  expect(await isValid(simulated, stale)).toBe(true)
  expect(await isValid(simulated, other)).toBe(true)
  expect(other?.headers['x-fal-webhook-request-id']).not.toBe(JSON.parse(other?.body ?? '').request_id)
})

test('a key is followed by the next; both are published, and the one before the last is not', async () => {
  const simulated = falHarness()
  const { fal, submit, advance } = simulated
  const send = async () => {
    await submit()
    advance(4)
    return (await fal.dueWebhooks())[0]
  }
  const first = await send()
  fal.set({ signing_key: 1 })
  expect([await isValid(simulated, first), await isValid(simulated, await send())]).toEqual([true, true])
  fal.set({ signing_key: 2 })
  expect([await isValid(simulated, first), await isValid(simulated, await send())]).toEqual([false, true])
})
