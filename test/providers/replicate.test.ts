// Replicate under the conformance suite, and what is its own: words, shapes, headers, pages, erased inputs.
import { createServer } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { openHttp } from '../../providers/http.ts'
import type { ReplicateOptions } from '../../providers/replicate/call.ts'
import { openReplicate, readPrediction } from '../../providers/replicate/provider.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { startSimulator } from '../../simulator/server.ts'
import { testClock } from '../setup/clock.ts'
import { attemptOf, type Subject, sum, testProvider } from './contract.ts'

const clock = testClock()
const token = 'r8_conformance'
const webhookSecret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
const simulator = await startSimulator({
  ...{ port: 0, replicateToken: token, webhookSecret, secondsPerStep: 4, drawing: false },
  now: clock.now,
})
const http = openHttp({ connections: 8 })
afterAll(async () => {
  await http.close()
  await simulator.close()
})

const baseUrl = `${simulator.url}/v1`
const patience = { submitTimeoutMs: 15_000, checkTimeoutMs: 10_000 }
const open = (more: Partial<ReplicateOptions> = {}) =>
  openReplicate({ http, token, baseUrl, webhookSecret, ...patience, ...more })

const version = 'c871bb9b046607b680449ecbae55fd8c6d945e0a1948644bf2361b3d021d3ff4'
const images = { human_img: 'https://images.test/ada.jpg', garm_img: 'https://images.test/shirt.png' }
const flux = { model: 'black-forest-labs/flux-schnell', input: { prompt: 'a shirt', num_outputs: 2 } }

const subject: Subject = {
  provider: open(),
  patienceMs: { create: patience.submitTimeoutMs, read: patience.checkTimeoutMs },
  stranger: open({ token: 'r8_of-somebody-else' }),
  unreachable: open({ baseUrl: 'http://127.0.0.1:9/v1' }),
  request: (seed) => ({ model: 'cuuupid/idm-vton', version, input: { ...images, seed } }),
  isMarked: (input, marker) => input['seed'] === marker,
  notFound: 'none',
  addFaults: (...faults) => simulator.replicate.addFaults(faults),
  counts: () => {
    const { create_requests, created, requests } = simulator.replicate.till()
    return { sent: create_requests, created, listed: requests.list, asked: sum(Object.values(requests)) }
  },
  ...clock,
  reset: () => simulator.replicate.reset(),
}
const { provider } = subject
const how = { cancelAfterSeconds: 3_600 }

testProvider(subject)

test('submit: asks for a deadline, and for webhooks of start and end', async () => {
  await provider.submit(subject.request(1), { ...how, webhookUrl: 'https://stepgate.test/hook?task=1' })
  const headers = { authorization: `Bearer ${token}` }
  const [made] = simulator.replicate.till().predictions
  const answer = await fetch(`${baseUrl}/predictions/${made?.id}`, { headers })
  expect(await answer.json()).toMatchObject({
    deadline: new Date(clock.now().getTime() + 3_600_000).toISOString(),
    webhook: 'https://stepgate.test/hook?task=1',
    webhook_events_filter: ['start', 'completed'],
  })
})

test('submit: a model without version is called by its name, and answers a list of files', async () => {
  const made = await provider.submit(flux, how)
  clock.advance(5)
  const seen = await provider.check({ id: made.kind === 'created' ? made.prediction_id : '', urls: {} })
  expect(seen).toMatchObject({ kind: 'succeeded', output: [expect.any(String), expect.any(String)] })
})

test('submit: a version that does not exist is rejected with Replicate’s words', async () => {
  const answer = await provider.submit({ ...subject.request(1), version: 'f'.repeat(64) }, how)
  expect(answer).toMatchObject({ kind: 'rejected', reason: expect.stringContaining('version does not exist') })
})

test.each<[string, FaultInput, object]>([
  ['canceled', { on: 'outcome', fault: 'canceled' }, { kind: 'failed', code: 'provider_canceled' }],
  ['aborted', { on: 'outcome', fault: 'aborted' }, { kind: 'failed', code: 'provider_canceled' }],
  ['succeeded, removed', { on: 'outcome', fault: 'data_removed' }, { kind: 'failed', code: 'result_lost' }],
  ['succeeded without output', { on: 'outcome', fault: 'no_output' }, { kind: 'succeeded', output: null }],
])('check: %s', async (_name, outcome, seen) => {
  subject.addFaults(outcome)
  const made = await provider.submit(subject.request(1), how)
  clock.advance(5)
  expect(await provider.check({ id: made.kind === 'created' ? made.prediction_id : '', urls: {} })).toMatchObject(seen)
})

test.each([undefined, null, {}, { status: null }, { status: 'SUCCEEDED' }, { status: 'successful' }, 'succeeded', []])(
  'check: the body %j is not an end',
  (body) => expect(readPrediction(body).kind).toBe('running'),
)

test.each([
  [{ predict_time: 17.5, total_time: 20 }, { predict_seconds: 17.5 }],
  [
    { predict_time: 0.4, image_count: 2 },
    { predict_seconds: 0.4, outputs: 2 },
  ],
  [{ predict_time: '17' }, undefined],
  [{ predict_time: -1 }, undefined],
  [{}, undefined],
  [null, undefined],
])('check: the metrics %j are read as %j, whatever the end', (metrics, read) => {
  for (const status of ['succeeded', 'failed', 'canceled']) {
    const seen = readPrediction({ status, metrics })
    expect('metrics' in seen ? seen.metrics : undefined, status).toEqual(read)
  }
  const late = readPrediction({ status: 'succeeded', data_removed: true, metrics })
  expect('metrics' in late ? late.metrics : undefined, 'removed').toEqual(read)
})

test('cancel: tells how long it ran, by its own answer or by the look after it', async () => {
  const cancelAfter = async (seconds: number) => {
    const made = await provider.submit(subject.request(1), how)
    clock.advance(seconds)
    return provider.cancel({ id: made.kind === 'created' ? made.prediction_id : '', urls: {} })
  }
  const ran = { kind: 'over', metrics: { predict_seconds: expect.any(Number) } }
  expect(await cancelAfter(2)).toEqual(ran)
  subject.addFaults({ on: 'cancel', fault: 'unknown_status' })
  expect(await cancelAfter(2)).toEqual(ran)
  expect(await cancelAfter(0)).toEqual({ kind: 'over' })
})

test('check: a failure without words has some of ours', () => {
  expect(readPrediction({ status: 'failed', error: null })).toMatchObject({ reason: 'Replicate gives no reason.' })
})

async function createMany(count: number, request = subject.request(7)): Promise<void> {
  for (let made = 0; made < count; made += 25)
    await Promise.all(Array.from({ length: Math.min(25, count - made) }, () => provider.submit(request, how)))
}

test('search: pages through more than 250 predictions to the oldest', async () => {
  const submittedAt = clock.now()
  const first = await provider.submit(subject.request(1), how)
  await createMany(260)
  const search = await provider.search(attemptOf(subject, 1, submittedAt))
  expect(search).toMatchObject({
    kind: 'found',
    predictions: [first.kind === 'created' && { prediction_id: first.prediction_id }],
  })
  expect(subject.counts().listed).toBe(3)
  expect(await provider.search(attemptOf(subject, 2, submittedAt))).toEqual({ kind: 'none' })
})

test('search: asks only for what was created since the attempt, some minutes of skew included', async () => {
  await createMany(120)
  clock.advance(361)
  expect(await provider.search(attemptOf(subject, 7))).toEqual({ kind: 'none' })
  expect(subject.counts().listed).toBe(1)
})

test('search: erased inputs of the same model could be the one, so that nothing is said', async () => {
  const submittedAt = clock.now()
  await createMany(1)
  clock.advance(3_700)
  const search = await provider.search(attemptOf(subject, 1, submittedAt))
  expect(search).toEqual({ kind: 'unreachable', reason: expect.stringContaining('erased') })
})

test('search: what was found is given, though older inputs of the same model are erased', async () => {
  await createMany(1)
  clock.advance(3_500)
  const submittedAt = clock.now()
  const made = await provider.submit(subject.request(1), how)
  clock.advance(200)
  const search = await provider.search(attemptOf(subject, 1, new Date(submittedAt.getTime() - 3_500_000)))
  const { prediction_id } = made as { prediction_id: string }
  expect(search).toMatchObject({ kind: 'found', predictions: [{ prediction_id }] })
})

test('search: what is searched for is found behind a younger one whose inputs are erased', async () => {
  const { version, input } = subject.request(1)
  const results = [
    { id: 'younger', version, input: {}, data_removed: true },
    { id: 'wanted', version, input },
  ]
  using answering = await canned({ body: JSON.stringify({ results, next: null }) })
  expect(await answering.provider.search(attemptOf(subject, 1))).toMatchObject({
    kind: 'found',
    predictions: [{ prediction_id: 'wanted' }],
  })
})

test('search: erased inputs of another model are nothing to this one', async () => {
  const submittedAt = clock.now()
  await createMany(1, flux)
  clock.advance(3_700)
  expect(await provider.search(attemptOf(subject, 1, submittedAt))).toEqual({ kind: 'none' })
})

/** A provider whose requests are all answered by `answer`, and the paths and keys that were asked for. */
async function canned(answer: { status?: number; body?: string; headers?: Record<string, string> }) {
  const asked: { url: string; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization })
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return { asked, url, provider: open({ baseUrl: `${url}/v1` }), [Symbol.dispose]: () => void server.close() }
}

test.each<[number, string, string]>([
  [200, '{}', 'unknown'],
  [201, '{"id":""}', 'unknown'],
  [201, '{"id":7}', 'unknown'],
  [200, '<!doctype html>', 'unknown'],
  [204, '', 'unknown'],
  [302, '', 'unknown'],
  [304, '', 'unknown'],
  [408, '{}', 'unknown'],
  [500, '', 'unknown'],
  [599, '<html>', 'unknown'],
  [400, '{"detail":"no"}', 'rejected'],
  [403, '', 'rejected'],
  [404, 'not found', 'rejected'],
  [409, '', 'rejected'],
  [422, '{"title":"Invalid"}', 'rejected'],
  [401, '', 'throttled'],
  [402, '', 'throttled'],
  [429, 'slow down', 'throttled'],
])('submit: %i with the body %j is %s, after one request', async (status, body, kind) => {
  using answering = await canned({ status, body, headers: { location: '/v1/elsewhere' } })
  expect(await answering.provider.submit(subject.request(1), how)).toMatchObject({ kind })
  expect(answering.asked).toEqual([{ url: '/v1/predictions', authorization: `Bearer ${token}` }])
})

test.each<[object | string, string]>([
  [{ title: 'Invalid', detail: [{ loc: ['body', 'input'], msg: 'is too large' }] }, 'Invalid: input: is too large'],
  [{ error: { message: 'no such model' } }, 'no such model'],
  [{ message: 'no such model' }, 'no such model'],
  [['one', { reason: 'two' }], 'one; two'],
  ['no such model', 'no such model'],
])('submit: a refusal of the shape %j is told in words', async (said, words) => {
  using answering = await canned({ status: 400, body: JSON.stringify(said), headers: {} })
  const answer = await answering.provider.submit(subject.request(1), how)
  expect(answer).toEqual({ kind: 'rejected', reason: `Replicate answered 400: ${words}` })
})

test.each([200, 201, 301, 401, 403, 500])('check: %i without a prediction in it ends nothing', async (status) => {
  using answering = await canned({ status, body: '<!doctype html>' })
  expect((await answering.provider.check({ id: 'p', urls: {} })).kind).toMatch(/^(running|unreachable)$/)
})

test('search: for many attempts at once, each page of the list is asked for once', async () => {
  using answering = await canned({ body: '{"results":[],"next":null}' })
  const searches = Array.from({ length: 20 }, (_, marker) => answering.provider.search(attemptOf(subject, marker)))
  for (const found of await Promise.all(searches)) expect(found.kind).toBe('none')
  expect(answering.asked).toHaveLength(1)
  expect((await answering.provider.search(attemptOf(subject, 1))).kind).toBe('none')
  expect(answering.asked).toHaveLength(2)
})

test('search: a list that goes on at a foreign origin is not followed there, so that the key stays here', async () => {
  using foreign = await canned({ body: '{"results":[],"next":null}' })
  using answering = await canned({
    body: JSON.stringify({ results: [], next: `${foreign.url}/v1/predictions?cursor=1` }),
  })
  expect(await answering.provider.search(attemptOf(subject, 1))).toEqual({
    kind: 'unreachable',
    reason: 'the list goes on at a foreign origin',
  })
  expect(answering.asked).toHaveLength(1)
  expect(foreign.asked).toEqual([])
})

test('search: a list without end is not paged for ever, and says nothing', async () => {
  using answering = await canned({ body: '{"results":[],"next":"/v1/predictions?cursor=again"}' })
  expect(await answering.provider.search(attemptOf(subject, 1))).toMatchObject({ kind: 'unreachable' })
  expect(answering.asked.length).toBeLessThanOrEqual(30)
})

test.each(['null', '[]', '{"results":null}', '<html>'])('search: a list of %s says nothing', async (body) => {
  using answering = await canned({ body })
  expect(await answering.provider.search(attemptOf(subject, 1))).toMatchObject({ kind: 'unreachable' })
})

test('an id of the provider is no path: it stays within its own', async () => {
  using answering = await canned({ body: '{}' })
  await answering.provider.check({ id: '../account', urls: {} })
  expect(answering.asked[0]?.url).toBe('/v1/predictions/..%2Faccount')
})
