// fal's official client, unchanged, against the simulator over HTTP. It knows its addresses by heart; its own option
// `requestMiddleware` is what leads them elsewhere.

import { ApiError, createFalClient, type FalClient, ValidationError } from '@fal-ai/client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Simulator, startSimulator } from '../../simulator/server.ts'

let simulator: Simulator
let client: FalClient
const falKey = 'fal_test'
const endpoint = 'fal-ai/flux/dev'

function clientWith(credentials: string): FalClient {
  return createFalClient({
    credentials,
    requestMiddleware: async (request) => ({
      ...request,
      url: request.url.replace('https://queue.fal.run', `${simulator.url}/fal/queue`),
    }),
  })
}

beforeAll(async () => {
  simulator = await startSimulator({
    ...{ port: 0, webhookSecret: 'whsec_eA==', falKey, secondsPerStep: 0.2, secondsPerTraining: 0.2 },
    ...{ weightsBytes: 100_000, drawing: false },
  })
  client = clientWith(falKey)
})
beforeEach(() => simulator.fal.reset())
afterAll(() => simulator.close())

test('submits, asks for the status and gets the result', async () => {
  const submitted = await client.queue.submit(endpoint, { input: { prompt: 'a cat', seed: 7 } })
  expect(submitted).toMatchObject({ status: 'IN_QUEUE', request_id: expect.any(String) })
  const { request_id: requestId } = submitted
  expect(await client.queue.subscribeToStatus(endpoint, { requestId, pollInterval: 20 })).toMatchObject({
    status: 'COMPLETED',
  })
  const { data, requestId: answered } = await client.queue.result(endpoint, { requestId })
  expect(data).toMatchObject({ seed: 7, images: [{ url: expect.stringContaining(requestId) }] })
  expect(answered).toBe(requestId)
})

test('subscribes to a training, and its weights can be downloaded', async () => {
  const { data } = await client.subscribe('fal-ai/flux-lora-portrait-trainer', {
    input: { images_data_url: 'https://images.test/me.zip', trigger_phrase: 'ohwx' },
    pollInterval: 20,
  })
  const file = await fetch(data.diffusers_lora_file.url)
  expect((await file.bytes()).length).toBe(100_000)
})

test('sends the headers that its options mean, and the webhook in one piece', async () => {
  const webhookUrl = 'https://app.test/hook?task=1&step=2'
  const headers = { 'X-Fal-No-Retry': '1' }
  await client.queue.submit(endpoint, { input: { prompt: 'x' }, webhookUrl, startTimeout: 60, headers })
  expect(simulator.fal.till().predictions).toMatchObject([{ webhook: webhookUrl, no_retry: true }])
})

test('cancels', async () => {
  simulator.fal.addFaults([{ on: 'outcome', fault: 'seconds', seconds: 60 }])
  const { request_id: requestId } = await client.queue.submit(endpoint, { input: { prompt: 'x' } })
  await client.queue.cancel(endpoint, { requestId })
  expect(simulator.fal.till().predictions).toMatchObject([{ ending: 'canceled' }])
  await expect(client.queue.cancel(endpoint, { requestId })).rejects.toThrow(ApiError)
})

test('learns of a failure from the result alone', async () => {
  const input = { prompt: 7 as unknown as string }
  const failed = await client.subscribe(endpoint, { input, pollInterval: 20 }).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(ValidationError)
  expect((failed as ValidationError).getFieldErrors('prompt')).toHaveLength(1)
})

test('is refused with a wrong key', async () => {
  await expect(clientWith('other').queue.submit(endpoint, { input: { prompt: 'x' } })).rejects.toMatchObject({
    status: 401,
  })
})

test('pays twice for one lost answer, as it does with fal', async () => {
  simulator.fal.addFaults([{ on: 'create', fault: 'reset_after' }])
  await client.queue.submit(endpoint, { input: { prompt: 'x' } })
  expect(simulator.fal.till()).toMatchObject({ create_requests: 2, created: 2 })
})
