// GET /api/health with the cron secret: how things stand, from few statements, for whoever runs the deployment and nobody else.

import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Health } from '../../core/operator-answers.ts'
import { readHealth } from '../../engine/health.ts'
import { checker } from '../../functions/checker.ts'
import { health } from '../../functions/health.ts'
import { worker } from '../../functions/worker.ts'
import { StoreFault, StoreRefusal } from '../../storage/store.ts'
import { begun, fault, isOver, ping, pingUntil } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { cronSecret, useTestDeps } from '../setup/deps.ts'
import { insertTasks, later, states } from '../setup/factory.ts'

const clock = testClock()
const app = await useTestDeps({ clock, env: { REPLICATE_CONCURRENCY: '7' } })
const counter = statementCounter(app.database.url)

async function standing(): Promise<Health & { status: string }> {
  const answer = await app.call(health, { path: '/api/health', token: cronSecret })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Health & { status: string }
}

test('an empty deployment stands still, and says so', async () => {
  const { status, tasks, recipes, oldest_due_age_seconds, locks_held, last_problem, providers } = await standing()
  expect({ status, recipes, oldest_due_age_seconds, locks_held, last_problem }).toEqual({
    ...{ status: 'ok', recipes: {}, oldest_due_age_seconds: null, locks_held: 0, last_problem: null },
  })
  expect(Object.values(tasks)).toEqual([0, 0, 0, 0, 0, 0])
  expect(providers['replicate']).toEqual({
    ...{ in_flight: 0, cap: 7, paused_until: null, paused_for: null, silent: null },
    webhooks: { accepted_at: null, refused: 0, refused_at: null, last_reason: null },
  })
})

test('tasks are counted by status and by recipe, and predictions in flight by provider', async () => {
  const at = later(clock.now(), 3_600)
  const rows = Object.values(states).map((state) => ({ at, ...state }))
  await insertTasks(app.deps.db, [...rows, { at, recipe: 'avatar', provider: 'fal', phase: 'running' }])
  const { tasks, recipes, providers } = await standing()
  expect(tasks).toEqual({ pending: 2, processing: 5, waiting_continue: 1, completed: 1, failed: 1, canceled: 3 })
  expect(recipes['avatar']).toMatchObject({ pending: 0, processing: 1 })
  expect(providers).toMatchObject({ fal: { in_flight: 1 }, replicate: { in_flight: 5 } })
})

test('finished tasks of earlier days are history', async () => {
  const [old] = await insertTasks(app.deps.db, [{ ...states.completed, id: '01900000-0000-7000-8000-000000000001' }])
  const running = { ...states.running, id: '01900000-0000-7000-8000-000000000002' }
  await insertTasks(app.deps.db, [running])
  expect(old?.status).toBe('completed')
  expect((await standing()).tasks).toMatchObject({ completed: 0, processing: 1 })
})

test('what is overdue, locked and paused is told', async () => {
  await insertTasks(app.deps.db, [
    { at: later(clock.now(), -90), lock_key: 'memes ada' },
    { status: 'completed', lock_key: 'memes eve' },
  ])
  const until = later(clock.now(), 30)
  await sql`insert into providers values ('fal', ${until}, 'Slow down.', now()), ('gone', ${later(until, -31)}, 'x', now())`.execute(
    app.deps.db,
  )
  const { oldest_due_age_seconds, locks_held, providers } = await standing()
  expect([oldest_due_age_seconds, locks_held]).toEqual([90, 1])
  expect(Date.parse(providers['fal']?.paused_until ?? '')).toBe(until.getTime())
  expect(providers['fal']?.paused_for).toBe('Slow down.')
  expect(providers['gone']).toMatchObject({ paused_until: null, paused_for: null })
})

test('a provider that leaves checks without an answer is told, with the most in a row, since when and why', async () => {
  const since = later(clock.now(), -600)
  await insertTasks(app.deps.db, [
    { ...states.running, unanswered: 4, unanswered_since: since, unanswered_reason: 'no answer within 10 s' },
    { ...states.running, unanswered: 1, unanswered_since: later(since, 300), unanswered_reason: '503' },
    states.running,
    // Of an earlier attempt: nobody is asked about it now.
    { ...states.completed, unanswered: 9, unanswered_since: since, unanswered_reason: 'long ago' },
    { ...states.running, recipe: 'avatar', provider: 'fal' },
  ])
  const { providers } = await standing()
  expect(providers['replicate']?.silent).toEqual({
    ...{ tasks: 2, checks: 4, since: expect.any(String), reason: 'no answer within 10 s' },
  })
  expect(Date.parse(providers['replicate']?.silent?.since ?? '')).toBe(since.getTime())
  expect(providers['fal']?.silent).toBeNull()
})

test('the last problem is told with its task, its cause, its time and the memory at that moment, after a restart too', async () => {
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app)
  await pingUntil(app, story, isOver, { clock })
  const failedAt = clock.now()
  clock.advance(3_600)
  const restarted = app.openInstance()
  const answer = await restarted.call(health, { path: `/api/health?key=${cronSecret}` })
  const { last_problem } = (await answer.json()) as Health
  expect(last_problem).toMatchObject({ task_id: story.id, step: 1, attempt: 1, code: 'provider_failed', by: 'worker' })
  expect(Date.parse(last_problem?.at ?? '')).toBe(failedAt.getTime())
  expect(last_problem?.message).not.toBe('')
  expect(last_problem?.memory.rss_mb).toBeGreaterThan(10)
  expect(last_problem?.memory.heap_mb).toBeGreaterThan(1)
})

test('memory is told with what the process may take', async () => {
  const { memory } = await standing()
  expect(memory.rss_mb).toBeGreaterThan(memory.heap_mb)
  expect(memory.heap_limit_mb).toBeGreaterThan(memory.heap_mb)
  expect(memory.limit_mb).toBeGreaterThan(memory.rss_mb)
})

test('the dead-man field says when worker and checker last came, idle pings and other instances included', async () => {
  clock.advance(3_600)
  await ping(app, worker)
  const cameAt = clock.now().toISOString()
  clock.advance(120)
  const other = app.openInstance()
  await ping(other, checker)
  clock.advance(30)
  const { dead_man } = await standing()
  expect(dead_man).toMatchObject({
    worker: cameAt,
    checker: later(new Date(cameAt), 120).toISOString(),
    silent_seconds: 30,
  })
})

test('all of it takes one statement, whatever there is', async () => {
  await begun(app)
  await counter.reset()
  await standing()
  expect(await counter.count(), JSON.stringify(await counter.list())).toBe(1)
})

test('without the secret, or with a wrong one, it says no more than that all is well', async () => {
  for (const path of ['/api/health', '/api/health?key=', '/api/health?key=not-the-secret-at-all']) {
    const answer = await app.call(health, { path })
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }])
  }
  const unset = app.openInstance({ env: { CRON_SECRET: undefined } })
  expect(await (await unset.call(health, { path: '/api/health', token: '' })).json()).toEqual({ status: 'ok' })
})

const atOnce = () => Promise.resolve()
const refuses = () => Promise.reject(new StoreRefusal('The blob store refuses our credentials (401)'))
const fails = () => Promise.reject(new StoreFault('The blob store answered 500'))
const hangs = () => new Promise<undefined>(() => undefined)

test.each([
  ['ok', 'answers', async () => undefined, undefined],
  ['refused', 'refuses our credentials', refuses, undefined],
  ['silent', 'fails', fails, undefined],
  ['silent', 'hangs', hangs, atOnce],
])('health says %s of a blob store that %s, and tells all else', async (store, _, last, wait) => {
  const { deps } = app.openInstance({ wait })
  const told = await readHealth({ ...deps, instants: { ...deps.instants, last } })
  expect(told).toMatchObject({ store, locks_held: 0, dead_man: { worker: null, silent_seconds: null } })
})
