// Replicate's official client, unchanged, against the simulator over HTTP.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import Replicate, { validateWebhook } from 'replicate'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { tryOnInput, tryOnVersion, webhookSecret } from './harness.ts'

let simulator: Simulator
let client: Replicate

beforeAll(async () => {
  const replicateToken = 'r8_test'
  simulator = await startSimulator({ port: 0, replicateToken, webhookSecret, secondsPerStep: 0.1, drawing: false })
  client = new Replicate({ auth: replicateToken, baseUrl: `${simulator.url}/v1` })
})
beforeEach(() => simulator.replicate.reset())
afterAll(() => simulator.close())

const tryOn = { version: tryOnVersion, input: tryOnInput }

test('creates, gets and waits', async () => {
  const created = await client.predictions.create(tryOn)
  expect(created).toMatchObject({ status: 'starting', version: tryOnVersion, input: tryOnInput })
  const done = await client.wait(await client.predictions.get(created.id), { interval: 20 })
  expect(done).toMatchObject({ id: created.id, status: 'succeeded', error: null })
  const file = await fetch(String(done.output))
  expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png'])
})

test('runs a model and gets its output: a string, or an array', async () => {
  expect(await client.run(`cuuupid/idm-vton:${tryOnVersion}`, { input: tryOnInput })).toMatch(/^http:.*\/files\//)
  const many = await client.run('black-forest-labs/flux-schnell', { input: { prompt: 'hello', num_outputs: 2 } })
  expect(many).toEqual([expect.stringMatching(/-0\.png$/), expect.stringMatching(/-1\.png$/)])
})

test('uploads a file that an input holds, and the model reads it', async () => {
  const drawing = await startSimulator({ port: 0, webhookSecret, secondsPerStep: 0.1 })
  const own = new Replicate({ auth: 'r8_any', baseUrl: `${drawing.url}/v1` })
  const picture = await sharp({ create: { width: 60, height: 80, channels: 3, background: '#a04020' } })
    .png()
    .toBuffer()
  const input = { human_img: picture, garm_img: new Blob([new Uint8Array(picture)], { type: 'image/png' }) }
  const done = await own.wait(await own.predictions.create({ version: tryOnVersion, input }), { interval: 20 })
  expect(done).toMatchObject({ status: 'succeeded', input: { human_img: expect.stringMatching(/\/v1\/files\/\w+$/) } })
  const { results } = await own.files.list()
  expect(results).toMatchObject([{ size: picture.length }, { size: picture.length, content_type: 'image/png' }])
  expect(await own.files.get(results[0]?.id ?? '')).toMatchObject({ id: results[0]?.id })
  expect(await own.files.delete(results[0]?.id ?? '')).toBe(true)
  await drawing.close()
})

test('is told what to add for a model that the simulator does not know', async () => {
  const unknown = client.predictions.create({ model: 'someone/new-model', input: {} })
  await expect(unknown).rejects.toThrow(/404.*someone\/new-model: add its schema with `npm run add/s)
})

test('lists and pages', async () => {
  await Promise.all(Array.from({ length: 120 }, () => client.predictions.create(tryOn)))
  const sizes: number[] = []
  for await (const page of client.paginate(client.predictions.list)) sizes.push(page.length)
  expect(sizes).toEqual([100, 20])
})

test('cancels', async () => {
  simulator.replicate.addFaults([{ on: 'outcome', fault: 'seconds', seconds: 600 }])
  const { id } = await client.predictions.create(tryOn)
  expect(await client.predictions.cancel(id)).toMatchObject({ id, status: 'canceled' })
})

test('is refused with a wrong token, an unknown version and a wrong input', async () => {
  const stranger = new Replicate({ auth: 'r8_other', baseUrl: `${simulator.url}/v1` })
  await expect(stranger.predictions.list()).rejects.toThrow('401 Unauthorized')
  await expect(client.predictions.create({ ...tryOn, version: 'nothing' })).rejects.toThrow('422')
  await expect(client.predictions.create({ ...tryOn, input: {} })).rejects.toThrow('human_img')
})

test('pays twice for one lost answer, as it does with Replicate', async () => {
  simulator.replicate.addFaults([{ on: 'create', fault: 'reset_after' }])
  await client.predictions.create(tryOn)
  expect(simulator.replicate.till()).toMatchObject({ create_requests: 2, created: 2 })
})

test('validates a webhook that the simulator delivered', async () => {
  const { key } = await client.webhooks.default.secret.get()
  const receiver = createServer()
  const received = once(receiver, 'request')
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const address = receiver.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const webhook = `http://127.0.0.1:${port}/hook`
  const { id } = await client.predictions.create({ ...tryOn, webhook, webhook_events_filter: ['completed'] })
  const [request, response] = await received
  const body = await text(request)
  response.end()
  expect(JSON.parse(body)).toMatchObject({ id, status: 'succeeded', webhook })
  expect(await validateWebhook(new Request(webhook, { method: 'POST', headers: request.headers, body }), key)).toBe(
    true,
  )
  receiver.close()
})
