import { expect, test } from 'vitest'
import { AppError } from '../../core/errors.ts'
import type { HttpRequest } from '../../providers/connection.ts'
import { openHttp } from '../../providers/http.ts'
import type { OpenedProvider } from '../../providers/spec.ts'
import type { Delivery } from '../../simulator/fal/index.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { how, image, requireCreated, useSimulatedFal } from './fal-setup.ts'

const { simulator, clock, fal, at } = await useSimulatedFal()
const webhookUrl = 'https://app.test/hook'

/** The webhook of a request that has just ended, and the request. */
async function delivered(fault?: FaultInput, input: Record<string, unknown> = image.input) {
  if (fault) simulator.fal.addFaults([fault])
  const created = requireCreated(await fal.submit({ ...image, input }, { ...how, webhookUrl }))
  clock.advance(4)
  const [delivery] = await simulator.fal.dueWebhooks()
  if (!delivery) throw new Error('no webhook is due')
  return { created, delivery }
}

const read = (to: OpenedProvider, { headers, body }: Pick<Delivery, 'headers' | 'body'>, model?: string) =>
  to.readWebhook(new Headers(headers), body, clock.now(), model)

const refusedWith = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

/** Counts how often the keys are asked for, and can take them away. */
function counting() {
  const real = openHttp({ connections: 2 })
  const keys = { asked: 0, isDown: false }
  const send = (request: HttpRequest) => {
    if (!request.url.endsWith('/jwks.json')) return real.send(request)
    keys.asked += 1
    return keys.isDown ? Promise.resolve({ status: 503, headers: {}, body: undefined }) : real.send(request)
  }
  return { keys, to: at({ http: { ...real, send } }) }
}

test('readWebhook() reports a success with its payload', async () => {
  const { created, delivery } = await delivered()
  expect(await read(fal, delivery, image.model)).toMatchObject({
    ...{ prediction_id: created.prediction_id, urls: created.urls },
    observation: { kind: 'succeeded', output: { seed: 7 } },
  })
  expect((await read(fal, delivery)).urls).toEqual({})
})

test("readWebhook() reports a failure in fal's words", async () => {
  const { delivery } = await delivered(undefined, { prompt: 7 })
  expect((await read(fal, delivery)).observation).toMatchObject({
    ...{ kind: 'failed', code: 'provider_failed', reason: expect.stringContaining('prompt: ') },
  })
  const { delivery: second } = await delivered({ on: 'outcome', fault: 'failed', error: 'out of memory' })
  expect((await read(fal, second)).observation).toMatchObject({ reason: 'out of memory' })
})

test('readWebhook() tells of an output that was left out', async () => {
  const { delivery } = await delivered({ on: 'webhook', fault: 'payload_error' })
  expect(await read(fal, delivery)).toMatchObject({ observation: { kind: 'running' }, withheld: true })
})

const refused: [FaultInput, string][] = [
  [{ on: 'webhook', fault: 'bad_signature' }, 'bad_signature'],
  [{ on: 'webhook', fault: 'stale_timestamp' }, 'bad_signature'],
  [{ on: 'webhook', fault: 'mismatched_id' }, 'bad_signature'],
]
test.each(refused)('readWebhook() refuses %j', async (fault, code) => {
  const { delivery } = await delivered(fault)
  await expect(read(fal, delivery)).rejects.toSatisfy(refusedWith(code))
})

test.each(['request-id', 'user-id', 'timestamp', 'signature'])(
  'readWebhook() asks for the header %s, unchanged',
  async (name) => {
    const { delivery } = await delivered()
    const header = `x-fal-webhook-${name}`
    const { [header]: value = '', ...headers } = delivery.headers
    await expect(read(fal, { ...delivery, headers })).rejects.toSatisfy(refusedWith('bad_signature'))
    const changed = { ...headers, [header]: name === 'timestamp' ? String(Number(value) - 1) : `0${value}` }
    await expect(read(fal, { ...delivery, headers: changed })).rejects.toSatisfy(refusedWith('bad_signature'))
  },
)

test('readWebhook() refuses a body with one byte more, and a time more than five minutes off', async () => {
  const { delivery } = await delivered()
  const { headers, body } = delivery
  await expect(read(fal, { headers, body: `${body} ` })).rejects.toSatisfy(refusedWith('bad_signature'))
  for (const seconds of [-301, 301]) {
    const later = new Date(clock.now().getTime() + seconds * 1000)
    const call = fal.readWebhook(new Headers(headers), body, later)
    await expect(call).rejects.toSatisfy(refusedWith('bad_signature'))
  }
  const edge = new Date(clock.now().getTime() + 299_000)
  expect(await fal.readWebhook(new Headers(headers), body, edge)).toMatchObject({ observation: { kind: 'succeeded' } })
})

test('readWebhook() asks for the keys once a day', async () => {
  const { keys, to } = counting()
  const { delivery } = await delivered()
  await Promise.all([read(to, delivery), read(to, delivery), read(to, delivery)])
  expect(keys.asked).toBe(1)
  clock.advance(23 * 3_600)
  await read(to, (await delivered()).delivery)
  expect(keys.asked).toBe(1)
  clock.advance(3_600)
  await read(to, (await delivered()).delivery)
  expect(keys.asked).toBe(2)
})

test('readWebhook() follows a rotation of keys, and lets forged calls ask for them every five minutes at most', async () => {
  const { keys, to } = counting()
  await read(to, (await delivered()).delivery)
  simulator.fal.set({ signing_key: 2 })
  const { delivery } = await delivered()
  await expect(read(to, delivery)).rejects.toSatisfy(refusedWith('bad_signature'))
  expect(keys.asked).toBe(1)
  clock.advance(296)
  expect(await read(to, delivery)).toMatchObject({ observation: { kind: 'succeeded' } })
  expect(keys.asked).toBe(2)
  clock.advance(300)
  const { delivery: forged } = await delivered({ on: 'webhook', fault: 'bad_signature' })
  for (let n = 0; n < 5; n += 1) await expect(read(to, forged)).rejects.toSatisfy(refusedWith('bad_signature'))
  expect(keys.asked).toBe(3)
})

test('readWebhook() asks for the webhook again while the keys are not to be had, and keeps no old ones', async () => {
  const { keys, to } = counting()
  keys.isDown = true
  const { delivery } = await delivered()
  await expect(read(to, delivery)).rejects.toSatisfy(refusedWith('unavailable'))
  keys.isDown = false
  await read(to, delivery)
  keys.isDown = true
  clock.advance(24 * 3_600)
  await expect(read(to, (await delivered()).delivery)).rejects.toSatisfy(refusedWith('unavailable'))
  const nowhere = at({ jwksUrl: 'http://127.0.0.1:1/jwks.json' })
  await expect(read(nowhere, (await delivered()).delivery)).rejects.toSatisfy(refusedWith('unavailable'))
})
