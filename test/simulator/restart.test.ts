// A simulator that is started again: what was in flight goes on, and what was finished is still served.

import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { freePort } from '../../simulator/ports.ts'
import { startSimulator } from '../../simulator/server.ts'
import { type TestClock, testClock } from '../setup/clock.ts'
import { tryOnInput, tryOnVersion, webhookSecret } from './harness.ts'

let folder: string
let stateFile: string
let clock: TestClock
/** What is still open at a test's end. */
const open: (() => Promise<void>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stepgate-simulator-'))
  stateFile = join(folder, 'simulator.json')
  clock = testClock()
})
afterEach(async () => {
  for (const close of open.splice(0)) await close()
  await rm(folder, { recursive: true })
})

async function start(options: { port?: number; drawing?: boolean } = {}) {
  const { port = 0, drawing = false } = options
  const simulator = await startSimulator({
    ...{ port, webhookSecret, stateFile, drawing, now: clock.now },
    ...{ secondsPerStep: 10, secondsPerTraining: 100, weightsBytes: 50_000 },
  })
  let isClosed = false
  const close = async () => {
    if (!isClosed) await simulator.close()
    isClosed = true
  }
  open.push(close)
  const call = async (method: string, path: string, body?: unknown) => {
    const authorization = path.includes('/fal/') ? 'Key test' : 'Bearer test'
    const init = { method, headers: { authorization }, ...(body !== undefined && { body: JSON.stringify(body) }) }
    return fetch(new URL(path, simulator.url), init)
  }
  const json = async <T>(method: string, path: string, body?: unknown) =>
    (await (await call(method, path, body)).json()) as T
  return { simulator, url: simulator.url, call, json, close }
}

interface Shown {
  id: string
  status: string
  output: string
  webhook: string
}
const tryOn = { version: tryOnVersion, input: tryOnInput }

test('a prediction in flight finishes after a restart, and its file is served', async () => {
  const before = await start({ port: await freePort() })
  const { id } = await before.json<Shown>('POST', '/v1/predictions', tryOn)
  await before.close()
  const after = await start()
  expect(after.url).toBe(before.url)
  expect((await after.json<Shown>('GET', `/v1/predictions/${id}`)).status).toBe('starting')
  clock.advance(10)
  const done = await after.json<Shown>('GET', `/v1/predictions/${id}`)
  expect(done.status).toBe('succeeded')
  expect((await fetch(done.output)).status).toBe(200)
  expect(after.simulator.replicate.till()).toMatchObject({ create_requests: 1, created: 1 })
})

test('a training in flight finishes after a restart at the addresses it had, with the same weights', async () => {
  const before = await start({ port: await freePort() })
  const path = '/fal/queue/fal-ai/flux-lora-portrait-trainer'
  const input = { images_data_url: 'https://images.test/me.zip' }
  const submitted = await before.json<Record<string, string>>('POST', path, input)
  clock.advance(100)
  const read = async (from: typeof before) => {
    const output = await from.json<{ diffusers_lora_file: { url: string } }>('GET', String(submitted['response_url']))
    return Buffer.from(await (await fetch(output.diffusers_lora_file.url)).bytes())
  }
  const weights = await read(before)
  await before.close()
  expect(Buffer.compare(await read(await start()), weights)).toBe(0)
})

test('a drawn picture outlives the images it was drawn from, an ended prediction stays as it ended', async () => {
  const before = await start({ port: await freePort(), drawing: true })
  const path = '/v1/models/black-forest-labs/flux-schnell/predictions'
  const drawn = await before.json<Shown>('POST', path, { input: { prompt: 'a cat' } })
  const canceled = await before.json<Shown>('POST', '/v1/predictions', tryOn)
  await before.call('POST', `/v1/predictions/${canceled.id}/cancel`)
  clock.advance(10)
  const [file = ''] = [(await before.json<Shown>('GET', `/v1/predictions/${drawn.id}`)).output].flat()
  const bytes = await (await fetch(file)).bytes()
  await before.close()
  const after = await start({ drawing: false })
  expect(Buffer.compare(Buffer.from(await (await fetch(file)).bytes()), Buffer.from(bytes))).toBe(0)
  expect((await after.json<Shown>('GET', `/v1/predictions/${canceled.id}`)).status).toBe('canceled')
})

test('what ends while it is stopped is reported after the restart', async () => {
  const receiver = createServer((_, response) => response.end())
  const heard = once(receiver, 'request')
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void receiver.close())
  const address = receiver.address()
  const webhook = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`
  const before = await start()
  await before.call('POST', `/fal/queue/fal-ai/flux/dev?fal_webhook=${encodeURIComponent(webhook)}`, { prompt: 'x' })
  await before.close()
  clock.advance(60)
  await (await start()).call('GET', '/_simulator/till')
  const [request] = await heard
  expect(request.url).toBe('/hook')
})

test('a restart reports what has not ended yet, and nothing that had ended before', async () => {
  const webhook = 'http://127.0.0.1:9/hook'
  const before = await start()
  await before.call('POST', '/v1/predictions', { ...tryOn, webhook })
  clock.advance(10)
  await before.close()
  const between = await start()
  expect(between.simulator.replicate.nextWebhookAt()).toBeNull()
  await between.call('POST', '/v1/predictions', { ...tryOn, webhook })
  await between.close()
  const { replicate } = (await start()).simulator
  expect(replicate.nextWebhookAt()).toEqual(new Date(clock.now().getTime() + 10_000))
})

test('a killed process loses a moment at most', async () => {
  const before = await start()
  const { id } = await before.json<Shown>('POST', '/v1/predictions', tryOn)
  // No close: only what is written by itself counts.
  await expect.poll(() => readFile(stateFile, 'utf8')).toContain(id)
})

test('a port that is taken meanwhile gives way to another', async () => {
  const before = await start()
  await before.close()
  const taker = createServer()
  await once(taker.listen(Number(new URL(before.url).port), '127.0.0.1'), 'listening')
  onTestFinished(() => void taker.close())
  expect((await start()).url).not.toBe(before.url)
  await expect(start({ port: Number(new URL(before.url).port) })).rejects.toThrow('EADDRINUSE')
})

test.each(['no json', '{"version":0}', '{"version":1,"port":0,"replicate":{},"fal":{}}'])(
  'a file that says %s is begun anew',
  async (text) => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue()
    await writeFile(stateFile, text)
    const { simulator, close } = await start()
    expect(simulator.replicate.till().created).toBe(0)
    await close()
    expect(JSON.parse(await readFile(stateFile, 'utf8'))).toMatchObject({ version: 1 })
    expect(warned).toHaveBeenCalledOnce()
    warned.mockRestore()
  },
)
