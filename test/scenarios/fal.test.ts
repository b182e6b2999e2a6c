// A task on fal from start to end, by polls and by webhooks, and what fal alone does: outputs that are left out of a webhook,
// failures that only the result tells of, a list without unfinished requests, keys that change.
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Recipe } from '../../core/recipe.ts'
import { cancel } from '../../functions/cancel.ts'
import { start } from '../../functions/start.ts'
import { webhook } from '../../functions/webhook.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { isOver, isResting, pingUntil, press, rowOf, type Story } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, env: { PUBLIC_URL: 'https://stepgate.test' } })
const { fal } = app.simulator

/** One picture of a prompt, which may take its time. */
const postcard: Recipe<{ prompt: string }> = {
  example: { input: { prompt: 'x' }, output: { images: [{ url: 'https://files.test/x.png' }] } },
  name: 'postcard',
  provider: 'fal',
  input: z.strictObject({ prompt: z.string() }),
  totalSteps: () => 1,
  request: async ({ prompt }, { seed }) => ({ model: 'fal-ai/flux/dev', input: { prompt, seed }, runOnce: true }),
  outputUrls: (output) =>
    z
      .object({ images: z.array(z.object({ url: z.string() })) })
      .parse(output)
      .images.map(({ url }) => url),
  accept: ['image/png'],
  maxBytes: 1_000_000,
  price: 'unknown',
  gate: 'auto',
  stepSeconds: 20,
  timing: {
    ...{
      firstCheckSeconds: 30,
      minCheckSeconds: 60,
      maxCheckSeconds: 60,
      watchSeconds: 3_600,
      slowCheckSeconds: 3_600,
    },
    ...{ limitSeconds: 7_200, gateSeconds: 3_600, unconfirmedSeconds: 3_600 },
  },
}
app.deps.recipes = new Map([[postcard.name, postcard as Recipe]])

async function begun(...faults: FaultInput[]): Promise<Story> {
  fal.addFaults(faults)
  const token = await app.signIn('ada')
  const body = { recipe: 'postcard', prompt: 'a cat' }
  const answer = await app.call(start, { path: '/api/start', body, token })
  expect(answer.status).toBe(202)
  await app.settle()
  return { id: ((await answer.json()) as { task_id: string }).task_id, token }
}

/** Sends what fal would send by now, to the endpoint itself. */
async function deliver(): Promise<number[]> {
  const answers: number[] = []
  for (const delivery of await fal.dueWebhooks()) {
    const { pathname, search } = new URL(delivery.url)
    const call = { path: pathname + search, method: 'POST', headers: delivery.headers, body: delivery.body }
    const answer = await app.call(webhook, call)
    fal.reportWebhook(delivery, answer.ok)
    answers.push(answer.status)
  }
  await app.settle()
  return answers
}

const pace = { clock }

test('fal: polls alone bring a task to its end, and it is paid once', async () => {
  fal.set({ webhooks: false })
  const story = await begun()
  expect(await rowOf(app, story)).toMatchObject({ phase: 'running', provider_urls: { response: expect.any(String) } })
  expect(await pingUntil(app, story, isOver, pace)).toMatchObject({ status: 'completed' })
  expect(fal.till()).toMatchObject({ create_requests: 1, paid: 1, predictions: [{ no_retry: true }] })
})

test('fal: a signed webhook ends the step before any look, and twice is once', async () => {
  const story = await begun({ on: 'webhook', fault: 'repeated' })
  clock.advance(4)
  expect(await deliver()).toEqual([200, 200])
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
  expect(fal.till().requests).toMatchObject({ status: 0, result: 0 })
})

test('fal: an output that the webhook left out is asked for at once', async () => {
  const story = await begun({ on: 'webhook', fault: 'payload_error' })
  clock.advance(4)
  expect(await deliver()).toEqual([200])
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
  expect(fal.till().requests).toMatchObject({ status: 1, result: 1 })
})

test('fal: an output that is left out of a webhook which names the attempt first is asked for at once too', async () => {
  const story = await begun({ on: 'create', fault: 'reset_after' }, { on: 'webhook', fault: 'payload_error' })
  expect((await rowOf(app, story)).phase).toBe('unconfirmed')
  clock.advance(4)
  expect(await deliver()).toEqual([200])
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
  expect(fal.till()).toMatchObject({ create_requests: 1, created: 1 })
})

test('fal: a webhook that is forged, stale, for another request or at another address changes nothing', async () => {
  const faults = ['bad_signature', 'stale_timestamp', 'mismatched_id'] as const
  for (const fault of faults) {
    const story = await begun({ on: 'webhook', fault })
    clock.advance(4)
    expect(await deliver()).toEqual([401])
    expect(await rowOf(app, story)).toMatchObject({ status: 'processing' })
    fal.reset()
  }
  const story = await begun()
  clock.advance(4)
  const [delivery] = await fal.dueWebhooks()
  if (!delivery) throw new Error('fal has nothing to report')
  const { pathname, search } = new URL(delivery.url)
  const path = pathname + search.replace('model=fal-ai', 'model=evil')
  const { headers, body } = delivery
  expect((await app.call(webhook, { path, method: 'POST', headers, body })).status).toBe(401)
  fal.reportWebhook(delivery, false)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing' })
})

test('fal: a failure that only the result tells of ends the task in the words of fal', async () => {
  fal.set({ webhooks: false })
  const story = await begun({ on: 'outcome', fault: 'result_only', error: 'no face was found' })
  const row = await pingUntil(app, story, isOver, pace)
  expect(row).toMatchObject({ status: 'failed', error_code: 'provider_failed', error_message: 'no face was found' })
})

test("fal: a gateway's hiccup on the result fails nothing", async () => {
  fal.set({ webhooks: false })
  const story = await begun({ on: 'result', fault: 'error', status: 503, times: 2 })
  expect(await pingUntil(app, story, isOver, pace)).toMatchObject({ status: 'completed' })
})

test('fal: a lost answer is adopted from the list once the request is over, and nothing is sent again', async () => {
  fal.set({ webhooks: false })
  const story = await begun({ on: 'create', fault: 'reset_after' }, { on: 'outcome', fault: 'seconds', seconds: 900 })
  const adopted = await pingUntil(app, story, (row) => row.phase !== 'unconfirmed', { clock, every: 30, within: 1_200 })
  expect(adopted.submitted_at && clock.now().getTime() - adopted.submitted_at.getTime()).toBeGreaterThan(890_000)
  expect(await pingUntil(app, story, isOver, pace)).toMatchObject({ status: 'completed' })
  expect(fal.till()).toMatchObject({ create_requests: 1, created: 1 })
})

test('fal: a create that never arrived is never sent again by itself, and a person decides', async () => {
  const story = await begun({ on: 'create', fault: 'reset_before' })
  const row = await pingUntil(app, story, isOver, { clock, every: 120, within: 4_000 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'submission_unconfirmed' })
  expect(fal.till()).toMatchObject({ create_requests: 1, created: 0 })
})

test('fal: a canceled task has its request canceled until fal says that it is over', async () => {
  const story = await begun({ on: 'cancel', fault: 'ignored' }, { on: 'outcome', fault: 'seconds', seconds: 100 })
  clock.advance(20)
  expect((await press(app, cancel, story)).status).toBe(200)
  const row = await pingUntil(app, story, isResting, pace)
  expect(row).toMatchObject({ status: 'canceled', strays: [{ over: true }] })
  expect(fal.till()).toMatchObject({ by_status: { COMPLETED: 1 }, predictions: [{ canceled: true }] })
})
