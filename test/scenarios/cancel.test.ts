// Cancel: it holds from every phase, reaches the provider however often that fails, and nothing that comes later revives the task.
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import { result } from '../../functions/result.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import {
  barrier,
  begin,
  begun,
  costs,
  fault,
  isCreate,
  isOver,
  isResting,
  isWaiting,
  ping,
  pingUntil,
  press,
  rowOf,
  viewOf,
} from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

/** Ways in which the first cancel call doesn't reach, or doesn't tell that it did. */
const failures: [string, FaultInput][] = [
  ['fails with a 503', { on: 'cancel', fault: 'error' }],
  ['is rate-limited', { on: 'cancel', fault: 'rate_limited' }],
  ['is reset', { on: 'cancel', fault: 'reset' }],
  ['is ignored', { on: 'cancel', fault: 'ignored' }],
  ['takes effect and answers 500', { on: 'cancel', fault: 'error_after' }],
  ['takes effect and is reset', { on: 'cancel', fault: 'reset_after' }],
  ['answers an unknown status', { on: 'cancel', fault: 'unknown_status' }],
]

const longRun: FaultInput = { on: 'outcome', fault: 'seconds', seconds: 600 }

test.each(failures)('cancel of a running step reaches the provider when the first call %s', async (_name, failure) => {
  fault(app, longRun, failure)
  const story = await begun(app, { garments: 2 })
  const answer = await press(app, cancel, story)
  expect(await viewOf(answer)).toMatchObject({ status: 'canceled', steps: [{ status: 'canceled' }] })
  await app.settle()
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', phase: null, strays: [{ step: 1, attempt: 1, over: true }] })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 1 })
})

test('cancel while the create is on its way cancels the prediction once its answer is there', async () => {
  fault(app, longRun, { on: 'cancel', fault: 'error' })
  const held = barrier('after', isCreate)
  const slow = app.openInstance({ http: held.http, isApart: true })
  const story = await begin(slow, { garments: 2 })
  await held.reached
  const view = await viewOf(await press(app, cancel, story))
  expect(view.status).toBe('canceled')
  await app.settle()
  expect(costs(app).canceled).toBe(0)
  held.open()
  await slow.settle()
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', phase: null, strays: [{ over: true }] })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 1 })
})

test('cancel while the create is on its way, which is then refused, leaves nothing to do', async () => {
  const held = barrier('before', isCreate)
  const slow = app.openInstance({ http: held.http, isApart: true })
  fault(app, { on: 'create', fault: 'rejected' })
  const story = await begin(slow)
  await held.reached
  await press(app, cancel, story)
  held.open()
  await slow.settle()
  expect(await rowOf(app, story)).toMatchObject({ status: 'canceled', phase: null, due_at: null, error_code: null })
})

test('cancel, and the process with the create on its way dies: the prediction is found and canceled', async () => {
  fault(app, longRun)
  const death = barrier('after', isCreate)
  const dying = app.openInstance({ http: death.http, isApart: true })
  const story = await begin(dying)
  await death.reached
  await press(app, cancel, story)
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', strays: [{ over: true }] })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 1 })
})

test('cancel of an unconfirmed submission cancels the prediction once it is found', async () => {
  fault(app, longRun, { on: 'create', fault: 'reset_after' }, { on: 'cancel', fault: 'reset' })
  const story = await begun(app)
  expect(await rowOf(app, story)).toMatchObject({ phase: 'unconfirmed' })
  await press(app, cancel, story)
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', phase: null, strays: [{ over: true }] })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 1 })
})

test.each(['reset_before', 'error_before'] as const)(
  'cancel of an unconfirmed submission that never was (%s) ends with the search',
  async (way) => {
    fault(app, { on: 'create', fault: way })
    const story = await begun(app)
    await press(app, cancel, story)
    const row = await pingUntil(app, story, isResting, { clock })
    expect(row).toMatchObject({ status: 'canceled', phase: null, strays: [] })
    expect(costs(app)).toEqual({ sent: 1, created: 0, canceled: 0 })
  },
)

test('cancel while the output is being copied keeps the task canceled, and has nothing to cancel', async () => {
  const held = barrier('before', (url) => url.includes('/files/'))
  const slow = app.openInstance({ http: held.http, isApart: true })
  const story = await begun(app)
  clock.advance(5)
  const pinging = ping(slow)
  await held.reached
  expect(await rowOf(app, story)).toMatchObject({ phase: 'storing' })
  await press(app, cancel, story)
  held.open()
  await pinging
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', result_url: null, strays: [] })
  expect(app.simulator.replicate.till().requests.cancel).toBe(0)
})

test('cancel of a paused, not yet submitted task never submits it', async () => {
  fault(app, { on: 'create', fault: 'rate_limited', retry_after: 60 })
  const story = await begun(app)
  expect(await rowOf(app, story)).toMatchObject({ status: 'pending' })
  await press(app, cancel, story)
  clock.advance(120)
  await ping(app)
  expect(await rowOf(app, story)).toMatchObject({ status: 'canceled', due_at: null })
  expect(costs(app)).toMatchObject({ sent: 1, created: 0 })
})

test('cancel at the gate keeps what was stored, and a second one answers 409', async () => {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  const view = await viewOf(await press(app, cancel, story))
  expect(view).toMatchObject({ status: 'canceled', current_step: 1 })
  expect((await app.call(result, { path: view.intermediate_result ?? '', token: story.token })).status).toBe(200)
  expect((await press(app, cancel, story)).status).toBe(409)
  expect(await rowOf(app, story)).toMatchObject({ due_at: null })
})

test('a completion that comes after cancel, from a provider that ignores cancels, does not revive the task', async () => {
  fault(app, { on: 'cancel', fault: 'ignored', times: 1_000 })
  const story = await begun(app, { garments: 2, auto_continue: true })
  await press(app, cancel, story)
  await app.settle()
  expect(await rowOf(app, story)).toMatchObject({ status: 'canceled', strays: [{ over: false }] })
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', current_step: 1, strays: [{ over: true }] })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})

test('cancel pressed while a checker has just seen the step done: one of them wins, whole', async () => {
  const held = barrier('after', (url, method) => method === 'GET' && /predictions\/\w+$/.test(url))
  const slow = app.openInstance({ http: held.http, isApart: true })
  const story = await begun(app)
  clock.advance(5)
  const pinging = ping(slow)
  await held.reached
  await press(app, cancel, story)
  await app.settle()
  held.open()
  await pinging
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', result_url: null })
  expect(isOver(row)).toBe(true)
})
