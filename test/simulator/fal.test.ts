import { expect, test } from 'vitest'
import { endpoint, falHarness, trainer, webhook } from './fal-harness.ts'

const told = async (answer: Response) => ({ status: answer.status, body: await answer.json() })

test('a request waits, runs and completes by the clock alone', async () => {
  const { post, status, result, call, advance, fal } = falHarness()
  const answer = await post({ prompt: 'a cat', num_images: 2, seed: 7 })
  const submitted = (await answer.json()) as Awaited<ReturnType<typeof status>>
  expect([answer.status, answer.headers.get('x-fal-request-id')]).toEqual([200, 'id1'])
  expect(submitted).toMatchObject({
    ...{ request_id: 'id1', gateway_request_id: 'id1', status: 'IN_QUEUE', queue_position: 0 },
    status_url: 'http://simulator.test/fal/queue/fal-ai/flux/requests/id1/status',
    response_url: 'http://simulator.test/fal/queue/fal-ai/flux/requests/id1',
    cancel_url: 'http://simulator.test/fal/queue/fal-ai/flux/requests/id1/cancel',
  })
  const waiting = await call('GET', submitted.status_url)
  expect(await told(waiting)).toMatchObject({ status: 202, body: { status: 'IN_QUEUE', queue_position: 0 } })
  expect(await told(await result(submitted))).toEqual({ status: 400, body: { detail: 'Request is still in progress' } })
  advance(2)
  expect(await told(await call('GET', submitted.status_url))).toMatchObject({
    ...{ status: 202, body: { status: 'IN_PROGRESS' } },
  })
  advance(2)
  expect(await told(await call('GET', submitted.status_url))).toMatchObject({
    ...{ status: 200, body: { status: 'COMPLETED', metrics: { inference_time: 3 } } },
  })
  expect(await told(await result(submitted))).toMatchObject({
    status: 200,
    body: { seed: 7, prompt: 'a cat', images: [{ content_type: 'image/png' }, {}] },
  })
  expect(fal.till()).toMatchObject({
    created: 1,
    paid: 1,
    by_status: { COMPLETED: 1 },
    requests: { status: 3, result: 2 },
  })
})

test('the result is at both forms of its address, and the returned one may end in /response', async () => {
  const { fal, submit, advance, result, call } = falHarness()
  fal.set({ response_suffix: true })
  const submitted = await submit()
  expect(submitted.response_url).toMatch(/\/requests\/id1\/response$/)
  advance(4)
  expect((await result(submitted)).status).toBe(200)
  expect((await call('GET', submitted.response_url.replace('/response', ''))).status).toBe(200)
})

test('the queue takes any input; the result alone says what is wrong with it', async () => {
  const { submit, status, result, advance, fal } = falHarness()
  const submitted = await submit({ prompt: 7 })
  advance(4)
  expect(await status(submitted)).not.toHaveProperty('error')
  const answer = await result(submitted)
  expect(answer.headers.get('x-fal-request-id')).toBe('id1')
  expect(await told(answer)).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'prompt'] }] } })
  expect(fal.till()).toMatchObject({ created: 1, paid: 0 })
})

test('without the right key, and for what there is not, nothing happens', async () => {
  const { call, post, submit, fal } = falHarness({ key: 'test' })
  await submit()
  const answers = [
    await post({}, { authorization: 'Key other' }),
    await post({}, { authorization: 'Bearer test' }),
    await post({}, {}, 'fal-ai/nothing'),
    await call('GET', '/queue/fal-ai/flux/requests/nothing/status'),
    await call('GET', '/queue/fal-ai/other/requests/id1/status'),
    await call('PUT', '/queue/fal-ai/flux/requests/nothing/cancel'),
    await call('GET', '/nothing'),
    await call('PUT', `/queue/${endpoint}`),
  ]
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 404, 404, 404, 404, 404, 404])
  expect(fal.till().created).toBe(1)
})

test('a cancel takes a waiting request from the queue, stops a running one, and comes too late for a finished one', async () => {
  const { submit, call, result, status, advance, fal } = falHarness()
  const [waiting, running, finished] = [await submit(), await submit(), await submit()]
  const cancel = async ({ cancel_url }: typeof waiting) => told(await call('PUT', cancel_url))
  expect(await cancel(waiting)).toEqual({ status: 202, body: { status: 'CANCELLATION_REQUESTED' } })
  advance(2)
  await cancel(running)
  advance(2)
  expect(await cancel(finished)).toEqual({ status: 400, body: { status: 'ALREADY_COMPLETED' } })
  expect(await status(running)).toMatchObject({ status: 'COMPLETED', error_type: 'client_cancelled' })
  expect(await told(await result(waiting))).toMatchObject({ status: 499, body: { error_type: 'client_cancelled' } })
  const seen = fal.till().predictions.map(({ ending, paid, canceled }) => [ending, paid, canceled])
  expect(seen).toEqual([
    ['canceled', false, true],
    ['canceled', true, true],
    ['succeeded', true, false],
  ])
})

test('a request that has not begun within its own limit ends as timed out by the user', async () => {
  const { fal, submit, result, status, advance } = falHarness()
  fal.addFaults([{ on: 'outcome', fault: 'seconds', seconds: 100 }])
  const submitted = await submit({ prompt: 'x' }, { 'x-fal-request-timeout': '20' })
  advance(20)
  expect(await status(submitted)).toMatchObject({ status: 'COMPLETED', error_type: 'request_timeout' })
  const answer = await result(submitted)
  expect([answer.status, answer.headers.get('x-fal-request-timeout-type')]).toEqual([504, 'user'])
})

test('fal may run a request again by itself, unless it was told not to', async () => {
  const { fal, submit, status, result, advance } = falHarness()
  fal.addFaults([{ on: 'outcome', fault: 'rerun', times: 2, seconds: 40 }])
  const again = await submit()
  const once = await submit({ prompt: 'x' }, { 'x-fal-no-retry': '1' })
  expect(again.gateway_request_id).not.toBe(again.request_id)
  const seen: string[] = []
  for (const seconds of [11, 10, 10, 29]) {
    advance(seconds)
    seen.push((await status(again)).status)
  }
  expect(seen).toEqual(['IN_PROGRESS', 'IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'])
  expect((await result(again)).status).toBe(200)
  const failed = await result(once)
  expect([failed.status, failed.headers.get('x-fal-error-type')]).toEqual([503, 'runner_disconnected'])
  expect(fal.till().predictions.map(({ no_retry }) => no_retry)).toEqual([false, true])
})

test('the list shows what is over, by endpoint, with payloads if asked, a page at a time', async () => {
  const { submit, train, list, advance, now } = falHarness({ secondsPerTraining: 1000 })
  for (let n = 0; n < 5; n += 1) {
    await submit({ prompt: `number ${n}` })
    advance(1)
  }
  await train()
  expect(await list(`endpoint_id=${endpoint}`)).toMatchObject({ items: [{ request_id: 'id2' }, { request_id: 'id1' }] })
  advance(4)
  const first = await list(`endpoint_id=${endpoint}&expand=payloads&limit=3`)
  expect(first.items.map(({ json_input }) => json_input?.['prompt'])).toEqual(['number 4', 'number 3', 'number 2'])
  expect(first.items[0]).toMatchObject({ status_code: 200 })
  expect(first).toMatchObject({ has_more: true })
  const second = await list(`endpoint_id=${endpoint}&limit=3&cursor=${first.next_cursor}`)
  expect(second).toMatchObject({ items: [{ request_id: 'id2' }, { request_id: 'id1' }], has_more: false })
  expect(second.items[0]).not.toHaveProperty('json_input')
  const late = new Date(now() - 6000).toISOString()
  expect((await list(`endpoint_id=${endpoint}&start=${late}`)).items).toHaveLength(2)
  expect((await list(`endpoint_id=${trainer}`)).items).toEqual([])
})

test('the list may show unfinished requests, and hides the inputs of requests that are not to be stored', async () => {
  const { fal, submit, list } = falHarness()
  fal.set({ list_unfinished: true })
  await submit({ prompt: 'x' }, { 'x-fal-store-io': '0' })
  await submit()
  const { items } = await list(`endpoint_id=${endpoint}&expand=payloads`)
  expect(items.map(({ json_input, ended_at }) => [json_input, ended_at])).toEqual([
    [{ prompt: 'a cat' }, undefined],
    [undefined, undefined],
  ])
})

test('the webhook address is kept as it was given, and a reset forgets everything', async () => {
  const { fal, submit } = falHarness()
  await submit()
  expect(fal.till().predictions[0]).toMatchObject({
    id: 'id1',
    model: endpoint,
    webhook,
    status: 'IN_QUEUE',
    ending: null,
  })
  fal.reset()
  expect(fal.till()).toMatchObject({ create_requests: 0, predictions: [] })
})
