// Many looks in one request: what Replicate's list says of the predictions that are asked for, and where it ends.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openHttp } from '../../providers/http.ts'
import { openReplicate } from '../../providers/replicate/provider.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { startSimulator } from '../../simulator/server.ts'
import { testClock } from '../setup/clock.ts'

const clock = testClock()
const token = 'r8_listing'
const webhookSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
const simulator = await startSimulator({
  ...{ port: 0, replicateToken: token, webhookSecret, secondsPerStep: 4, drawing: false },
  now: clock.now,
})
const { replicate } = simulator
const http = openHttp({ connections: 8 })
afterAll(async () => {
  await http.close()
  await simulator.close()
})
beforeEach(() => replicate.reset())

const open = (baseUrl = `${simulator.url}/v1`, checkTimeoutMs = 10_000) =>
  openReplicate({ http, token, baseUrl, webhookSecret, submitTimeoutMs: 15_000, checkTimeoutMs })
const provider = open()

const request = { model: 'black-forest-labs/flux-schnell', input: { prompt: 'a shirt' } }

async function create(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let left = count; left > 0; left -= 20) {
    const some = Array.from({ length: Math.min(20, left) }, () =>
      provider.submit(request, { cancelAfterSeconds: 3_600 }),
    )
    for (const made of await Promise.all(some)) ids.push(made.kind === 'created' ? made.prediction_id : made.reason)
  }
  return ids
}

const list = (ids: readonly string[], from = provider) =>
  from.listRunning?.({ since: clock.now(), ids: new Set(ids) }) ?? Promise.reject(new Error('no list'))
const pages = () => replicate.till().requests.list

test('listRunning: names those that run, a hundred in one request', async () => {
  const ids = await create(230)
  expect(await list(ids)).toEqual({ running: new Set(ids) })
  expect(pages()).toBe(3)
  expect(replicate.till().requests.get).toBe(0)
})

test('listRunning: names neither what is over nor what was not asked for', async () => {
  const over = await create(20)
  const since = clock.now()
  clock.advance(5)
  const ids = await create(20)
  const { running } = (await provider.listRunning?.({ since, ids: new Set([...over, ...ids.slice(0, 15)]) })) ?? {}
  expect(running).toEqual(new Set(ids.slice(0, 15)))
})

test('listRunning: a word that nobody knows does not mean that it runs', async () => {
  const ids = await create(20)
  replicate.addFaults([{ on: 'list', fault: 'unknown_status', word: 'paused' }])
  expect(await list(ids)).toEqual({ running: new Set() })
})

test('listRunning: a page with few of those asked for is the last', async () => {
  const ids = await create(150)
  await create(95)
  expect(await list(ids)).toEqual({ running: new Set(ids.slice(-5)) })
  expect(pages()).toBe(1)
})

test('listRunning: what was created before the oldest of them isn’t listed', async () => {
  await create(150)
  clock.advance(361)
  const ids = await create(20)
  expect(await list(ids)).toEqual({ running: new Set(ids) })
  expect(pages()).toBe(1)
})

test.each<FaultInput>([
  { on: 'list', fault: 'error' },
  { on: 'list', fault: 'rate_limited' },
  { on: 'list', fault: 'reset' },
  { on: 'list', fault: 'not_found' },
])('listRunning: a list that answers $fault names nobody, and says so', async (fault) => {
  const ids = await create(20)
  replicate.addFaults([fault])
  expect(await list(ids)).toEqual({ running: new Set(), warning: expect.stringMatching(/\w/) })
})

test('listRunning: a list without an answer names nobody', async () => {
  replicate.addFaults([{ on: 'list', fault: 'hang' }])
  for (const silent of [open(undefined, 250), open('http://127.0.0.1:9/v1')]) {
    expect(await list(['p'], silent)).toEqual({ running: new Set(), warning: expect.stringMatching(/\w/) })
  }
})

/** A list of its own making: pages in this order, the last of them for ever. */
async function canned(...bodies: ((url: string) => object)[]) {
  let asked = 0
  const server = createServer((_request, response) => {
    const body = bodies[Math.min(asked, bodies.length - 1)]?.(url)
    asked += 1
    response.writeHead(body ? 200 : 500).end(JSON.stringify(body ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return { url, asked: () => asked, provider: open(`${url}/v1`), [Symbol.dispose]: () => void server.close() }
}

const ids = Array.from({ length: 12 }, (_, index) => `p${index}`)
const results = ids.map((id) => ({ id, status: 'processing' }))

test('listRunning: what came before a page that fails is kept', async () => {
  using answering = await canned(
    (url) => ({ results, next: `${url}/v1/predictions?cursor=1` }),
    () => ({ detail: 'not a page' }),
  )
  expect(await list([...ids, 'other'], answering.provider)).toEqual({
    running: new Set(ids),
    warning: expect.stringContaining('200'),
  })
})

test('listRunning: a list without end is not paged for ever', async () => {
  using answering = await canned((url) => ({ results, next: `${url}/v1/predictions?cursor=again` }))
  expect(await list(ids, answering.provider)).toEqual({ running: new Set(ids), warning: 'the list is too long' })
  expect(answering.asked()).toBe(30)
})

test('listRunning: a list that goes on at a foreign origin is not followed there', async () => {
  using foreign = await canned(() => ({ results: [], next: null }))
  using answering = await canned(() => ({ results, next: `${foreign.url}/v1/predictions?cursor=1` }))
  const warning = 'the list goes on at a foreign origin'
  expect(await list(ids, answering.provider)).toEqual({ running: new Set(ids), warning })
  expect(foreign.asked()).toBe(0)
})
