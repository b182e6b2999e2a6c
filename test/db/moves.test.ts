// continueTask(), redoTask(), cancelTask(): what each changes, for whom, and once.
import { expect, test } from 'vitest'
import { attemptSeed } from '../../core/recipe.ts'
import type { Db } from '../../db/statements/sql.ts'
import { cancelTask, continueTask, type MovedTask, redoTask } from '../../db/statements/user-moves.ts'
import { later, type Row, type State, stateNames, stray, type TaskOverrides } from '../setup/factory.ts'
import { bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const at = later(noon, 5)
const pending = { status: 'pending', due_at: at, updated_at: at } as const
type Params = { step?: number | undefined; all?: boolean; user_id?: string }
type Move = (db: Db, task: Row, params?: Params) => Promise<MovedTask | undefined>
const move =
  (apply: typeof continueTask): Move =>
  (db, { id, user_id }, params) =>
    apply(db, { id, user_id, now: at, ...params })
const moves = { continue: move(continueTask), redo: move(redoTask), cancel: move(cancelTask) }
type Name = keyof typeof moves
const names = (Object.keys(moves) as Name[]).map((name): [Name] => [name])

async function expectMoved(db: Db, name: Name, task: Row, changes: Partial<Row>, params?: Params) {
  // A continue leaves its own name.
  const expected = { ...task, ...changes, ...(name === 'continue' && { claim_id: expect.any(String) }) }
  expect(await moves[name](db, task, params)).toEqual({ ...expected, moved: true })
  expect(await read(db, task)).toEqual(expected)
}

test.each(overBoth(names))('%s: %sTask() moves nothing on an empty table', async (driver, name) => {
  const nobody = { id: crypto.randomUUID(), user_id: 'ada' } as Row
  expect(await moves[name](over(driver), nobody)).toBeUndefined()
})

test.each(overBoth(names))("%s: %sTask() doesn't know another user's task", async (driver, name) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  const before = await bytes(db, task)
  expect(await moves[name](db, task, { user_id: 'bob' })).toBeUndefined()
  expect(await bytes(db, task)).toBe(before)
})

test.each(overBoth(names))('%s: %sTask() moves only the step that the person saw', async (driver, name) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', { current_step: 2 })
  const before = await bytes(db, task)
  for (const step of [1, 3, 0]) {
    expect(await moves[name](db, task, { step })).toEqual({ ...task, moved: false })
  }
  expect(await bytes(db, task)).toBe(before)
  expect(await moves[name](db, task, { step: 2 })).toMatchObject({ id: task.id, moved: true })
})

test.each(overBoth(names))('%s: %sTask() moves once when 20 ask at once', async (driver, name) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  const answers = await Promise.all(Array.from({ length: 20 }, () => moves[name](db, task)))
  expect(answers.filter((answer) => answer?.moved)).toHaveLength(1)
  const row = await read(db, task)
  // Those that came late see the task as the first one left it.
  for (const answer of answers) expect(answer).toEqual({ ...row, moved: answer?.moved })
})

each('%s: continueTask() makes the next step due, and keeps what is shown', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  await expectMoved(db, 'continue', task, { ...pending, next_step: 2 })
  const [claimed] = (await claim(db, { now: at })).tasks
  expect(claimed).toMatchObject({ work: 'submit', current_step: 2, attempt: 1, steps: task.steps })
})

each('%s: continueTask() opens the gates that are left when all are meant, and closes none again', async (driver) => {
  const db = over(driver)
  const changed = { ...pending, next_step: 2, auto_continue: true }
  await expectMoved(db, 'continue', await insertState(db, 'waiting_continue'), changed, { all: true })
  const open = await insertState(db, 'waiting_continue', { auto_continue: true })
  await expectMoved(db, 'continue', open, changed, { all: false })
})

const redone: [State, TaskOverrides, Partial<Row>][] = [
  ['waiting_continue', { current_step: 2 }, { next_step: 2 }],
  ['failed', { attempt: 4 }, { next_step: 1, finished_at: null, error_code: null, error_message: null }],
]
test.each(overBoth(redone))('%s: redoTask() tries the step of a task again that is %s', async (driver, ...row) => {
  const db = over(driver)
  const [state, overrides, changes] = row
  const task = await insertState(db, state, overrides)
  await expectMoved(db, 'redo', task, { ...pending, ...changes })
  const again = { work: 'submit', current_step: task.current_step, attempt: task.attempt + 1 }
  expect((await claim(db, { now: at })).tasks).toMatchObject([{ ...again, steps: task.steps }])
})

const over_ = { status: 'canceled', finished_at: at, updated_at: at, next_step: null } as const
const closed = { ...over_, phase: null, claim_token: null, prediction_id: null, output: null, due_at: null }
const canceled: [State, TaskOverrides, Partial<Row>][] = [
  ['pending', {}, closed],
  ['pending (redo)', { strays: [stray({ over: true })] }, closed],
  ['pending', { strays: [stray()] }, { ...closed, due_at: at }],
  ['waiting_continue', {}, closed],
  ['waiting_continue', { strays: [stray()] }, { ...closed, due_at: at }],
  ['storing', {}, closed],
  ['submitting', {}, over_],
  ['unconfirmed', { strays: [stray()] }, over_],
]
test.each(overBoth(canceled))('%s: cancelTask() ends a task that is %s', async (driver, state, overrides, changes) => {
  const db = over(driver)
  const task = await insertState(db, state, overrides)
  const record = { step: 1, status: 'canceled', attempt: 1, prediction_id: task.prediction_id }
  const instants = { submitted_at: task.submitted_at?.toISOString(), finished_at: at.toISOString() }
  const seed = attemptSeed(task.claim_token ?? '')
  const steps = task.status === 'processing' ? [{ ...record, ...instants, seed }] : task.steps
  await expectMoved(db, 'cancel', task, { ...changes, steps: steps as Row['steps'] })
})

each('%s: cancelTask() makes a stray of a running prediction', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { current_step: 2 })
  await moves.cancel(db, task)
  const left = { step: 2, attempt: 1, prediction_id: task.prediction_id, urls: task.provider_urls, over: false }
  const row = await read(db, task)
  expect(row).toMatchObject({ ...closed, due_at: at, strays: [left] })
  expect(row.steps).toMatchObject([{ status: 'completed' }, { status: 'canceled', prediction_id: task.prediction_id }])
  expect((await claim(db, { now: at })).tasks).toMatchObject([{ work: 'check', strays: [left] }])
})

const everyState = stateNames.map((state): [State] => [state])
const lawful: Record<Name, Row['status'][]> = {
  continue: ['waiting_continue'],
  redo: ['waiting_continue', 'failed'],
  cancel: ['pending', 'processing', 'waiting_continue'],
}
test.each(overBoth(everyState))(
  '%s: a person moves a task that is %s only where the diagram has an arrow',
  async (driver, state) => {
    const db = over(driver)
    for (const [name] of names) {
      const task = await insertState(db, state)
      const before = await bytes(db, task)
      const answer = await moves[name](db, task)
      if (lawful[name].includes(task.status)) {
        expect(answer, name).toMatchObject({ moved: true })
        continue
      }
      expect(answer, name).toEqual({ ...task, moved: false })
      expect(await bytes(db, task), name).toBe(before)
    }
  },
)
