import { expect, test } from 'vitest'
import { ConnectionFault } from '../../simulator/connection.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { harness, type Shown, tryOnInput, tryOnVersion } from './harness.ts'

const createFault = (fault: string, more: object = {}) => [{ on: 'create', fault, ...more } as FaultInput]
const path = (id: string) => `/v1/predictions/${id}`

test.each([
  ['reset_before', 'before', 0],
  ['reset_after', 'after', 1],
] as const)('create %s breaks the connection', async (fault, when, created) => {
  const { replicate, post } = harness()
  replicate.addFaults(createFault(fault))
  const error = await post().catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(ConnectionFault)
  expect(error).toMatchObject({ when })
  expect(replicate.till().created).toBe(created)
  expect((await post()).status).toBe(201)
})

test.each([
  ['error_before', {}, 502, 0],
  ['error_after', { status: 504 }, 504, 1],
  ['rate_limited', {}, 429, 0],
  ['no_credit', {}, 402, 0],
  ['rejected', {}, 422, 0],
] as const)('create %s answers so', async (fault, more, status, created) => {
  const { replicate, post } = harness()
  replicate.addFaults(createFault(fault, more))
  const response = await post()
  expect(response.status).toBe(status)
  expect(await response.json()).toMatchObject({ status })
  expect(replicate.till()).toMatchObject({ create_requests: 1, created })
})

test('create rate_limited tells the delay in the body, or in a header if asked', async () => {
  const { replicate, post } = harness()
  replicate.addFaults([
    ...createFault('rate_limited', { retry_after: 7 }),
    ...createFault('rate_limited', { retry_after: 8, header: true }),
  ])
  const inBody = await post()
  expect([((await inBody.json()) as Shown).retry_after, inBody.headers.get('retry-after')]).toEqual([7, null])
  const inHeader = await post()
  expect([((await inHeader.json()) as Shown).retry_after, inHeader.headers.get('retry-after')]).toEqual([
    undefined,
    '8',
  ])
})

test('create truncated answers 201 with half a body', async () => {
  const { replicate, post } = harness()
  replicate.addFaults([...createFault('truncated'), ...createFault('truncated', { reset: true })])
  const short = await post()
  expect(short.status).toBe(201)
  await expect(short.json()).rejects.toThrow(SyntaxError)
  await expect((await post()).text()).rejects.toThrow(ConnectionFault)
  expect(replicate.till().created).toBe(2)
})

test.each([
  ['hang_before', 0],
  ['hang_after', 1],
])('create %s never answers until the client gives up', async (fault, created) => {
  const { replicate } = harness()
  replicate.addFaults(createFault(fault))
  const client = new AbortController()
  const request = new Request('http://simulator.test/v1/predictions', {
    method: 'POST',
    signal: client.signal,
    headers: { authorization: 'Bearer x' },
    body: JSON.stringify({ version: tryOnVersion, input: tryOnInput }),
  })
  const answer = replicate.fetch(request)
  client.abort(new Error('too long'))
  await expect(answer).rejects.toThrow('too long')
  expect(replicate.till().created).toBe(created)
})

test('create slow creates at once and answers late', async () => {
  const { replicate, post, now } = harness()
  replicate.addFaults(createFault('slow', { delay_ms: 2500 }))
  const asked = now()
  const body = await (await post()).json()
  expect(now() - asked).toBe(2500)
  expect(body).toMatchObject({ status: 'processing', created_at: new Date(asked).toISOString() })
})

test.each(['get', 'cancel', 'list'] as const)('%s shows the faults of reading, each once', async (on) => {
  const { replicate, create, call } = harness()
  const { id } = await create()
  const method = on === 'cancel' ? 'POST' : 'GET'
  const address = { get: path(id), cancel: `${path(id)}/cancel`, list: '/v1/predictions' }[on]
  replicate.addFaults([
    { on, fault: 'error', status: 500 },
    { on, fault: 'not_found' },
    { on, fault: 'rate_limited', retry_after: 3 },
    { on, fault: 'reset' },
  ])
  const seen = []
  for (let n = 0; n < 5; n += 1) {
    seen.push(
      await call(method, address).then(
        ({ status }) => status,
        (error: unknown) => error,
      ),
    )
  }
  expect(seen).toEqual([500, 404, 429, new ConnectionFault('before'), 200])
  expect(replicate.till().by_status.canceled).toBe(on === 'cancel' ? 1 : 0)
})

test.each(['get', 'cancel', 'list'] as const)('%s may hang, or say a status that nobody knows', async (on) => {
  const { replicate, create, call } = harness()
  const { id } = await create()
  const method = on === 'cancel' ? 'POST' : 'GET'
  const address = { get: path(id), cancel: `${path(id)}/cancel`, list: '/v1/predictions' }[on]
  replicate.addFaults([
    { on, fault: 'unknown_status', word: 'thinking' },
    { on, fault: 'hang' },
  ])
  expect(await (await call(method, address)).text()).toContain('"status":"thinking"')
  const signal = AbortSignal.abort(new Error('gave up'))
  const request = new Request(`http://simulator.test${address}`, {
    method,
    signal,
    headers: { authorization: 'Bearer x' },
  })
  await expect(replicate.fetch(request)).rejects.toThrow('gave up')
})

test('cancel may take effect unseen, or be ignored', async () => {
  const { replicate, create, call, get } = harness()
  const ids = [(await create()).id, (await create()).id, (await create()).id]
  replicate.addFaults([
    { on: 'cancel', fault: 'error_after' },
    { on: 'cancel', fault: 'reset_after' },
    { on: 'cancel', fault: 'ignored' },
  ])
  const cancels = await Promise.allSettled(ids.map((id) => call('POST', `${path(id)}/cancel`)))
  expect(
    cancels.map((settled) => (settled.status === 'fulfilled' ? settled.value.status : settled.reason.when)),
  ).toEqual([503, 'after', 200])
  const shown = await Promise.all(ids.map(get))
  expect(shown.map(({ status }) => status)).toEqual(['canceled', 'canceled', 'starting'])
})

test('list may be empty, or lag behind', async () => {
  const { replicate, create, list, advance } = harness()
  await create()
  advance(10)
  await create()
  replicate.addFaults([
    { on: 'list', fault: 'empty' },
    { on: 'list', fault: 'lag', seconds: 5 },
  ])
  const counts = [(await list()).results.length, (await list()).results.length, (await list()).results.length]
  expect(counts).toEqual([0, 1, 2])
})

test.each([
  ['failed', { status: 'failed', error: 'E1001: out of memory', output: null }],
  ['canceled', { status: 'canceled', output: null, error: null }],
  ['aborted', { status: 'aborted', started_at: null, output: null }],
  ['data_removed', { status: 'succeeded', output: null, input: null, data_removed: true }],
  ['no_output', { status: 'succeeded', output: null, data_removed: false }],
] as const)('outcome %s ends the next prediction so', async (fault, shown) => {
  const { replicate, create, get, advance } = harness()
  replicate.addFaults([{ on: 'outcome', fault, seconds: 9, error: 'E1001: out of memory' }])
  const [{ id }, other] = [await create(), await create()]
  advance(8.9)
  expect((await get(id)).completed_at).toBeNull()
  advance(0.1)
  expect(await get(id)).toMatchObject(shown)
  expect(await get(other.id)).toMatchObject({ status: 'succeeded', data_removed: false })
})

test('outcome seconds changes how long it takes and nothing else', async () => {
  const { replicate, create, get, advance } = harness()
  replicate.addFaults([{ on: 'outcome', fault: 'seconds', seconds: 100 }])
  const { id } = await create()
  advance(99)
  expect((await get(id)).status).toBe('processing')
  advance(1)
  expect((await get(id)).status).toBe('succeeded')
})

test('a file may fail, break off, be something else, never end, or be gone', async () => {
  const { replicate, create, get, call, advance } = harness()
  const { id } = await create()
  advance(4)
  const url = String((await get(id)).output)
  const faults = ['error', 'not_found', 'not_an_image', 'too_large', 'reset_midway', 'reset'] as const
  replicate.addFaults(faults.map((fault) => ({ on: 'file', fault })))
  expect((await call('GET', url)).status).toBe(503)
  expect((await call('GET', url)).status).toBe(404)
  const page = await call('GET', url)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html'])
  const endless = await call('GET', url)
  let size = 0
  for await (const chunk of endless.body ?? []) {
    size += chunk.length
    if (size > 10_000_000) break
  }
  expect(size).toBeGreaterThan(10_000_000)
  const broken = await call('GET', url)
  expect(Number(broken.headers.get('content-length'))).toBeGreaterThan(0)
  await expect(broken.bytes()).rejects.toThrow(ConnectionFault)
  await expect(call('GET', url)).rejects.toThrow(ConnectionFault)
  expect((await call('GET', url)).status).toBe(200)
})

test('a fault waits for the model and the input it names, as many times as it says', async () => {
  const { replicate, call, post } = harness()
  replicate.addFaults(createFault('no_credit', { model: 'cuuupid/idm-vton', input_contains: 'marker=7', times: 2 }))
  const marked = { input: { ...tryOnInput, human_img: `${tryOnInput.human_img}?marker=7` } }
  const flux = await call('POST', '/v1/models/black-forest-labs/flux-schnell/predictions', {
    input: { prompt: 'marker=7' },
  })
  const answers = [flux, await post(), await post(marked), await post(marked), await post(marked)]
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 402, 402, 201])
})
