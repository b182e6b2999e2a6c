// A create whose fate is unknown, in every way that can come about, and what each combination of webhooks and the provider's
// list makes of it. Nothing is ever sent again before the provider has said that the first attempt doesn't exist.
import { expect, test } from 'vitest'
import { redo } from '../../functions/redo.ts'
import { start } from '../../functions/start.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { type Instance, useTestDeps } from '../setup/deps.ts'
import type { Row } from '../setup/factory.ts'
import { runLate } from '../setup/late.ts'
import { png } from '../storage/setup.ts'
import {
  barrier,
  begin,
  begun,
  costs,
  deliverWebhooks,
  fault,
  inputOf,
  isCreate,
  isOver,
  ping,
  pingUntil,
  press,
  rowOf,
  type Story,
} from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, mounted: true })
const env = { PUBLIC_URL: undefined }
const quiet = app.openInstance({ env })

type Way = { died: 'before' | 'after' } | FaultInput

/** The provider has made the prediction. */
const accepted: [string, Way][] = [
  ['the connection is reset after it', { on: 'create', fault: 'reset_after' }],
  ['its answer is a 502', { on: 'create', fault: 'error_after' }],
  ['its answer does not come', { on: 'create', fault: 'hang_after' }],
  ['its answer is cut short', { on: 'create', fault: 'truncated' }],
  ['its answer breaks off', { on: 'create', fault: 'truncated', reset: true }],
  ['the process dies after it', { died: 'after' }],
]

/** The provider has made nothing. */
const lost: [string, Way][] = [
  ['the connection is reset before it', { on: 'create', fault: 'reset_before' }],
  ['a proxy answers 503 for it', { on: 'create', fault: 'error_before', status: 503 }],
  ['it is left hanging', { on: 'create', fault: 'hang_before' }],
  ['the process dies before it', { died: 'before' }],
]

/** A task of one garment whose only create went wrong in this way. `from` is reachable by webhooks, or not. */
async function goWrong(from: 'app' | 'quiet', way: Way): Promise<Story> {
  if ('died' in way) {
    const death = barrier(way.died, isCreate)
    const dying = app.openInstance({ http: death.http, isApart: true, ...(from === 'quiet' && { env }) })
    const story = await begin(dying)
    await death.reached
    return story
  }
  fault(app, way)
  const instance = { app, quiet }[from]
  const hangs = way.fault === 'hang_after' || way.fault === 'hang_before'
  const isHeld = () => costs(app).sent === 1 && costs(app).created === (way.fault === 'hang_after' ? 1 : 0)
  const submitMs = app.deps.config.SUBMIT_TIMEOUT_SECONDS * 1000
  const story = await (hangs ? runLate(submitMs, isHeld, () => begun(instance)) : begun(instance))
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'unconfirmed' })
  return story
}

const isTold = (row: Row) => isOver(row) || row.phase === 'running'
const finish = (instance: Instance, story: Story) => pingUntil(instance, story, isOver, { clock, within: 200 })
const denied: FaultInput = { on: 'list', fault: 'empty', times: 10_000 }
const silent: FaultInput = { on: 'list', fault: 'error', times: 10_000 }
const once = { sent: 1, created: 1, canceled: 0 }

test.each(accepted)('webhooks off, list answers, %s: found in the list and paid once', async (_name, way) => {
  const story = await goWrong('quiet', way)
  await pingUntil(quiet, story, isTold, { clock, within: 120 })
  expect(await finish(quiet, story)).toMatchObject({ status: 'completed', attempt: 1, strays: [] })
  expect(costs(app)).toEqual(once)
})

test.each(accepted)('webhooks on, list empty, %s: adopted by the webhook and paid once', async (_name, way) => {
  const story = await goWrong('app', way)
  fault(app, denied)
  clock.advance(2)
  await deliverWebhooks(app, clock)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', attempt: 1 })
  clock.advance(3)
  await deliverWebhooks(app, clock)
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed', attempt: 1, strays: [] })
  expect(costs(app)).toEqual(once)
})

test.each(accepted)('webhooks on, list answers, %s: found by either and paid once', async (_name, way) => {
  const story = await goWrong('app', way)
  expect(await finish(app, story)).toMatchObject({ status: 'completed', attempt: 1, strays: [] })
  expect(costs(app)).toEqual(once)
})

test.each([...accepted, ...lost])(
  'webhooks off, list silent, %s: never sent again, and left to a person at the limit',
  async (_name, way) => {
    const story = await goWrong('quiet', way)
    const { sent } = costs(app)
    expect(sent).toBeLessThanOrEqual(1)
    fault(app, silent)
    const row = await pingUntil(quiet, story, isOver, { clock, every: 300, within: 3_900 })
    expect(row).toMatchObject({ status: 'failed', error_code: 'submission_unconfirmed', due_at: null })
    expect(row.finished_at?.getTime()).toBeGreaterThanOrEqual(row.created_at.getTime() + 3_600_000)
    expect(costs(app).sent).toBe(sent)
    expect((await press(quiet, redo, story)).status).toBe(202)
    await quiet.settle()
    expect(await finish(quiet, story)).toMatchObject({ status: 'completed', attempt: 2 })
    expect(costs(app).sent).toBe(sent + 1)
  },
)

test.each(lost)('webhooks off, list answers, %s: sent anew after the grace time, and paid once', async (_name, way) => {
  await expectSentAnew(quiet, await goWrong('quiet', way))
})

test.each(lost)('webhooks on, list empty, %s: sent anew after the grace time, and paid once', async (_name, way) => {
  await expectSentAnew(app, await goWrong('app', way))
})

async function expectSentAnew(instance: Instance, story: Story): Promise<void> {
  const began = clock.now()
  await pingUntil(instance, story, ({ attempt }) => attempt === 2, { clock, every: 10 })
  expect(clock.now().getTime() - began.getTime()).toBeGreaterThanOrEqual(180_000)
  expect(await finish(instance, story)).toMatchObject({ status: 'completed', attempt: 2, strays: [] })
  await app.settle()
  expect(costs(app).created).toBe(1)
}

test('webhooks off, list empty: what the provider itself denies is sent anew after the grace time', async () => {
  const story = await goWrong('quiet', { on: 'create', fault: 'reset_after' })
  fault(app, { on: 'list', fault: 'empty', times: 10_000 })
  for (let seconds = 0; seconds < 175; seconds += 5) {
    clock.advance(5)
    await ping(quiet)
  }
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'unconfirmed', attempt: 1 })
  expect(costs(app).sent).toBe(1)
  expect(await finish(quiet, story)).toMatchObject({ status: 'completed', attempt: 2 })
  expect(costs(app)).toMatchObject({ sent: 2, created: 2 })
})

test('webhooks off, list lagging by a minute: found late, and paid once', async () => {
  const story = await goWrong('quiet', { on: 'create', fault: 'reset_after' })
  fault(app, { on: 'list', fault: 'lag', seconds: 60, times: 10_000 })
  expect(await finish(quiet, story)).toMatchObject({ status: 'completed', attempt: 1 })
  expect(costs(app)).toEqual(once)
})

test('a prediction that turns up after a new attempt has begun is recorded and canceled at the provider', async () => {
  fault(app, { on: 'outcome', fault: 'seconds', seconds: 3_000 }, denied)
  fault(app, { on: 'webhook', fault: 'delayed', seconds: 400, times: 1 })
  const story = await goWrong('app', { on: 'create', fault: 'reset_after' })
  await app.settle()
  clock.advance(1)
  const done = await pingUntil(app, story, isOver, { clock, within: 300 })
  expect(done).toMatchObject({ status: 'completed', attempt: 2 })
  clock.advance(600)
  await deliverWebhooks(app, clock)
  const [first] = app.simulator.replicate.till().predictions
  const row = await pingUntil(app, story, ({ due_at }) => due_at === null, { clock })
  expect(row.strays).toMatchObject([{ prediction_id: first?.id, step: 1, attempt: 1, over: true }])
  expect(row).toMatchObject({ status: 'completed', attempt: 2 })
  expect(costs(app)).toEqual({ sent: 2, created: 2, canceled: 1 })
})

test('a prediction that turns up after the task was given up is recorded and canceled at the provider', async () => {
  fault(app, { on: 'outcome', fault: 'seconds', seconds: 7_200 }, silent)
  fault(app, { on: 'webhook', fault: 'delayed', event: 'start', seconds: 3_800 })
  fault(app, { on: 'webhook', fault: 'lost', event: 'completed', times: 100 })
  const story = await goWrong('app', { on: 'create', fault: 'error_after' })
  clock.advance(2_000)
  await deliverWebhooks(app, clock)
  const given = await pingUntil(app, story, isOver, { clock, every: 200, within: 3_700 })
  expect(given).toMatchObject({ status: 'failed', error_code: 'submission_unconfirmed', strays: [] })
  clock.advance(3_800)
  await deliverWebhooks(app, clock)
  const row = await pingUntil(app, story, ({ due_at }) => due_at === null, { clock })
  const [late] = app.simulator.replicate.till().predictions
  expect(row).toMatchObject({ status: 'failed', strays: [{ prediction_id: late?.id, attempt: 1, over: true }] })
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('a search that cannot even be made, for an image is gone, still ends at the limit', async () => {
  const keep = { on: 'list', fault: 'empty', times: 10_000 } as const
  const image = `data:image/png;base64,${png(200).toString('base64')}`
  fault(app, { on: 'create', fault: 'reset_after' }, keep)
  const token = await app.signIn('ada')
  const body = { ...inputOf(), person_image: image }
  const answer = await quiet.call(start, { path: '/api/start', body, token })
  const { task_id: id } = (await answer.json()) as { task_id: string }
  await quiet.settle()
  await quiet.deps.files.remove(`inputs/${id}/1`)
  const row = await pingUntil(quiet, { id, token }, isOver, { clock, every: 300, within: 3_900 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'submission_unconfirmed' })
  expect(costs(app).sent).toBe(1)
})
