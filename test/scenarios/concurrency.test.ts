// Many at once: one click is one task, one task is one prediction a step, whoever else is at it.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import { checker } from '../../functions/checker.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { redo } from '../../functions/redo.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { worker } from '../../functions/worker.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, useTestDeps } from '../setup/deps.ts'
import { insertTasks } from '../setup/factory.ts'
import { begun, costs, inputOf, isResting, isWaiting, ping, pingUntil, press, rowOf, viewOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const other = app.openInstance()
const both = [app, other]

const times = <T>(count: number, work: (instance: typeof other, index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(both[index % 2] ?? app, index)))

const statusesOf = (answers: Response[]) => answers.map((answer) => answer.status).sort()

/**
 * The pass of the click that won passes over the row when a losing click has it locked at that moment; then it takes a
 * ping to go on. What is promised here is the number of predictions, not which trigger sends them.
 */
async function settleClicks(): Promise<void> {
  await app.settle()
  await ping(app)
}

/** How many creates each step of each task has cost. */
function costsByGarment(): number[] {
  const counts = new Map<unknown, number>()
  for (const { input } of app.simulator.replicate.till().predictions)
    for (const garment of input['garment_images'] as string[]) counts.set(garment, (counts.get(garment) ?? 0) + 1)
  return [...counts.values()]
}

test('20 concurrent starts with one Idempotency-Key make one task and one prediction', async () => {
  const token = await app.signIn('ada')
  const request = { path: '/api/start', body: inputOf(), token, headers: { 'idempotency-key': 'one-click' } }
  const answers = await times(20, (instance) => instance.call(start, request))
  await settleClicks()
  expect(statusesOf(answers)).toEqual([...Array(19).fill(200), 202])
  const tasks = await Promise.all(answers.map(async (answer) => (await viewOf(answer)).task_id))
  expect(new Set(tasks).size).toBe(1)
  const { rows } = await sql`select id from tasks`.execute(app.deps.db)
  expect(rows).toHaveLength(1)
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('20 concurrent continues make one prediction', async () => {
  const story = await begun(app, { garments: 3 })
  await pingUntil(app, story, isWaiting, { clock })
  const answers = await times(20, (instance) => press(instance, continueEndpoint, story, { step: 1 }))
  await settleClicks()
  expect(statusesOf(answers)).toEqual([...Array(19).fill(200), 202])
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', current_step: 2, attempt: 1 })
  expect(costs(app)).toMatchObject({ sent: 2, created: 2 })
})

test('20 concurrent continues that name no step move the task once', async () => {
  const story = await begun(app, { garments: 3 })
  await pingUntil(app, story, isWaiting, { clock })
  const answers = await times(20, (instance) => press(instance, continueEndpoint, story))
  await settleClicks()
  expect(statusesOf(answers)).toEqual([202, ...Array(19).fill(409)])
  expect(costs(app)).toMatchObject({ sent: 2, created: 2 })
})

test('20 concurrent redos make one prediction', async () => {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  const answers = await times(20, (instance) => press(instance, redo, story, { step: 1 }))
  await settleClicks()
  expect(statusesOf(answers)).toEqual([...Array(19).fill(200), 202])
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', current_step: 1, attempt: 2 })
  expect(costs(app)).toMatchObject({ sent: 2, created: 2 })
})

test('30 concurrent pings over 60 tasks make exactly one prediction a step', async () => {
  await insertTasks(
    app.deps.db,
    Array.from({ length: 60 }, (_, index) => {
      const { person_image, garments } = inputOf(2, `user-${index}`)
      const input = { person_image, garments: garments.map((image) => ({ image, category: 'upper_body' })) }
      return { input, user_id: `user-${index % 7}`, total_steps: 2, auto_continue: true, at: clock.now() }
    }),
  )
  const unfinished = async () =>
    (await sql<{ id: string }>`select id from tasks where status <> 'completed'`.execute(app.deps.db)).rows.length
  for (let rounds = 0; rounds < 20 && (await unfinished()) > 0; rounds += 1) {
    const endpoint = rounds % 2 === 0 ? worker : checker
    await times(30, (instance) => instance.call(endpoint, { path: '/api/ping', token: cronSecret }))
    await app.settle()
    clock.advance(5)
  }
  expect(await unfinished()).toBe(0)
  expect(costsByGarment()).toEqual(Array(120).fill(1))
  expect(costs(app)).toEqual({ sent: 120, created: 120, canceled: 0 })
})

test('everything at once on one task: polls, pings, clicks and a cancel settle as one of them', async () => {
  const story = await begun(app, { garments: 3 })
  clock.advance(5)
  const { id, token } = story
  await times(40, async (instance, index) => {
    if (index % 4 === 0) return instance.call(status, { path: `/api/status?task_id=${id}`, token })
    if (index % 4 === 1) return instance.call(worker, { path: '/api/worker', token: cronSecret })
    if (index % 4 === 2) return press(instance, continueEndpoint, story, { step: 1 })
    return index > 30 ? press(instance, cancel, story) : instance.call(checker, { path: '/api', token: cronSecret })
  })
  await app.settle()
  const row = await pingUntil(app, story, isResting, { clock })
  expect(row).toMatchObject({ status: 'canceled', phase: null })
  expect(row.strays.every(({ over }) => over)).toBe(true)
  for (const cost of costsByGarment()) expect(cost).toBe(1)
  const view = await viewOf(await app.call(status, { path: `/api/status?task_id=${id}`, token }))
  expect(view.steps.every((step) => step.status !== 'processing')).toBe(true)
})
