// What was asked for of trainings that were given up too early: fal's word before our row's, half a minute before the first look, three
// confirmations before giving up. Each accident that was reported is a test under its name.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { begun, isOver, isResting, ping, pingUntil, rowOf, type Story } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, env: { PUBLIC_URL: 'https://stepgate.test' } })
const { fal } = app.simulator
const minute = 60
const hour = 60 * minute

beforeEach(() => {
  fal.reset()
  fal.set({ webhooks: false, weights_bytes: 20_000, seconds_per_training: 25 * minute })
})

const body = { recipe: 'avatar', training_type: 'portrait', images_url: 'https://images.test/photos.zip' }

async function train(...faults: FaultInput[]): Promise<Story> {
  fal.addFaults(faults)
  return begun(app, { body })
}

const looks = () => fal.till().requests.status

/** Pings every `every` seconds, and tells after how many seconds there was a look. */
async function looksWithin(seconds: number, every: number): Promise<number[]> {
  const seen: number[] = []
  for (let passed = every; passed <= seconds; passed += every) {
    const before = looks()
    clock.advance(every)
    await ping(app)
    if (looks() > before) seen.push(passed)
  }
  return seen
}

test('delay: half a minute before the first look, then one a minute', async () => {
  await train()
  expect(await looksWithin(5 * minute, 5)).toEqual([30, 90, 150, 210, 270])
})

test('after an hour, looks come hourly, and at 24 hours there is a last one', async () => {
  const story = await train({ on: 'outcome', fault: 'seconds', seconds: 90 * hour })
  const first = await looksWithin(hour, minute)
  expect(first).toHaveLength(60)
  const later = await looksWithin(23 * hour, 30 * minute)
  const last = later.pop()
  const gaps = later.slice(1).map((at, index) => at - (later[index] ?? 0))
  expect(gaps).toEqual(Array(22).fill(hour))
  expect(last).toBe(23 * hour)
  await pingUntil(app, story, isResting, { clock })
  expect(await rowOf(app, story)).toMatchObject({ status: 'failed', error_code: 'timed_out' })
  expect(fal.till().predictions).toMatchObject([{ canceled: true }])
})

test('row changed by another process while training goes on: what contradicts fal is refused by the table itself', async () => {
  const story = await train()
  for (const status of ['completed', 'failed', 'canceled', 'pending', 'waiting_continue']) {
    const change = sql`update tasks set status = ${status} where id = ${story.id}`.execute(app.deps.db)
    await expect(change).rejects.toMatchObject({ name: 'DatabaseError', code: '23514' })
  }
})

test('row changed by another process while training goes on: it is watched on until fal says that it is over', async () => {
  const story = await train()
  clock.advance(2 * minute)
  await ping(app)
  await sql`update tasks set updated_at = now(), misses = 2, submitted_at = submitted_at - interval '2 hours',
    error_code = 'timed_out', error_message = 'given up by somebody else' where id = ${story.id}`.execute(app.deps.db)
  clock.advance(2 * minute)
  await ping(app)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', misses: 0 })
  const row = await pingUntil(app, story, isOver, { clock, every: minute, within: 2 * hour })
  expect(row).toMatchObject({ status: 'completed', attempt: 1 })
  expect(fal.till()).toMatchObject({ create_requests: 1, paid: 1 })
})

test.each<[string, FaultInput]>([
  ['answers 503', { on: 'get', fault: 'error', times: 20 }],
  ['breaks the connection', { on: 'get', fault: 'reset', times: 20 }],
  ['asks to wait', { on: 'get', fault: 'rate_limited', times: 20 }],
  ['says something unknown', { on: 'get', fault: 'unknown_status', times: 20 }],
  ['gives the result only later', { on: 'result', fault: 'error', times: 20 }],
])('no answer from the provider, which %s: silence is not failure', async (_name, silence) => {
  const story = await train(silence)
  for (let passed = 0; passed < 20; passed += 1) {
    clock.advance(minute)
    await ping(app)
    expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running' })
  }
  const row = await pingUntil(app, story, isOver, { clock, every: minute, within: 2 * hour })
  expect(row).toMatchObject({ status: 'completed', attempt: 1 })
})

test('status undefined in the first seconds: two 404s are not believed', async () => {
  const story = await train({ on: 'get', fault: 'not_found', times: 2 })
  await looksWithin(2 * minute, 10)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', misses: expect.any(Number) })
  const row = await pingUntil(app, story, isOver, { clock, every: minute, within: 2 * hour })
  expect(row).toMatchObject({ status: 'completed' })
})

test('three checks: only the third 404 in a row, minutes after the first, gives a training up', async () => {
  const story = await train({ on: 'get', fault: 'not_found', times: 3 })
  const row = await pingUntil(app, story, isOver, { clock, every: 10 })
  expect(row).toMatchObject({ status: 'failed', error_code: 'prediction_lost' })
  expect(looks()).toBe(3)
  const seconds = (clock.now().getTime() - row.created_at.getTime()) / 1000
  expect(seconds).toBeGreaterThanOrEqual(150)
})

test('an answer between two 404s starts the count again', async () => {
  const twice: FaultInput = { on: 'get', fault: 'not_found', times: 2 }
  const story = await train(twice, { on: 'get', fault: 'unknown_status', word: 'IN_PROGRESS' }, twice)
  const row = await pingUntil(app, story, isOver, { clock, every: 30, within: 2 * hour })
  expect(row).toMatchObject({ status: 'completed' })
})

test.each<[string, FaultInput]>([
  ['says so in its status', { on: 'outcome', fault: 'failed' }],
  ['says so in its result alone', { on: 'outcome', fault: 'result_only', status: 422 }],
])(
  'priority of the provider: a training that fal calls completed though it failed (it %s) is failed',
  async (_name, outcome) => {
    const story = await train(outcome)
    const row = await pingUntil(app, story, isOver, { clock, every: minute, within: 2 * hour })
    expect(row).toMatchObject({ status: 'failed', error_code: 'provider_failed' })
    clock.advance(48 * hour)
    await ping(app)
    expect(fal.till().create_requests).toBe(1)
  },
)
