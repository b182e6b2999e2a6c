// Webhooks: they only make faster what passes do anyway, however they come: early, twice, late, wrong, or all at once.
import { expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import { cancel } from '../../functions/cancel.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { webhook } from '../../functions/webhook.ts'
import { sign } from '../../simulator/replicate/signature.ts'
import { testClock } from '../setup/clock.ts'
import { type Instance, replicateToken, useTestDeps, webhookSecret } from '../setup/deps.ts'
import {
  barrier,
  begin,
  begun,
  costs,
  deliverWebhooks,
  fault,
  inputOf,
  isCreate,
  isWaiting,
  ping,
  pingUntil,
  press,
  rowOf,
  type Story,
} from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, mounted: true, env: { ENABLE_NONCOMMERCIAL: '1' } })

/** The row's own webhook address, as it was given to the provider. */
function webhookOf(index = 0): string {
  const { webhook: address } = app.simulator.replicate.till().predictions[index] ?? {}
  if (!address) throw new Error(`prediction ${index} has no webhook`)
  return address
}

/** A call as Replicate makes it, with any body. */
function report(address: string, prediction: object, how: { secret?: string; to?: Instance } = {}): Promise<Response> {
  const { secret = webhookSecret, to = app } = how
  const body = JSON.stringify(prediction)
  const timestampSeconds = Math.floor(clock.now().getTime() / 1000)
  const { pathname, search } = new URL(address)
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': sign({ secret, id: 'msg_1', timestampSeconds, body }),
  }
  return to.call(webhook, { path: pathname + search, body, headers })
}

/** The provider's prediction as it shows it now. */
async function shownBy(id: string | null | undefined): Promise<object> {
  const headers = { authorization: `Bearer ${replicateToken}` }
  const answer = await fetch(`${app.simulator.url}/v1/predictions/${id}`, { headers })
  return (await answer.json()) as object
}

test('a webhook alone, without a ping, shows the step done with its result stored', async () => {
  const story = await begun(app, { garments: 2 })
  clock.advance(5)
  await deliverWebhooks(app, clock)
  expect(await rowOf(app, story)).toMatchObject({ status: 'waiting_continue', current_step: 1 })
  expect(app.simulator.replicate.till().requests.get).toBe(0)
})

test('a step that a webhook shows done has cost what its provider measured', async () => {
  const story = await begun(app, { body: { recipe: 'try-on-idm', ...inputOf(2) } })
  clock.advance(5)
  await deliverWebhooks(app, clock)
  const { status, prices, settled_micros } = await rowOf(app, story)
  expect(status).toBe('waiting_continue')
  expect(settled_micros).toBeGreaterThan(0)
  expect(settled_micros).toBeLessThan(prices?.[0] ?? 0)
})

test('an attempt of a task that was canceled before its prediction was known costs what its provider measured', async () => {
  const held = barrier('after', isCreate)
  const slow = app.openInstance({ env: { ENABLE_NONCOMMERCIAL: '1' }, http: held.http, isApart: true })
  fault(app, { on: 'webhook', fault: 'lost', event: 'start' })
  const story = await begin(slow, { body: { recipe: 'try-on-idm', ...inputOf(2) } })
  await held.reached
  await press(app, cancel, story)
  clock.advance(5)
  await deliverWebhooks(app, clock)
  held.open()
  await slow.settle()
  const { status, prices, settled_micros, steps } = await rowOf(app, story)
  expect([status, steps[0]?.cost_micros]).toEqual(['canceled', settled_micros])
  expect(settled_micros).toBeGreaterThan(0)
  expect(settled_micros).toBeLessThan(prices?.[0] ?? 0)
})

test('a webhook that comes before our own answer is stored adopts the attempt, and our answer changes nothing', async () => {
  const held = barrier('after', isCreate)
  const slow = app.openInstance({ http: held.http, isApart: true })
  const story = await begin(slow)
  await held.reached
  clock.advance(2)
  await deliverWebhooks(app, clock)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running' })
  clock.advance(3)
  await deliverWebhooks(app, clock)
  const done = await rowOf(app, story)
  expect(done).toMatchObject({ status: 'completed', strays: [] })
  held.open()
  await slow.settle()
  expect(await rowOf(app, story)).toEqual(done)
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})

test('a webhook that says failed before our own answer is stored fails the task', async () => {
  const held = barrier('after', isCreate)
  const slow = app.openInstance({ http: held.http, isApart: true })
  fault(app, { on: 'outcome', fault: 'failed', error: 'no person in the picture' })
  fault(app, { on: 'webhook', fault: 'lost', event: 'start' })
  const story = await begin(slow)
  await held.reached
  clock.advance(5)
  await deliverWebhooks(app, clock)
  held.open()
  await slow.settle()
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'failed', error_code: 'provider_failed', strays: [], due_at: null })
  expect(row.error_message).toContain('no person in the picture')
})

test('a webhook sent five times at once moves the task once', async () => {
  fault(app, { on: 'webhook', fault: 'repeated', event: 'completed', copies: 4 })
  const story = await begun(app, { garments: 2, auto_continue: true })
  clock.advance(5)
  await deliverWebhooks(app, clock)
  // The pass of one of them may have passed over the row while another had it locked.
  await ping(app)
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'processing', current_step: 2, attempt: 1, strays: [] })
  expect(row.steps).toHaveLength(1)
  expect(costs(app)).toEqual({ sent: 2, created: 2, canceled: 0 })
})

test('a webhook, pings and a continue on one completion advance it once', async () => {
  const story = await begun(app, { garments: 3 })
  clock.advance(5)
  await Promise.all([
    deliverWebhooks(app, clock),
    ...Array.from({ length: 6 }, () => ping(app)),
    press(app, continueEndpoint, story, { step: 1 }),
  ])
  await app.settle()
  // Whatever passed over the row while a rival had it locked comes to it now.
  await ping(app)
  const row = await rowOf(app, story)
  expect(row.steps).toHaveLength(1)
  expect(row.strays).toEqual([])
  expect(['waiting_continue', 'processing']).toContain(row.status)
  expect(costs(app).created).toBe(row.current_step)
})

test('a webhook of a step that is over answers 200 and changes nothing', async () => {
  const story = await begun(app, { garments: 2 })
  const { prediction_id } = await rowOf(app, story)
  await pingUntil(app, story, isWaiting, { clock })
  await deliverWebhooks(app, clock)
  const before = await rowOf(app, story)
  expect((await report(webhookOf(), await shownBy(prediction_id))).status).toBe(200)
  await app.settle()
  expect((await report(webhookOf(), { id: prediction_id, status: 'failed', error: 'late' })).status).toBe(200)
  expect((await report(webhookOf(), { id: prediction_id, status: 'processing' })).status).toBe(200)
  await app.settle()
  expect(await rowOf(app, story)).toEqual(before)
})

test('a webhook of a canceled task does not revive it', async () => {
  fault(app, { on: 'cancel', fault: 'ignored', times: 1_000 })
  const story = await begun(app, { garments: 2 })
  await press(app, cancel, story)
  await app.settle()
  clock.advance(5)
  await deliverWebhooks(app, clock)
  const row = await pingUntil(app, story, ({ due_at }) => due_at === null, { clock })
  expect(row).toMatchObject({ status: 'canceled', phase: null, strays: [{ over: true }] })
  expect(row.steps).toMatchObject([{ status: 'canceled' }])
})

test("a provider's own double is recorded and canceled, and the step keeps its first prediction", async () => {
  const story = await begun(app, { garments: 2 })
  const { prediction_id } = await rowOf(app, story)
  const input = { person_image: inputOf().person_image, garment_images: inputOf().garments }
  const double = await fetch(`${app.simulator.url}/v1/models/prunaai/p-image-try-on/predictions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${replicateToken}` },
    body: JSON.stringify({
      ...{ input, webhook: webhookOf(), webhook_events_filter: ['start', 'completed'] },
    }),
  })
  const { id } = (await double.json()) as { id: string }
  expect((await report(webhookOf(), await shownBy(id))).status).toBe(200)
  await app.settle()
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'processing', prediction_id, strays: [{ prediction_id: id, over: true }] })
  expect(app.simulator.replicate.till().predictions.map(({ canceled }) => canceled)).toEqual([false, true])
})

async function refused(story: Story, work: () => Promise<Response>, status: number): Promise<void> {
  const before = await rowOf(app, story)
  const answer = await work()
  await app.settle()
  expect(answer.status).toBe(status)
  expect(await rowOf(app, story)).toEqual(before)
}

test('a webhook that is forged, or of another attempt than its address says, is refused and changes nothing', async () => {
  const story = await begun(app, { garments: 2 })
  const { prediction_id } = await rowOf(app, story)
  const failed = { id: prediction_id, status: 'failed', error: 'forged' }
  const other = new URL(webhookOf())
  other.searchParams.set('attempt', '2')
  const secret = 'whsec_bm90IHRoZSByaWdodCBzZWNyZXQ='
  await refused(story, () => report(webhookOf(), failed, { secret }), 401)
  await refused(story, () => report(other.href, failed), 401)
  const { pathname } = other
  await refused(story, () => report(`${other.origin}${pathname}`, failed), 401)
  await refused(story, () => app.call(webhook, { path: `${pathname}${other.search}`, body: failed }), 401)
  // Whoever set a wrong secret learns it from the log.
  const told = app.logged.filter(({ msg }) => msg === 'request refused').map(({ level, code }) => [level, code])
  expect(told).toEqual(Array.from({ length: 4 }, () => [40, 'bad_signature']))
  await refused(story, () => report(webhookOf(), { status: 'failed' }), 400)
})

test('a body of several megabytes is read', async () => {
  const story = await begun(app)
  clock.advance(5)
  const { prediction_id } = await rowOf(app, story)
  const logs = 'step '.repeat(1_000_000)
  expect((await report(webhookOf(), { ...(await shownBy(prediction_id)), logs })).status).toBe(200)
  await app.settle()
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
})

/** A step whose create was answered by an error, and the provider's words of its success. */
async function lostAndSucceeded() {
  fault(app, { on: 'create', fault: 'error_after' }, { on: 'webhook', fault: 'lost', times: 2 })
  const story = await begun(app, { garments: 2 })
  clock.advance(5)
  await deliverWebhooks(app, clock)
  expect(await rowOf(app, story)).toMatchObject({ phase: 'unconfirmed', prediction_id: null })
  const { id } = app.simulator.replicate.till().predictions[0] ?? {}
  return { story, id, body: await shownBy(id) }
}

test("a report at one task's address that names another task's prediction moves neither, copies nothing, and is answered 200", async () => {
  const { story } = await lostAndSucceeded()
  fault(app, { on: 'webhook', fault: 'lost', times: 100 })
  const other = await begun(app, { user: 'eve', garments: 2 })
  clock.advance(5)
  const [before, rival] = [await rowOf(app, story), await rowOf(app, other)]
  expect((await report(webhookOf(), await shownBy(rival.prediction_id))).status).toBe(200)
  await app.settle()
  expect([await rowOf(app, story), await rowOf(app, other)]).toEqual([before, rival])
  expect(await app.deps.files.stat(resultKey(story.id, 1, rival.prediction_id ?? ''))).toBeUndefined()
  const msg = "a report names another task's prediction: nothing was copied"
  expect(app.logged).toContainEqual(expect.objectContaining({ level: 40, msg, task: story.id }))
  await pingUntil(app, other, isWaiting, { clock })
  expect(await rowOf(app, other)).toMatchObject({ strays: [] })
})

test('a result that is copied in time is shown before its webhook is answered', async () => {
  const { story, body } = await lostAndSucceeded()
  expect((await report(webhookOf(), body)).status).toBe(200)
  expect(await rowOf(app, story)).toMatchObject({ status: 'waiting_continue', current_step: 1 })
})

test('of a result whose copy takes longer than an answer may, the row knows the prediction before the answer', async () => {
  const { story, id, body } = await lostAndSucceeded()
  const held = barrier('before', (url) => url.includes('/files/'))
  const impatient = app.openInstance({ http: held.http, wait: () => held.reached, isApart: true })
  expect((await report(webhookOf(), body, { to: impatient })).status).toBe(200)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', prediction_id: id })
  held.open()
  await impatient.settle()
  expect(await rowOf(app, story)).toMatchObject({ status: 'waiting_continue', strays: [] })
})

test('of a result that cannot be copied, the row knows the prediction before the answer', async () => {
  const { story, id, body } = await lostAndSucceeded()
  const config = { ...app.deps.config, COPY_SECONDS: 0 }
  const broken = app.openInstance({ config })
  broken.deps.files.stat = () => Promise.reject(new Error('the blob store is away'))
  broken.deps.files.copy = () => Promise.reject(new Error('the blob store is away'))
  expect((await report(webhookOf(), body, { to: broken })).status).toBe(200)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', prediction_id: id })
  expect(await pingUntil(app, story, isWaiting, { clock })).toMatchObject({ current_step: 1 })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})

test('without its secret, a webhook is refused as not configured', async () => {
  await begun(app)
  const bare = app.openInstance({ env: { REPLICATE_WEBHOOK_SECRET: undefined } })
  const { pathname, search } = new URL(webhookOf())
  expect((await bare.call(webhook, { path: pathname + search, body: { id: 'p' } })).status).toBe(503)
})
