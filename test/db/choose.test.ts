// chooseTask(), and continueTask() with a choice: which attempt's picture is a step's result, for whom, and once.
import { expect, test } from 'vitest'
import type { StepRecord } from '../../core/task.ts'
import { recordStored } from '../../db/statements/record-results.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type Choose, chooseTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { untilBlocked } from '../setup/database.ts'
import { later, type Row, type State, stateNames, type TaskOverrides } from '../setup/factory.ts'
import { attemptOf, bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const at = later(noon, 5)

const record = (attempt: number, status: StepRecord['status'], files = 1): Omit<StepRecord, 'past'> => ({
  ...{ step: 1, attempt, status, prediction_id: `p${attempt}`, submitted_at: null, finished_at: null },
  ...(status === 'completed' && { files: Array(files).fill({ type: 'image/png', size: 9 }) }),
})
/** Attempts 1 (two files), 2 (failed) and 3 of step 1. */
const attempts: StepRecord[] = [{ ...record(3, 'completed'), past: [record(1, 'completed', 2), record(2, 'failed')] }]
const waiting: TaskOverrides = { steps: attempts, attempt: 3 }

const choose = (db: Db, { id, user_id }: Row, attempt: number, file = 1, more: Partial<Choose> = {}) =>
  chooseTask(db, { id, user_id, step: 1, choice: { attempt, file }, now: at, ...more })

const link = (id: string, attempt: number, file = 1) =>
  `/api/result?task_id=${id}&step=1&attempt=${attempt}${file > 1 ? `&file=${file}` : ''}`

each(
  '%s: chooseTask() makes another attempt the result of the step at its gate, and changes nothing else',
  async (driver) => {
    const db = over(driver)
    const task = await insertState(db, 'waiting_continue', waiting)
    const chosen = { attempt: 1, file: 2 }
    const expected = {
      ...task,
      steps: [{ ...attempts[0], chosen }],
      intermediate_result: link(task.id, 1, 2),
      updated_at: at,
    }
    expect(await choose(db, task, 1, 2)).toEqual({ ...expected, moved: true })
    expect(await read(db, task)).toEqual(expected)
  },
)

each('%s: chooseTask() changes nothing for a choice that holds already, default or not', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', waiting)
  const before = await bytes(db, task)
  expect(await choose(db, task, 3)).toMatchObject({ moved: false })
  expect(await bytes(db, task)).toBe(before)
  await choose(db, task, 1)
  const chosen = await bytes(db, task)
  expect(await choose(db, task, 1)).toMatchObject({ moved: false })
  expect(await bytes(db, task)).toBe(chosen)
})

const unlawful: [string, number, number, Partial<Choose>][] = [
  ['a failed attempt', 2, 1, {}],
  ['an attempt that never was', 4, 1, {}],
  ['a file that never was', 3, 2, {}],
  ['a file of number 0', 3, 0, {}],
  ['another step', 1, 1, { step: 2 }],
]
test.each(overBoth(unlawful))('%s: chooseTask() refuses %s', async (driver, _what, attempt, file, more) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', waiting)
  const before = await bytes(db, task)
  expect(await choose(db, task, attempt, file, more)).toEqual({ ...task, moved: false })
  expect(await bytes(db, task)).toBe(before)
})

each("%s: chooseTask() doesn't know another user's task", async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', waiting)
  expect(await choose(db, task, 1, 1, { user_id: 'bob' })).toBeUndefined()
})

test.each(overBoth(stateNames.map((state): [State] => [state])))(
  '%s: chooseTask() of a task that is %s moves at a gate and after the last step alone',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state, {
      total_steps: state === 'completed' ? 1 : 2,
      steps: attempts,
      attempt: 3,
    })
    const answer = await choose(db, task, 1, 2)
    const isOpen = state === 'waiting_continue' || state === 'completed'
    expect(answer?.moved).toBe(isOpen)
    if (state === 'completed')
      expect(answer).toMatchObject({ result_url: link(task.id, 1, 2), intermediate_result: null })
  },
)

each('%s: continueTask() with a choice moves on with it, and with what is stored alone', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', waiting)
  const { id, user_id } = task
  const before = await bytes(db, task)
  for (const choice of [{ attempt: 2 }, { attempt: 9 }, { attempt: 1, file: 3 }, { file: 2 }]) {
    expect(await continueTask(db, { id, user_id, choice, now: at })).toEqual({ ...task, moved: false })
  }
  expect(await bytes(db, task)).toBe(before)
  const moved = await continueTask(db, { id, user_id, step: 1, choice: { attempt: 1 }, now: at })
  expect(moved).toMatchObject({ moved: true, status: 'pending', next_step: 2, intermediate_result: link(id, 1) })
  expect(moved?.steps).toEqual([{ ...attempts[0], chosen: { attempt: 1, file: 1 } }])
})

each(
  '%s: continueTask() keeps a file that was chosen where only its attempt is named, and the other way round',
  async (driver) => {
    const db = over(driver)
    for (const choice of [{ attempt: 1 }, { file: 2 }, undefined]) {
      const task = await insertState(db, 'waiting_continue', waiting)
      await choose(db, task, 1, 2)
      const { id, user_id } = task
      expect((await continueTask(db, { id, user_id, choice, now: at }))?.steps[0]?.chosen).toEqual({
        attempt: 1,
        file: 2,
      })
    }
  },
)

each('%s: a choice ends with a newer picture, and outlives an attempt that made none', async (driver) => {
  const db = over(driver)
  for (const isStored of [true, false]) {
    const task = await insertState(db, 'waiting_continue', waiting)
    await choose(db, task, 1, 2)
    await redoTask(db, { id: task.id, user_id: task.user_id, now: at })
    const [claimed] = (await claim(db, { now: at })).tasks
    if (!claimed) throw new Error('nothing was claimed')
    if (isStored) {
      const files = [{ type: 'image/png', size: 1 }]
      await recordStored(db, [{ ...attemptOf(claimed), prediction_id: 'p4', files, gate_in: 60 }], { now: at })
    } else {
      const { cancelTask } = await import('../../db/statements/user-moves.ts')
      await cancelTask(db, { id: task.id, user_id: task.user_id, now: at })
    }
    const { steps } = await read(db, task)
    expect(steps[0]?.chosen).toEqual(isStored ? undefined : { attempt: 1, file: 2 })
    const again = steps[0]?.past?.filter((one) => 'chosen' in one)
    if (isStored) expect(again).toEqual([])
  }
})

each('%s: a choice that waited for a rival is made of the row as the rival left it', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', waiting)
  const { id, user_id } = task
  let waited: ReturnType<typeof choose> | undefined
  await suite.hold(async (rival) => {
    await continueTask(rival, { id, user_id, choice: { attempt: 1 }, now: at })
    waited = choose(db, task, 1, 2)
    await untilBlocked(suite.url)
  })
  expect(await waited).toMatchObject({ moved: false, status: 'pending' })
  expect((await read(db, task)).steps[0]?.chosen).toEqual({ attempt: 1, file: 1 })
})

each('%s: what an attempt was asked for is kept with its seed, and a redo can ask otherwise', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', { prices: [10, 10, 10] })
  const { id, user_id } = task
  const asked = { change: { prompt_hints: 'red' }, candidates: 3 }
  const redone = await redoTask(db, { id, user_id, asked, prices: [30, 10, 10], now: at })
  expect(redone).toMatchObject({ changes: { 1: asked }, prices: [30, 10, 10], reserved_micros: 50 })
  const [claimed] = (await claim(db, { now: at })).tasks
  if (!claimed) throw new Error('nothing was claimed')
  const files = [{ type: 'image/png', size: 1 }]
  await recordStored(db, [{ ...attemptOf(claimed), prediction_id: 'p2', files, gate_in: 60 }], { now: at })
  const [first] = (await read(db, task)).steps
  const { attemptSeed } = await import('../../core/recipe.ts')
  expect(first).toMatchObject({ attempt: 2, ...asked, seed: attemptSeed(claimed.claim_token ?? ''), cost_micros: 30 })
  const back = await redoTask(db, { id, user_id, asked: {}, prices: [10, 10, 10], now: at })
  expect(back).toMatchObject({ changes: {}, reserved_micros: 30 })
})
