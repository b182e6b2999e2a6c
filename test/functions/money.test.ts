// Money as a person meets it: what is left, what a task costs, and refusals before anything is stored or sent.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Usage } from '../../core/answers.ts'
import { switchSpending } from '../../db/statements/pauses.ts'
import { cancel } from '../../functions/cancel.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { health } from '../../functions/health.ts'
import { redo } from '../../functions/redo.ts'
import { session } from '../../functions/session.ts'
import { start } from '../../functions/start.ts'
import { usage } from '../../functions/usage.ts'
import { begun, costs, fault, inputOf, isOver, isWaiting, pingUntil, press, rowOf, viewOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, type Instance, useTestDeps } from '../setup/deps.ts'
import { png } from '../storage/setup.ts'

const clock = testClock()
const step = 35_000
const midnight = '2026-03-02T00:00:00.000Z'
/** A recipe whose costs are what the provider measures. */
const recipe = 'try-on-idm'
const defaults = { BUDGET_PER_DAY: undefined, BUDGET_PER_USER_PER_DAY: undefined, ENABLE_NONCOMMERCIAL: '1' }
const app = await useTestDeps({ clock, env: { ...defaults, ALERT_URL: 'http://127.0.0.1:9/alert' } })
/** Three steps are left for a user, five for all. */
const tight = app.openInstance({ env: { ...defaults, BUDGET_PER_DAY: '0.18', BUDGET_PER_USER_PER_DAY: '0.11' } })

const begin = (instance: Instance, token: string, garments: number, body: object = {}) =>
  instance.call(start, { path: '/api/start', body: { recipe, ...inputOf(garments), ...body }, token })

async function usageOf(instance: Instance, user: string): Promise<Usage> {
  const answer = await instance.call(usage, { path: '/api/usage', token: await instance.signIn(user) })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Usage
}

test('a user without a task has all that the defaults allow', async () => {
  const { day, month, spending } = await usageOf(app, 'ada')
  expect(day).toEqual({
    ...{ spent_micros: 0, reserved_micros: 0, limit_micros: 2_000_000, left_micros: 2_000_000, resets_at: midnight },
  })
  expect([month, spending]).toEqual([{ spent_micros: 0 }, 'allowed'])
})

test('limits that are off are null', async () => {
  const free = app.openInstance({ env: { BUDGET_PER_DAY: 'off', BUDGET_PER_USER_PER_DAY: 'off' } })
  expect((await usageOf(free, 'ada')).day).toMatchObject({ limit_micros: null, left_micros: null })
})

test('what a task costs is estimated, then settled by what the provider measured', async () => {
  const story = await begun(app, { body: { recipe, ...inputOf(2) } })
  expect((await usageOf(app, 'ada')).day).toMatchObject({ spent_micros: 0, reserved_micros: 2 * step })
  await pingUntil(app, story, isWaiting, { clock })
  const row = await rowOf(app, story)
  expect(row.settled_micros).toBeGreaterThan(0)
  expect(row.settled_micros).toBeLessThan(step)
  const view = await viewOf(await press(app, continueEndpoint, story))
  expect(view.cost).toEqual({
    ...{ estimated_micros: 2 * step, steps_micros: [step, step] },
    settled_micros: row.settled_micros,
  })
  expect(view.steps[0]?.attempts[0]?.cost_micros).toBe(row.settled_micros)
  const { day, month } = await usageOf(app, 'ada')
  expect(day).toMatchObject({ spent_micros: row.settled_micros, reserved_micros: step })
  expect(day.left_micros).toBe(2_000_000 - row.settled_micros - step)
  expect(month.spent_micros).toBe(row.settled_micros)
})

test('a task that was canceled while it ran has cost what the provider measured until then', async () => {
  const story = await begun(app, { body: { recipe, ...inputOf(2) } })
  clock.advance(2)
  await press(app, cancel, story)
  await app.settle()
  const { status, strays, settled_micros, steps } = await rowOf(app, story)
  expect([status, strays.map(({ over }) => over), steps[0]?.cost_micros]).toEqual(['canceled', [true], settled_micros])
  expect(settled_micros).toBeGreaterThan(0)
  expect(settled_micros).toBeLessThan(step)
  expect((await usageOf(app, 'ada')).day).toMatchObject({ spent_micros: settled_micros, reserved_micros: 0 })
})

test('a start that would cost more than is left is refused before anything is stored or sent', async () => {
  const token = await tight.signIn('ada')
  // What the test before has begun comes to its end first.
  await app.settle()
  const before = costs(app)
  const picture = `data:image/png;base64,${png(200).toString('base64')}`
  const refused = await begin(tight, token, 4, { person_image: picture })
  await tight.settle()
  const seconds = (Date.parse(midnight) - clock.now().getTime()) / 1000
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, String(seconds)])
  const told = { code: 'budget_exceeded', asked_micros: 4 * step, left_micros: 110_000, resets_at: midnight }
  expect(await refused.json()).toMatchObject({ ...told, detail: expect.stringContaining('$0.14') })
  expect((await sql`select from tasks`.execute(app.deps.db)).rows).toEqual([])
  expect((await app.blobs.openStore('files').list({ prefix: 'inputs/' })).blobs).toEqual([])
  expect(costs(app)).toEqual(before)
  expect((await begin(tight, token, 3)).status).toBe(202)
  const other = await begin(tight, await tight.signIn('eve'), 3)
  expect([other.status, await other.json()]).toMatchObject([429, { asked_micros: 3 * step, left_micros: 75_000 }])
})

test('a redo is counted, and refused where it would cost more than is left', async () => {
  const story = await begun(tight, { body: { recipe, ...inputOf(2) } })
  await pingUntil(tight, story, isWaiting, { clock })
  expect((await press(tight, redo, story)).status).toBe(202)
  await tight.settle()
  await pingUntil(tight, story, isWaiting, { clock })
  await sql`update spending set spent_micros = ceiling_micros where scope = 'user:ada'`.execute(app.deps.db)
  const refused = await press(tight, redo, story)
  expect([refused.status, await refused.json()]).toMatchObject([
    429,
    { code: 'budget_exceeded', asked_micros: 2 * step, left_micros: 0 },
  ])
  expect(await rowOf(tight, story)).toMatchObject({ status: 'waiting_continue', attempt: 2 })
})

test('one visitor with as many sessions as they like costs a deployment of defaults no more than its day', async () => {
  const answers: number[] = []
  for (let visit = 0; visit < 12; visit += 1) {
    const opened = await app.call(session, { path: '/api/session', method: 'POST' })
    const { token } = (await opened.json()) as { token: string }
    for (let task = 0; task < 6; task += 1) answers.push((await begin(app, token, 10)).status)
    await app.settle()
  }
  const { rows } = await sql<{ spent: number }>`select spent_micros as spent from spending where scope = 'all'`.execute(
    app.deps.db,
  )
  expect(rows[0]?.spent).toBe(28 * 10 * step)
  expect(answers.filter((status) => status === 202)).toHaveLength(28)
  expect(new Set(answers)).toEqual(new Set([202, 429]))
})

test('while spending is stopped, start and redo are refused, a repeated start is not, and what runs is finished', async () => {
  const headers = { 'idempotency-key': 'once' }
  const story = await begun(app, { body: { recipe, ...inputOf() }, headers })
  await switchSpending(app.deps.db, { isStopped: true, by: 'operator', now: clock.now() })
  const refused = await begin(app, story.token, 1)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '600'])
  expect(await refused.json()).toMatchObject({ code: 'spending_stopped' })
  const again = await app.call(start, {
    path: '/api/start',
    body: { recipe, ...inputOf(1) },
    token: story.token,
    headers,
  })
  expect(again.status).toBe(200)
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed' })
  expect((await usageOf(app, 'ada')).spending).toBe('stopped')
  const standing = await app.call(health, { path: '/api/health', token: cronSecret })
  expect(await standing.json()).toMatchObject({ spending: 'stopped', money: { limit_micros: 10_000_000 } })
  await switchSpending(app.deps.db, { isStopped: false, by: 'operator', now: clock.now() })
  fault(app, { on: 'outcome', fault: 'failed' })
  const failed = await begun(app, { body: { recipe, ...inputOf() } })
  await pingUntil(app, failed, isOver, { clock })
  await switchSpending(app.deps.db, { isStopped: true, by: 'operator', now: clock.now() })
  const redone = await press(app, redo, failed)
  expect([redone.status, await redone.json()]).toMatchObject([503, { code: 'spending_stopped' }])
})
