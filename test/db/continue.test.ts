// continueTask() with leave to claim: the click itself begins the next attempt, or leaves it to a pass where it may not.
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Db } from '../../db/statements/sql.ts'
import { type Continue, continueTask } from '../../db/statements/user-moves.ts'
import { untilBlocked } from '../setup/database.ts'
import { later, type Row } from '../setup/factory.ts'
import { claim, each, insertState, noon, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const now = later(noon, 5)
const claims = [{ recipe: 'try-on', provider: 'replicate', limitSeconds: 600 }]

const press = (db: Db, { id, user_id }: Row, more: Partial<Continue> = {}) =>
  continueTask(db, { id, user_id, now, claims, submitLeaseSeconds: 90, ...more })

const begun = {
  ...{ status: 'processing', phase: 'submitting', current_step: 2, next_step: null, attempt: 1, misses: 0 },
  ...{ checked_at: null, unanswered: 0, unanswered_since: null, unanswered_reason: null },
  ...{ submitted_at: now, updated_at: now, due_at: later(now, 90), deadline_at: later(now, 600) },
} as const
const queued = {
  status: 'pending',
  phase: null,
  current_step: 1,
  next_step: 2,
  due_at: now,
  claim_token: null,
} as const

each('%s: continueTask() begins the next attempt, with a claim of its own', async (driver) => {
  const db = over(driver)
  const silent = { checked_at: noon, unanswered: 3, unanswered_since: noon, unanswered_reason: 'no answer' }
  const task = await insertState(db, 'waiting_continue', { attempt: 3, misses: 1, ...silent })
  const moved = await press(db, task)
  expect(moved).toMatchObject({ ...begun, moved: true, claim_token: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  expect(moved).toEqual({ ...(await read(db, task)), moved: true })
  expect(moved).toMatchObject({ steps: task.steps, intermediate_result: task.intermediate_result })
  expect((await claim(db, { now })).tasks).toEqual([])
})

each('%s: continueTask() leaves a claim that nobody used to be found out', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  await press(db, task)
  expect((await claim(db, { now: later(now, 90) })).tasks).toMatchObject([{ work: 'check', phase: 'unconfirmed' }])
})

each('%s: continueTask() queues at a paused provider, and begins when the pause is over', async (driver) => {
  const db = over(driver)
  await sql`insert into providers values ('replicate', ${later(now, 1)}, 'slow down', now())`.execute(db)
  const task = await insertState(db, 'waiting_continue')
  expect(await press(db, task)).toMatchObject({ ...queued, moved: true })
  const other = await insertState(db, 'waiting_continue', { user_id: 'bob' })
  expect(await press(db, other, { now: later(now, 1) })).toMatchObject({ phase: 'submitting' })
})

each('%s: continueTask() queues a task of a recipe, or of a provider, that it may not claim', async (driver) => {
  const db = over(driver)
  expect(await press(db, await insertState(db, 'waiting_continue', { provider: 'fal' }))).toMatchObject(queued)
  expect(await press(db, await insertState(db, 'waiting_continue', { recipe: 'capped' }))).toMatchObject(queued)
  expect(await press(db, await insertState(db, 'waiting_continue'), { claims: [] })).toMatchObject(queued)
})

each('%s: continueTask() begins one attempt when 20 ask at once', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  const answers = await Promise.all(Array.from({ length: 20 }, () => press(db, task)))
  expect(answers.filter((answer) => answer?.moved)).toHaveLength(1)
  const { claim_token } = await read(db, task)
  expect(answers.map((answer) => answer?.claim_token)).toEqual(answers.map(() => claim_token))
})

each('%s: continueTask() that waited for a rival begins nothing', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  let waiting: ReturnType<typeof press> | undefined
  await suite.hold(async (rival) => {
    await sql`update tasks set status = 'canceled', finished_at = now(), due_at = null where id = ${task.id}`.execute(
      rival,
    )
    waiting = press(db, task)
    await untilBlocked(suite.url)
  })
  expect(await waiting).toMatchObject({ status: 'canceled', claim_token: null, moved: false })
})
