// No trigger is special: each of them alone brings a task to its end.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { checker } from '../../functions/checker.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { recover } from '../../functions/recover.ts'
import { status } from '../../functions/status.ts'
import { tick } from '../../functions/tick.ts'
import { worker } from '../../functions/worker.ts'
import { testClock } from '../setup/clock.ts'
import { holdTransaction } from '../setup/database.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTask } from '../setup/factory.ts'
import { begun, costs, inputOf, isOver, isWaiting, ping, pingUntil, press, rowOf, type Story, viewOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

/** A row that nothing has touched since start: as if its process had died right after the answer. */
async function abandoned(garments: number, auto_continue = true): Promise<Story> {
  const { person_image, garments: images } = inputOf(garments)
  const row = await insertTask(app.deps.db, {
    input: { person_image, garments: images.map((image) => ({ image, category: 'upper_body' })) },
    ...{ total_steps: garments, auto_continue, at: clock.now() },
  })
  return { id: row.id, token: await app.signIn(row.user_id) }
}

test.each(Object.entries({ worker, checker, recover, tick }))(
  'browser closed: pings of %s alone finish a task of three steps',
  async (_name, endpoint) => {
    const story = await abandoned(3)
    const row = await pingUntil(app, story, isOver, { clock, endpoint })
    expect(row).toMatchObject({ status: 'completed', current_step: 3, error_code: null })
    expect(row.steps.map(({ status: ended, attempt }) => [ended, attempt])).toEqual(Array(3).fill(['completed', 1]))
    expect(costs(app)).toEqual({ sent: 3, created: 3, canceled: 0 })
  },
)

test('pings stopped: status polls alone finish a task of three steps', async () => {
  const { id, token } = await abandoned(3)
  const seen: string[] = []
  for (let polls = 0; polls < 60 && seen.at(-1) !== 'completed'; polls += 1) {
    clock.advance(5)
    const answer = await app.call(status, { path: `/api/status?task_id=${id}`, token })
    seen.push((await viewOf(answer)).status)
    await app.settle()
  }
  expect(seen.at(-1)).toBe('completed')
  expect(costs(app)).toEqual({ sent: 3, created: 3, canceled: 0 })
})

test('start and continue submit without any ping, and status polls show each step done', async () => {
  const story = await begun(app, { garments: 2 })
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', current_step: 1 })
  clock.advance(5)
  await app.call(status, { path: `/api/status?task_id=${story.id}`, token: story.token })
  await app.settle()
  expect(await rowOf(app, story)).toMatchObject({ status: 'waiting_continue', current_step: 1 })
  await press(app, continueEndpoint, story, { step: 1 })
  await app.settle()
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', phase: 'running', current_step: 2 })
  expect(costs(app)).toEqual({ sent: 2, created: 2, canceled: 0 })
})

test('a manual gate stops pings until the person continues', async () => {
  const story = await abandoned(2, false)
  await pingUntil(app, story, isWaiting, { clock })
  for (let pings = 0; pings < 5; pings += 1) {
    clock.advance(3_600)
    await ping(app)
  }
  expect(await rowOf(app, story)).toMatchObject({ status: 'waiting_continue', current_step: 1 })
  expect(costs(app).sent).toBe(1)
})

test('a second container finishes what the first one began', async () => {
  const story = await begun(app, { garments: 2, auto_continue: true })
  clock.advance(5)
  // A second container, with its own connections, knows nothing of the first.
  const other = app.openInstance()
  const row = await pingUntil(other, story, isOver, { clock, endpoint: checker })
  expect(row.status).toBe('completed')
  expect(costs(app)).toEqual({ sent: 2, created: 2, canceled: 0 })
})

test('a pass whose row a rival has locked leaves it alone, and the next ping takes it', async () => {
  const story = await abandoned(1)
  const poll = { path: `/api/status?task_id=${story.id}`, token: story.token }
  await holdTransaction(app.database, async (rival) => {
    await sql`select from tasks where id = ${story.id} for update`.execute(rival)
    expect((await app.call(status, poll)).status).toBe(200)
    await app.settle()
  })
  expect(await rowOf(app, story)).toMatchObject({ status: 'pending', attempt: 0 })
  await ping(app)
  expect(await rowOf(app, story)).toMatchObject({ status: 'processing', attempt: 1 })
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})
