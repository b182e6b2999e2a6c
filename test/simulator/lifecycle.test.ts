import { expect, test } from 'vitest'
import { harness, type Shown, tryOnInput, tryOnVersion, webhook } from './harness.ts'

test('a prediction starts, runs and succeeds by the clock alone', async () => {
  const { create, get, advance } = harness()
  const created = await create()
  expect(created).toMatchObject({ status: 'starting', output: null, started_at: null, completed_at: null })
  advance(2)
  expect(await get(created.id)).toMatchObject({ status: 'processing', started_at: '2026-01-01T12:00:01.000Z' })
  advance(2)
  expect(await get(created.id)).toMatchObject({
    status: 'succeeded',
    output: `http://simulator.test/files/${created.id}/output-0.png`,
    completed_at: '2026-01-01T12:00:04.000Z',
    metrics: { predict_time: 3 },
  })
})

test('a text-to-image model answers with an array, by its name, and hides its version', async () => {
  const { call, get, advance } = harness()
  const path = '/v1/models/black-forest-labs/flux-schnell/predictions'
  const response = await call('POST', path, { input: { prompt: 'hello', num_outputs: 2 } })
  const created = (await response.json()) as Shown
  expect(response.status).toBe(201)
  expect(response.headers.get('location')).toBe(created.urls.get)
  advance(4)
  expect(await get(created.id)).toMatchObject({
    version: 'hidden',
    output: [expect.stringMatching(/-0\.png$/), expect.stringMatching(/-1\.png$/)],
  })
})

test.each([
  ['a version that does not exist', { version: 'f'.repeat(64) }, 422, 'Invalid version or not permitted'],
  ['a community model by its bare name', { version: 'cuuupid/idm-vton' }, 422, 'Invalid version or not permitted'],
  ['a missing garment', { input: { human_img: tryOnInput.human_img } }, 422, 'Input validation failed'],
  ['a category of its own', { input: { ...tryOnInput, category: 'hat' } }, 422, 'Input validation failed'],
  ['a field that the API does not have', { metadata: { task: 1 } }, 422, 'Input validation failed'],
])('%s is refused and creates nothing', async (_, more, status, title) => {
  const { post, replicate } = harness()
  const response = await post(more)
  expect({ status: response.status, body: await response.json() }).toMatchObject({ status, body: { title, status } })
  expect(replicate.till()).toMatchObject({ create_requests: 1, created: 0 })
})

test('the version may carry its model in front', async () => {
  const { post } = harness()
  expect((await post({ version: `cuuupid/idm-vton:${tryOnVersion}` })).status).toBe(201)
})

test('a missing or wrong token is refused before anything else', async () => {
  const { call, post } = harness({ token: 'r8_right' })
  expect((await post()).status).toBe(401)
  const answers = await call('GET', '/v1/predictions', undefined, { authorization: '' })
  expect(await answers.json()).toMatchObject({ title: 'Unauthenticated', status: 401 })
  expect((await call('GET', '/v1/predictions', undefined, { authorization: 'Bearer r8_right' })).status).toBe(200)
})

test('unknown predictions, models and addresses are not found', async () => {
  const { call } = harness()
  const input = { input: tryOnInput }
  const answers = await Promise.all([
    call('GET', '/v1/predictions/nothing'),
    call('POST', '/v1/predictions/nothing/cancel'),
    call('POST', '/v1/models/cuuupid/idm-vton/predictions', input),
    call('GET', '/v2/predictions'),
    call('GET', '/files/nothing/output-0.png'),
  ])
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])
})

test('a create with Prefer: wait is answered when the prediction is over, or when the time is', async () => {
  const { post } = harness()
  const done = await post({}, { prefer: 'wait' })
  expect({ status: done.status, body: await done.json() }).toMatchObject({ status: 201, body: { status: 'succeeded' } })
  const short = await post({}, { prefer: 'wait=2' })
  expect({ status: short.status, body: await short.json() }).toMatchObject({
    status: 202,
    body: { status: 'processing' },
  })
})

test('a create with Prefer: wait is not answered by a timer that ends early', async () => {
  const early = harness({ sleep: async (ms) => early.advance(Math.max(1, ms - 1) / 1000) })
  const done = await early.post({}, { prefer: 'wait' })
  expect(await done.json()).toMatchObject({ status: 'succeeded' })
})

test('a cancel before the start costs nothing, after it costs, after the end changes nothing', async () => {
  const { create, call, get, advance, replicate } = harness()
  const early = await create()
  await call('POST', `/v1/predictions/${early.id}/cancel`)
  const running = await create()
  const finished = await create()
  advance(2)
  await call('POST', `/v1/predictions/${running.id}/cancel`)
  advance(2)
  const response = await call('POST', `/v1/predictions/${finished.id}/cancel`)
  expect({ status: response.status, body: await response.json() }).toMatchObject({
    status: 200,
    body: { status: 'succeeded' },
  })
  expect(await get(early.id)).toMatchObject({ status: 'canceled', started_at: null })
  expect(await get(running.id)).toMatchObject({
    status: 'canceled',
    completed_at: '2026-01-01T12:00:02.000Z',
    output: null,
  })
  const entries = replicate
    .till()
    .predictions.map(({ status, paid, canceled, predict_seconds }) => ({ status, paid, canceled, predict_seconds }))
  expect(entries).toEqual([
    { status: 'canceled', paid: false, canceled: true, predict_seconds: null },
    { status: 'canceled', paid: true, canceled: true, predict_seconds: 1 },
    { status: 'succeeded', paid: true, canceled: false, predict_seconds: 3 },
  ])
})

test('an answer is made by one reading of the clock, however fast that goes on', async () => {
  let now = Date.parse('2026-01-01T12:00:00Z')
  const { create, call } = harness({ now: () => new Date(now++) })
  const { id, created_at, deadline } = await create({}, { 'cancel-after': '5' })
  expect(Date.parse(deadline ?? '') - Date.parse(created_at)).toBe(5000)
  const canceled = await call('POST', `/v1/predictions/${id}/cancel`)
  expect(await canceled.json()).toMatchObject({ id, status: 'canceled' })
})

test.each([
  ['5', 40, 'aborted', 5],
  ['1m30s', 120, 'canceled', 90],
  ['2h', 4, 'succeeded', 7200],
])('Cancel-After %s of a prediction of %d s makes it %s', async (header, seconds, status, deadline) => {
  const { create, get, advance } = harness({ secondsPerStep: seconds })
  const created = await create({}, { 'cancel-after': header })
  expect(created.deadline).toBe(new Date(Date.parse('2026-01-01T12:00:00Z') + deadline * 1000).toISOString())
  advance(120)
  const seen = await get(created.id)
  expect(seen.status).toBe(status)
  expect(seen.started_at === null).toBe(status === 'aborted')
})

test.each(['4', '25h', 'soon', '', '1s2m'])('Cancel-After %j is refused', async (header) => {
  const { post } = harness()
  expect((await post({}, { 'cancel-after': header })).status).toBe(400)
})

test('an hour after creation input, output, logs and files are gone, and the row says so', async () => {
  const { create, get, call, advance } = harness()
  const { id } = await create()
  advance(3599)
  const before = await get(id)
  const file = String(before.output)
  expect(before).toMatchObject({ data_removed: false, input: tryOnInput })
  expect((await call('GET', file)).status).toBe(200)
  advance(1)
  expect(await get(id)).toMatchObject({
    status: 'succeeded',
    input: null,
    output: null,
    logs: null,
    data_removed: true,
  })
  expect((await call('GET', file)).status).toBe(404)
})

test('files carry their type, length and ETag', async () => {
  const { create, get, call, advance } = harness()
  const { id } = await create()
  advance(4)
  const response = await call('GET', String((await get(id)).output), undefined, { authorization: '' })
  const bytes = await response.bytes()
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'image/png',
    'content-length': String(bytes.length),
    etag: `"${id}-0"`,
  })
})

test('the list goes newest first in pages of 100, by time, with inputs and without webhooks', async () => {
  const { create, list, advance } = harness()
  for (let n = 0; n < 130; n += 1) {
    await create({ webhook, input: { ...tryOnInput, seed: n } })
    advance(1)
  }
  const seeds = (page: { results: { input: Record<string, unknown> | null }[] }) =>
    page.results.map(({ input }) => input?.['seed'])
  const first = await list('?created_after=2026-01-01T12:00:10Z')
  expect(seeds(first)).toEqual(Array.from({ length: 100 }, (_, n) => 129 - n))
  expect(first.results[0]).not.toHaveProperty('webhook')
  await create()
  const second = await list(new URL(String(first.next)).search)
  expect(seeds(second)).toEqual(Array.from({ length: 20 }, (_, n) => 29 - n))
  expect(second.next).toBeNull()
  expect(seeds(await list('?created_after=2026-01-01T12:00:10Z&created_before=2026-01-01T12:00:12Z'))).toEqual([11, 10])
})

test('a rate limit holds for a minute and says in the body how long to wait', async () => {
  const { post, advance, replicate } = harness()
  replicate.set({ rate_limit_per_minute: 2 })
  await post()
  advance(20)
  await post()
  const refused = await post()
  expect({ status: refused.status, body: await refused.json() }).toMatchObject({
    status: 429,
    body: { retry_after: 40 },
  })
  advance(40)
  expect((await post()).status).toBe(201)
  expect(replicate.till()).toMatchObject({ create_requests: 4, created: 3 })
})

test('the till tells every create from what came of it, and a reset empties it', async () => {
  const { create, get, replicate } = harness()
  const { id } = await create({ webhook, input: { ...tryOnInput, garment_des: 'attempt 7' } })
  await get(id)
  expect(replicate.till()).toMatchObject({
    ...{ create_requests: 1, created: 1, paid: 0, by_status: { starting: 1 }, requests: { get: 1 } },
    predictions: [
      {
        ...{ id, model: 'cuuupid/idm-vton', webhook, created_at: '2026-01-01T12:00:00.000Z', status: 'starting' },
        ...{ input: { garment_des: 'attempt 7' }, paid: false, canceled: false },
      },
    ],
  })
  replicate.addFaults([{ on: 'list', fault: 'empty' }])
  replicate.reset()
  expect(replicate.till()).toMatchObject({ create_requests: 0, predictions: [] })
  expect(replicate.waitingFaults()).toEqual([])
})
