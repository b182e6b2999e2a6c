import { expect, test } from 'vitest'
import { falAt, how, image, requireCreated, scripted, trainer, training, useSimulatedFal } from './fal-setup.ts'

const { simulator, fal } = await useSimulatedFal()
const webhookUrl = 'https://app.test/api/webhook/fal?task=1&step=2'

test('submit() sends one POST with the key, the webhook and the limit on the start, and keeps the returned addresses', async () => {
  const submitted = await fal.submit(image, { ...how, webhookUrl })
  const [entry] = simulator.fal.till().predictions
  const requests = `${simulator.url}/fal/queue/fal-ai/flux/requests/${entry?.id}`
  expect(submitted).toEqual({
    kind: 'created',
    prediction_id: entry?.id,
    urls: { get: `${requests}/status`, response: requests, cancel: `${requests}/cancel` },
  })
  expect(entry).toMatchObject({ model: image.model, input: image.input, webhook: webhookUrl, no_retry: false })
})

test('submit() asks fal not to run a training again by itself', async () => {
  await fal.submit(training, how)
  expect(simulator.fal.till().predictions).toMatchObject([{ model: trainer, no_retry: true, webhook: null }])
})

test('submit() keeps addresses of whatever form, as they were returned', async () => {
  simulator.fal.set({ response_suffix: true })
  expect(requireCreated(await fal.submit(image, how)).urls.response).toMatch(/\/response$/)
})

test('submit() keeps no address that leads elsewhere', async () => {
  const elsewhere = {
    status_url: 'https://evil.test/status',
    response_url: `${'http://127.0.0.1'}\\@evil.test/answer`,
    cancel_url: 7,
  }
  const server = await scripted(() => ({ body: { request_id: 'r1', ...elsewhere } }))
  const submitted = await falAt({ queueUrl: `${server.url}/q` }).submit(
    { ...image, model: 'workflows/me/app/path' },
    how,
  )
  const requests = `${server.url}/q/workflows/me/app/requests/r1`
  expect(submitted).toMatchObject({
    ...{ kind: 'created', urls: { get: `${requests}/status`, response: requests, cancel: `${requests}/cancel` } },
  })
  expect(server.asked).toMatchObject([
    { method: 'POST', url: '/q/workflows/me/app/path', headers: { 'x-fal-request-timeout': '3600' } },
  ])
})

test('submit() is rejected with the words of fal, and without the links in them', async () => {
  simulator.fal.addFaults([{ on: 'create', fault: 'rejected' }])
  expect(await fal.submit(image, how)).toEqual({
    ...{ kind: 'rejected', reason: 'fal answered 422: input: the model refused this input' },
  })
  expect(await fal.submit({ ...image, model: 'fal-ai/nothing' }, how)).toMatchObject({ kind: 'rejected' })
  const detail = 'Could not read https://app.test/api/result?file=a&signature=secret, sorry'
  const server = await scripted(() => ({ status: 400, body: { detail } }))
  expect(await falAt({ queueUrl: server.url }).submit(image, how)).toEqual({
    ...{ kind: 'rejected', reason: 'fal answered 400: Could not read https://app.test/api/result sorry' },
  })
})

test.each([
  [{ status: 408, body: {} }, 'unknown'],
  [{ status: 302, body: {} }, 'unknown'],
  [{ status: 200, body: { status: 'IN_QUEUE' } }, 'unknown'],
  [{ status: 200, body: 'no json' }, 'unknown'],
  [{ status: 403, body: { detail: 'This key may not use the model' } }, 'rejected'],
  [{ status: 402, body: {} }, 'throttled'],
])('submit() takes %j as %s', async (answer, kind) => {
  const server = await scripted(() => answer)
  expect(await falAt({ queueUrl: server.url }).submit(image, how)).toMatchObject({ kind })
  expect(server.asked).toHaveLength(1)
})
