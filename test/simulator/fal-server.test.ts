// The simulated fal on a port: its controls, its files in ranges, its webhooks over HTTP.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { webhookSecret } from './harness.ts'

let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({
    ...{ port: 0, webhookSecret, secondsPerStep: 0, secondsPerTraining: 0, weightsBytes: 3_000_000, drawing: false },
  })
})
beforeEach(() => simulator.fal.reset())
afterAll(() => simulator.close())

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(new URL(path, simulator.url), {
    method,
    headers: { authorization: 'Key test', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const json = async <T>(answer: Promise<Response>) => (await (await answer).json()) as T
const submit = (webhook = '') =>
  json<{ request_id: string; response_url: string }>(
    call('POST', `/fal/queue/fal-ai/flux/dev${webhook && `?fal_webhook=${encodeURIComponent(webhook)}`}`, {
      prompt: 'x',
    }),
  )

test('faults go to the provider they name, or to Replicate; the till has both', async () => {
  const faults = [
    { on: 'create', fault: 'no_credit', provider: 'fal' },
    { on: 'list', fault: 'empty' },
  ]
  expect(await json(call('POST', '/_simulator/faults', faults))).toMatchObject([faults[1], faults[0]])
  expect([simulator.fal.waitingFaults().length, simulator.replicate.waitingFaults().length]).toEqual([1, 1])
  expect((await call('POST', '/fal/queue/fal-ai/flux/dev', { prompt: 'x' })).status).toBe(403)
  expect(await json(call('GET', '/_simulator/till'))).toMatchObject({
    ...{ fal: { create_requests: 1, created: 0 }, replicate: { create_requests: 0 } },
  })
  await call('POST', '/_simulator/reset')
  expect(await json(call('GET', '/_simulator/faults'))).toEqual([])
  expect(simulator.fal.till().create_requests).toBe(0)
})

test('its settings are under its name', async () => {
  const answer = await json(call('POST', '/_simulator/settings', { fal: { list_unfinished: true } }))
  expect(answer).toMatchObject({ retention_seconds: 3600, fal: { list_unfinished: true, signing_key: 0 } })
  const wrong = await call('POST', '/_simulator/settings', { fal: { signing_key: 'new' } })
  expect(wrong.status).toBe(400)
  expect(await wrong.json()).toMatchObject({ errors: [{ path: 'fal.signing_key' }] })
})

test('weights can be read in ranges over HTTP, and asked for by HEAD', async () => {
  const path = '/fal/queue/fal-ai/flux-lora-fast-training'
  const input = { images_data_url: 'https://images.test/me.zip' }
  const { response_url } = await json<{ response_url: string }>(call('POST', path, input))
  const { diffusers_lora_file: file } = await json<{ diffusers_lora_file: { url: string } }>(call('GET', response_url))
  const whole = Buffer.from(await (await fetch(file.url)).bytes())
  expect(whole.length).toBe(3_000_000)
  const rest = await fetch(file.url, { headers: { range: 'bytes=2000000-' } })
  expect([rest.status, rest.headers.get('content-range')]).toEqual([206, 'bytes 2000000-2999999/3000000'])
  expect(Buffer.compare(Buffer.from(await rest.bytes()), whole.subarray(2_000_000))).toBe(0)
  const head = await fetch(file.url, { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe('3000000')
})

test('a gateway error is nginx’s page, and a reset closes the socket', async () => {
  simulator.fal.addFaults([
    { on: 'result', fault: 'error' },
    { on: 'result', fault: 'reset' },
  ])
  const { response_url } = await submit()
  const page = await call('GET', response_url)
  expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('nginx')])
  await expect(call('GET', response_url)).rejects.toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } })
})

test('webhooks are sent, and tried again', async () => {
  const bodies: string[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const receiver = createServer(async (request, response) => {
    bodies.push(await text(request))
    response.writeHead(bodies.length === 1 ? 500 : 200).end()
    if (bodies.length === 2) resolve()
  })
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const address = receiver.address()
  const { request_id } = await submit(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`)
  await all
  expect(bodies.map((body) => JSON.parse(body).request_id)).toEqual([request_id, request_id])
  receiver.closeAllConnections()
  receiver.close()
})
