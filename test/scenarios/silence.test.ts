// Silence is not failure: what a provider doesn't say, says oddly, or says only once, ends nothing.
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { begun, costs, fault, isOver, isResting, ping, pingUntil, press, rowOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

const missing: FaultInput = { on: 'get', fault: 'not_found' }
const slow: FaultInput = { on: 'outcome', fault: 'seconds', seconds: 1_200 }

test('three 404s in a row, minutes apart, fail the task as lost, and it is not run again', async () => {
  fault(app, slow, { ...missing, times: 3 })
  const story = await begun(app)
  const began = clock.now().getTime()
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'failed', error_code: 'prediction_lost', attempt: 1 })
  expect(clock.now().getTime() - began).toBeGreaterThanOrEqual(120_000)
  expect(app.simulator.replicate.till().requests.get).toBe(3)
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('many pings between the 404s do not count more of them', async () => {
  fault(app, slow, { ...missing, times: 2 })
  const story = await begun(app)
  for (let seconds = 0; seconds < 59; seconds += 1) {
    clock.advance(1)
    await ping(app)
  }
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', misses: 1 })
})

test('404, an answer, 404, 404 are not three in a row', async () => {
  fault(app, slow, missing, { on: 'get', fault: 'unknown_status', word: 'processing' }, { ...missing, times: 2 })
  const story = await begun(app)
  await pingUntil(app, story, () => app.simulator.replicate.till().requests.get === 4, { clock })
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', misses: 2 })
  const row = await pingUntil(app, story, isOver, { clock, every: 30, within: 2_000 })
  expect(row).toMatchObject({ status: 'completed', misses: 0 })
})

test.each<[string, FaultInput]>([
  ['503', { on: 'get', fault: 'error', times: 30 }],
  ['500', { on: 'get', fault: 'error', status: 500, times: 30 }],
  ['429', { on: 'get', fault: 'rate_limited', times: 30 }],
  ['reset', { on: 'get', fault: 'reset', times: 30 }],
])('thirty answers of %s to checks change nothing but the next check, and are counted', async (_name, silence) => {
  fault(app, silence)
  const story = await begun(app)
  const before = await rowOf(app, story)
  const left = () => app.simulator.replicate.waitingFaults().length
  await pingUntil(app, story, () => left() === 0, { clock, every: 15 })
  const noted = {
    ...{ claim_id: expect.any(String), checked_at: expect.any(Date), unanswered: 30 },
    ...{ unanswered_since: expect.any(Date), unanswered_reason: expect.any(String) },
  }
  expect(await rowOf(app, story)).toEqual({ ...before, ...noted, due_at: expect.any(Date) })
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed' })
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('a status word that nobody knows is not finished, and is logged as a warning', async () => {
  fault(app, { on: 'get', fault: 'unknown_status', word: 'paused', times: 3 })
  const story = await begun(app)
  await pingUntil(app, story, () => app.simulator.replicate.till().requests.get === 3, { clock })
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running' })
  const warnings = JSON.stringify(app.logged.filter(({ level }) => level === 40))
  expect(warnings).toContain(JSON.stringify('unknown status "paused"').slice(1, -1))
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed' })
})

test('404s of a finished prediction whose output is being copied do not fail it', async () => {
  fault(app, { on: 'file', fault: 'error', times: 3 })
  const story = await begun(app)
  clock.advance(5)
  await ping(app)
  expect(await rowOf(app, story)).toMatchObject({ phase: 'storing' })
  fault(app, { ...missing, times: 100 })
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed' })
})

test.each([
  ['failed', 'provider_failed'],
  ['canceled', 'provider_canceled'],
  ['aborted', 'provider_canceled'],
] as const)('a prediction that is %s at the provider fails the task as %s', async (ending, code) => {
  fault(app, { on: 'outcome', fault: ending })
  const story = await begun(app, { garments: 2 })
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'failed', error_code: code, due_at: null, strays: [] })
  expect(row.steps).toMatchObject([{ status: 'failed', error_code: code }])
})

test('a prediction that is never over is canceled at the provider at its limit, and the task timed out', async () => {
  // The provider is asked to give up by itself at the limit, too; here it doesn't.
  fault(app, { on: 'get', fault: 'unknown_status', word: 'processing', times: 10_000 })
  const story = await begun(app)
  const row = await pingUntil(app, story, isOver, { clock, every: 60, within: 4_000 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'timed_out', strays: [{ attempt: 1 }] })
  const resting = await pingUntil(app, story, isResting, { clock })
  expect(resting.strays).toMatchObject([{ over: true }])
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('a provider that stays unreachable past the limit is waited for once more as long, then given up', async () => {
  fault(app, { on: 'get', fault: 'error', times: 100_000 })
  const story = await begun(app)
  const row = await pingUntil(app, story, isOver, { clock, every: 120, within: 8_000 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'timed_out' })
  expect(clock.now().getTime() - row.created_at.getTime()).toBeGreaterThanOrEqual(7_200_000)
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('a prediction that the provider never lets us cancel is tried ever more seldom, then given up with a word', async () => {
  fault(app, slow, { on: 'cancel', fault: 'error', times: 100_000 })
  const story = await begun(app)
  await press(app, cancel, story)
  await app.settle()
  const cancels = () => app.simulator.replicate.till().requests.cancel
  expect(cancels()).toBe(1)
  for (let seconds = 0; seconds < 600; seconds += 10) {
    clock.advance(10)
    await ping(app)
  }
  expect(cancels()).toBeLessThan(8)
  const row = await pingUntil(app, story, isResting, { clock, every: 1_800, within: 3 * 24 * 3_600 })
  expect(row).toMatchObject({ status: 'canceled', strays: [{ over: true, given_up: true }] })
  expect(clock.now().getTime() - row.created_at.getTime()).toBeGreaterThanOrEqual(2 * 24 * 3_600_000)
  expect(cancels()).toBeLessThan(70)
  const told = app.logged.filter(({ msg }) => String(msg).startsWith('a stray is given up'))
  expect(told).toMatchObject([
    { level: 50, task: story.id, prediction: row.strays[0]?.prediction_id, kind: 'unreachable' },
  ])
})

test('a search that the provider does not answer is logged with its words', async () => {
  fault(app, { on: 'create', fault: 'reset_after' }, { on: 'list', fault: 'error', times: 1 })
  const story = await begun(app)
  clock.advance(15)
  await ping(app)
  const told = app.logged.filter(({ msg }) => msg === 'the submission was not found')
  expect(told).toMatchObject([{ level: 40, task: story.id, reason: expect.stringContaining('503') }])
})

test('a stray whose provider is no longer configured keeps its task from nothing but rest', async () => {
  fault(app, slow)
  const story = await begun(app, { garments: 2 })
  const keyless = app.openInstance({ env: { REPLICATE_API_TOKEN: '' } })
  await press(keyless, cancel, story)
  await keyless.settle()
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'canceled', strays: [{ over: false, retry_at: expect.any(String) }] })
  expect(await pingUntil(app, story, isResting, { clock })).toMatchObject({ strays: [{ over: true }] })
})
