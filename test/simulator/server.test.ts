import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../simulator/server.ts'
import { tryOnInput, tryOnVersion, webhookSecret } from './harness.ts'

let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({ port: 0, webhookSecret, secondsPerStep: 0, drawing: false })
})
beforeEach(() => simulator.replicate.reset())
afterAll(() => simulator.close())

const call = (method: string, path: string, body?: unknown, signal?: AbortSignal) =>
  fetch(new URL(path, simulator.url), {
    method,
    headers: { authorization: 'Bearer r8_test' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  })
const tryOn = { version: tryOnVersion, input: tryOnInput }
const create = (more: object = {}, signal?: AbortSignal) =>
  call('POST', '/v1/predictions', { ...tryOn, ...more }, signal)

test.each([
  ['reset_before', 0],
  ['reset_after', 1],
])('%s closes the socket without an answer', async (fault, created) => {
  await call('POST', '/_simulator/faults', [{ on: 'create', fault }])
  await expect(create()).rejects.toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } })
  expect(simulator.replicate.till().created).toBe(created)
  expect((await create()).status).toBe(201)
})

test('a body that breaks off closes the socket within it', async () => {
  await call('POST', '/_simulator/faults', [{ on: 'create', fault: 'truncated', reset: true }])
  const response = await create()
  expect(response.status).toBe(201)
  await expect(response.text()).rejects.toThrow('terminated')
})

test('a hanging request ends when its client gives up, and the server lives on', async () => {
  simulator.replicate.addFaults([{ on: 'create', fault: 'hang_after' }])
  const leaving = new AbortController()
  const given = expect(create({}, leaving.signal)).rejects.toThrow('aborted')
  await expect.poll(() => simulator.replicate.till().created).toBe(1)
  leaving.abort()
  await given
  expect((await create()).status).toBe(201)
  expect(simulator.replicate.till().created).toBe(2)
})

test('an endless file stops when its reader stops', async () => {
  const { id } = (await (await create()).json()) as { id: string }
  simulator.replicate.addFaults([{ on: 'file', fault: 'too_large' }])
  const response = await call('GET', `/files/${id}/output-0.png`)
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > 2_000_000) break
  }
  expect(size).toBeGreaterThan(2_000_000)
  expect((await create()).status).toBe(201)
})

test('a body over 20 MB is refused', async () => {
  expect((await call('POST', '/v1/predictions', 'x'.repeat(21 * 1024 * 1024))).status).toBe(413)
  expect((await call('POST', '/v1/predictions', 'no json')).status).toBe(400)
})

test('webhooks are sent over one keep-alive connection, tried again, and not redirected', async () => {
  const seen: { path: string | undefined; port: number | undefined }[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const receiver = createServer((request, response) => {
    seen.push({ path: request.url, port: request.socket.remotePort })
    response.writeHead(seen.length === 1 ? 302 : 204, seen.length === 1 ? { location: '/elsewhere' } : {})
    response.end(seen.length === 1 ? 'x'.repeat(100_000) : undefined)
    if (seen.length === 2) resolve()
  })
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const address = receiver.address()
  const webhook = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`
  await create({ webhook, webhook_events_filter: ['completed'] })
  await all
  expect(seen.map(({ path }) => path)).toEqual(['/hook', '/hook'])
  expect(new Set(seen.map(({ port }) => port)).size).toBe(1)
  expect(simulator.replicate.till().webhooks).toMatchObject({ sent: 2, refused: 1 })
  receiver.closeAllConnections()
  receiver.close()
})

test('faults, settings and till are reached over HTTP', async () => {
  const faults = await call('POST', '/_simulator/faults', [{ on: 'list', fault: 'empty', times: 2 }])
  expect(await faults.json()).toMatchObject([{ on: 'list', fault: 'empty', times: 2 }])
  const settings = await call('POST', '/_simulator/settings', { seconds_per_step: 9 })
  expect(await settings.json()).toMatchObject({ seconds_per_step: 9, retention_seconds: 3600, drawing: false })
  await create()
  expect(await (await call('GET', '/_simulator/till')).json()).toMatchObject({ replicate: { created: 1 } })
  await call('POST', '/_simulator/reset')
  expect(await (await call('GET', '/_simulator/till')).json()).toMatchObject({ replicate: { created: 0 } })
  expect(await (await call('GET', '/_simulator/faults')).json()).toEqual([])
})

test.each([
  ['faults', [{ on: 'create', fault: 'reset' }], '0.fault'],
  ['faults', [{ on: 'nothing' }], '0.on'],
  ['faults', [{ on: 'list', fault: 'lag', times: 0 }], '0.times'],
  ['faults', 'no json', ''],
  ['settings', { seconds_per_step: 'four' }, 'seconds_per_step'],
  ['settings', { speed: 1 }, ''],
])('a wrong body for %s names the field', async (where, body, path) => {
  const response = await call('POST', `/_simulator/${where}`, body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ errors: [{ path }] })
  expect(simulator.replicate.waitingFaults()).toEqual([])
})

test('an unknown control is not found', async () => {
  expect((await call('GET', '/_simulator/other')).status).toBe(404)
})

test('300 creates at once are 300 predictions', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, () => create()))
  expect(answers.every(({ status }) => status === 201)).toBe(true)
  expect(simulator.replicate.till()).toMatchObject({ create_requests: 300, created: 300 })
})
