// Back-pressure and closing gates: what pauses everybody, for how long, and that all goes on by itself.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { continueEndpoint } from '../../functions/continue.ts'
import { recover } from '../../functions/recover.ts'
import { redo } from '../../functions/redo.ts'
import { result } from '../../functions/result.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { begun, costs, fault, isOver, isWaiting, ping, pingUntil, press, rowOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const other = app.openInstance()

test.each<[string, FaultInput, number]>([
  ['429 with its delay in the body', { on: 'create', fault: 'rate_limited', retry_after: 75 }, 75],
  ['429 with its delay in the header', { on: 'create', fault: 'rate_limited', retry_after: 75, header: true }, 75],
  ['402', { on: 'create', fault: 'no_credit' }, 300],
])('%s pauses submissions of two instances, spends no attempt, and ends by itself', async (_name, refusal, seconds) => {
  fault(app, refusal)
  const first = await begun(app, { user: 'ada' })
  expect(await rowOf(app, first)).toMatchObject({ status: 'pending', attempt: 0, phase: null, error_code: null })
  const second = await begun(other, { user: 'eve' })
  clock.advance(seconds - 2)
  for (const instance of [app, other, app, other]) await ping(instance)
  expect(costs(app)).toMatchObject({ sent: 1, created: 0 })
  clock.advance(3)
  await ping(other)
  for (const story of [first, second]) {
    expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', attempt: 1 })
  }
  expect(costs(app)).toMatchObject({ sent: 3, created: 2 })
})

test('a pause of one provider keeps running predictions from nothing: they are looked at and stored', async () => {
  const running = await begun(app, { user: 'ada' })
  fault(app, { on: 'create', fault: 'rate_limited', retry_after: 600 })
  const paused = await begun(app, { user: 'eve' })
  clock.advance(5)
  await ping(other)
  expect(await rowOf(app, running)).toMatchObject({ status: 'completed' })
  expect(await rowOf(app, paused)).toMatchObject({ status: 'pending' })
})

test('a real rate limit is kept to: forty tasks get through at ten a minute, each paid once', async () => {
  app.simulator.replicate.set({ rate_limit_per_minute: 10 })
  for (let index = 0; index < 40; index += 1) await begun(index % 2 ? app : other, { user: `user-${index}` })
  const unfinished = async () => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from tasks where status <> 'completed'`.execute(
      app.deps.db,
    )
    return rows[0]?.n
  }
  for (let seconds = 0; seconds < 1_200 && (await unfinished()) !== 0; seconds += 10) {
    clock.advance(10)
    await Promise.all([ping(app), ping(other)])
  }
  expect(await unfinished()).toBe(0)
  const garments = app.simulator.replicate.till().predictions.map(({ input }) => String(input['garment_images']))
  expect(new Set(garments).size).toBe(40)
  expect(costs(app).created).toBe(40)
})

test('a rejected request fails the task with the provider’s words, and a redo sends it again', async () => {
  fault(app, { on: 'create', fault: 'rejected' })
  const story = await begun(app)
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'failed', error_code: 'provider_rejected', due_at: null })
  expect(row.error_message).toContain('the model refused this input')
  await press(app, redo, story)
  await app.settle()
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed', attempt: 2 })
  expect(costs(app)).toMatchObject({ sent: 2, created: 1 })
})

test('a provider that refuses connections has been sent nothing: the task waits and goes on', async () => {
  const refusing = app.openInstance({ env: { REPLICATE_BASE_URL: 'http://127.0.0.1:9/v1' } })
  const story = await begun(refusing)
  expect(await rowOf(app, story)).toMatchObject({ status: 'pending', attempt: 0 })
  expect(costs(app).sent).toBe(0)
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed', attempt: 1 })
  expect(costs(app).sent).toBe(1)
})

test('a gate that nobody answers closes after its week; what was stored stays', async () => {
  const story = await begun(app, { garments: 2 })
  const waiting = await pingUntil(app, story, isWaiting, { clock })
  clock.advance(7 * 24 * 3_600 - 60)
  await ping(app, recover)
  expect(await rowOf(app, story)).toMatchObject({ status: 'waiting_continue' })
  clock.advance(61)
  await ping(app, recover)
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'canceled', error_code: 'gate_expired', due_at: null })
  expect(row.finished_at).toEqual(clock.now())
  const token = await app.signIn('ada')
  expect((await app.call(result, { path: waiting.intermediate_result ?? '', token })).status).toBe(200)
  expect((await press(app, continueEndpoint, { ...story, token }, { step: 2 })).status).toBe(409)
  expect(costs(app).sent).toBe(1)
})

test('a gate that closes is found by an ordinary ping, though all slept until then', async () => {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  clock.advance(120)
  await ping(app)
  const { db } = app.deps
  clock.advance(60)
  expect(await ping(app)).toMatchObject({ idle: true })
  clock.advance(7 * 24 * 3_600)
  await ping(other)
  const { rows } = await sql<{ status: string }>`select status from tasks where id = ${story.id}`.execute(db)
  expect(rows).toEqual([{ status: 'canceled' }])
})
