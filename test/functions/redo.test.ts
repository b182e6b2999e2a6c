// POST /api/redo delivered again, by stale pages, and beyond what one person may pay for.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import { redo } from '../../functions/redo.ts'
import { start } from '../../functions/start.ts'
import {
  begin,
  begun,
  costs,
  fault,
  inputOf,
  isOver,
  isWaiting,
  pingUntil,
  press,
  rowOf,
  viewOf,
} from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTask } from '../setup/factory.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const strict = app.openInstance({ env: { MAX_ATTEMPTS_PER_STEP: '2' } })
const metered = app.openInstance({ env: { DAILY_TASKS_PER_USER: '2' } })

async function waiting(garments = 2, instance: Parameters<typeof begun>[0] = app) {
  const story = await begun(instance, { garments })
  await pingUntil(app, story, isWaiting, { clock })
  return story
}

test('a redo that is delivered again after it has ended pays nothing: it names the attempt that was seen', async () => {
  const story = await waiting()
  expect((await press(app, redo, story, { step: 1, attempt: 1 })).status).toBe(202)
  const underWay = await press(app, redo, story, { step: 1, attempt: 1 })
  expect(underWay.status).toBe(200)
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  for (const seen of [{ step: 1, attempt: 1 }, { attempt: 1 }]) {
    const again = await press(app, redo, story, seen)
    expect([again.status, await viewOf(again)]).toMatchObject([200, { status: 'waiting_continue', current_step: 1 }])
  }
  await app.settle()
  expect(costs(app).sent).toBe(2)
  expect((await press(app, redo, story, { step: 1, attempt: 2 })).status).toBe(202)
  await app.settle()
})

test('of redos of one attempt at the same moment, one is paid', async () => {
  const story = await waiting()
  const others = Array.from({ length: 8 }, () => app.openInstance())
  const answers = await Promise.all(others.map((one) => press(one, redo, story, { attempt: 1 })))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(7).fill(200), 202])
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  expect(costs(app).sent).toBe(2)
})

test('a redo of a failed attempt that is delivered again after the next one failed pays nothing', async () => {
  fault(app, { on: 'outcome', fault: 'failed' }, { on: 'outcome', fault: 'failed' })
  const story = await begun(app)
  await pingUntil(app, story, isOver, { clock })
  await press(app, redo, story, { step: 1, attempt: 1 })
  await app.settle()
  await pingUntil(app, story, isOver, { clock })
  const again = await press(app, redo, story, { step: 1, attempt: 1 })
  expect([again.status, await viewOf(again)]).toMatchObject([200, { status: 'failed' }])
  expect(costs(app).sent).toBe(2)
})

test('a stale redo of a task that has gone on, or ended, answers 200; one of an attempt that is yet to come 409', async () => {
  const story = await waiting()
  await sql`update tasks set status = 'completed', current_step = 2, attempt = 1, finished_at = updated_at, result_url = 'x', deadline_at = null, due_at = null
    where id = ${story.id}`.execute(app.deps.db)
  expect((await press(app, redo, story, { step: 1, attempt: 1 })).status).toBe(200)
  const over = await press(app, redo, story, { step: 2, attempt: 1 })
  expect([over.status, await over.json()]).toMatchObject([409, { code: 'already_finished' }])
  const other = await waiting()
  const early = await press(app, redo, other, { step: 1, attempt: 2 })
  expect([early.status, await early.json()]).toMatchObject([
    409,
    { code: 'not_waiting', errors: [{ path: 'attempt', message: expect.stringMatching(/at step 1, attempt 1/) }] },
  ])
  expect((await rowOf(app, other)).status).toBe('waiting_continue')
})

test.each([{ step: 1 }, { step: 1, attempt: 2 }, {}])(
  'a step is attempted no more often than allowed: %j',
  async (seen) => {
    const story = await waiting()
    expect((await press(strict, redo, story, { step: 1, attempt: 1 })).status).toBe(202)
    await strict.settle()
    await pingUntil(app, story, isWaiting, { clock })
    const refused = await press(strict, redo, story, seen)
    expect([refused.status, await refused.json()]).toMatchObject([
      409,
      { code: 'attempts_exceeded', detail: expect.stringMatching(/2 attempts/) },
    ])
    expect(costs(app).sent).toBe(2)
    expect((await rowOf(app, story)).status).toBe('waiting_continue')
  },
)

test('a redo counts as a task of the day, and one that changes nothing does not', async () => {
  const story = await waiting(2, metered)
  expect((await press(metered, redo, story, { step: 1, attempt: 1 })).status).toBe(202)
  expect((await press(metered, redo, story, { step: 1, attempt: 1 })).status).toBe(200)
  await metered.settle()
  await pingUntil(app, story, isWaiting, { clock })
  const refused = await press(metered, redo, story, { step: 1, attempt: 2 })
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'quota_exceeded' }])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  const next = await metered.call(start, { path: '/api/start', body: inputOf(), token: story.token })
  expect(next.status).toBe(429)
  expect(costs(app).sent).toBe(2)
})

test('redos of several tasks at the same moment never pass the day’s quota', async () => {
  const stories = [await waiting(), await waiting(), await waiting(), await waiting()]
  const answers = await Promise.all(stories.map((story) => press(metered, redo, story, { attempt: 1 })))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 202, 429, 429])
})

test('a failed task that ran without its lock after a sign-in takes it with a redo, where no other task has it', async () => {
  const token = await app.signIn('ada')
  const memes = { recipe: 'memes', input: { prompts: ['a cat'] }, total_steps: 1 }
  const { id } = await insertTask(app.deps.db, { ...memes, status: 'failed', current_step: 1, at: clock.now() })
  const rival = await begin(app, { body: { recipe: 'memes', prompts: ['a dog'] } })
  const refused = await press(app, redo, { id, token }, { step: 1, attempt: 1 })
  expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'already_running', task_id: rival.id }])
  await press(app, cancel, rival)
  expect((await press(app, redo, { id, token }, { step: 1, attempt: 1 })).status).toBe(202)
  await app.settle()
  expect(await rowOf(app, { id })).toMatchObject({ status: 'processing', lock_key: 'memes ada' })
})
