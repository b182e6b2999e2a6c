// What each move means in money: its entry in the ledger, what the counters hold afterwards, and whose it is.
import { expect, test } from 'vitest'
import type { SubmissionOutcome } from '../../core/decide.ts'
import { recordStored } from '../../db/statements/record-results.ts'
import { cancelTask, redoTask } from '../../db/statements/user-moves.ts'
import { later } from '../setup/factory.ts'
import {
  begin,
  ceilings,
  created,
  day,
  entries,
  held,
  own,
  running,
  same,
  spent,
  store,
  submitting,
  tellLook,
  tellSubmission,
  tomorrow,
  useBooks,
  words,
} from './money-setup.ts'
import { attemptOf, claim, each, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
useBooks(over)

each('%s: a start reserves all its steps, for the deployment, its recipe and its user', async (driver) => {
  const db = over(driver)
  const task = await begin(db)
  expect(task).toMatchObject({ prices: [10, 20, 30], reserved_micros: 60, reserved_on: day, settled_micros: 0 })
  expect(await spent(db)).toEqual(same(60))
  await begin(db, { user_id: 'bob', recipe: 'memes', total_steps: 1, prices: [5] })
  expect(await spent(db)).toEqual({ ...same(60), all: 65, 'recipe:memes': 5, 'user:bob': 5 })
  expect(await entries(db, task)).toEqual([])
})

each('%s: a start whose prices are not known reserves nothing', async (driver) => {
  const db = over(driver)
  const task = await submitting(db, { prices: [null, null, null] })
  expect(await spent(db)).toEqual({})
  expect(await entries(db, task)).toEqual([['reserved', 0, 0]])
})

each('%s: a step is settled by what its provider measured, or as much as was expected', async (driver) => {
  const db = over(driver)
  const task = await running(db, { auto_continue: true })
  await tellLook(db, task, { kind: 'succeeded', output: ['o'], cost: 7 })
  await store(db, task)
  expect(held(await read(db, task))).toEqual([50, 7])
  expect(await spent(db)).toEqual(same(57))
  for (const [step, cost] of [
    [2, undefined],
    [3, 40],
  ] as const) {
    await claim(db, { taskId: task.id })
    const row = await read(db, task)
    const open = { ...row, ...attemptOf(row) }
    const told = { ...attemptOf(row), prediction_id: `p-${step}`, files: [], gate_in: 60, ...(cost && { cost }) }
    await tellSubmission(db, open, created(`p-${step}`))
    await recordStored(db, [told], { now: noon })
  }
  const done = await read(db, task)
  expect(done.status).toBe('completed')
  expect(held(done)).toEqual([0, 67])
  expect(done.steps.map(({ cost_micros }) => cost_micros)).toEqual([7, 20, 40])
  expect(await spent(db)).toEqual(same(67))
  expect(await entries(db, task)).toEqual([
    ...[
      ['reserved', 10, 0],
      ['settled', -10, 7],
      ['reserved', 20, 0],
    ],
    ...[
      ['settled', -20, 20],
      ['reserved', 30, 0],
      ['settled', -30, 40],
    ],
  ])
})

const released = [
  ['reserved', 10, 0],
  ['released', -10, 0],
]
const settled = [
  ['reserved', 10, 0],
  ['settled', -10, 10],
]
const fates: [string, SubmissionOutcome, unknown[], number[], number | null | undefined][] = [
  ['throttled', { kind: 'throttled', provider: 'x', reason: 'Slow down.', retry_in: 9 }, released, [60, 0], undefined],
  ['not sent', { kind: 'unsent', retry_in: 3 }, released, [60, 0], undefined],
  ['absent', { kind: 'absent' }, released, [60, 0], undefined],
  ['rejected', { kind: 'rejected', ...words }, released, [0, 0], 0],
  ['never found', { kind: 'unsettled', ...words }, settled, [0, 10], 10],
  ['not known yet', { kind: 'unknown', search_in: 9 }, [['reserved', 10, 0]], [60, 0], undefined],
  ['accepted', created('p'), [['reserved', 10, 0]], [60, 0], undefined],
]
test.each(overBoth(fates))('%s: a create that is %s', async (driver, _name, outcome, booked, holds, cost) => {
  const db = over(driver)
  const task = await submitting(db)
  await tellSubmission(db, task, outcome)
  const row = await read(db, task)
  expect(await entries(db, task)).toEqual(booked)
  expect(held(row)).toEqual(holds)
  expect(row.steps[0]?.cost_micros).toBe(cost)
  expect(await spent(db)).toEqual(same(holds.reduce((sum, micros) => sum + micros, 0)))
})

const measured = [
  ['reserved', 10, 0],
  ['settled', -10, 7],
]
const canceledFates: [string, SubmissionOutcome, unknown[], number][] = [
  ['created', created('late'), settled, 10],
  ['created, over and measured', { ...created('late'), cost: 7 }, measured, 7],
  ['not sent', { kind: 'unsent', retry_in: 3 }, released, 0],
  ['absent', { kind: 'absent' }, released, 0],
  ['rejected', { kind: 'rejected', ...words }, released, 0],
  ['never found', { kind: 'unsettled', ...words }, settled, 10],
]
test.each(overBoth(canceledFates))(
  '%s: the attempt of a task that was canceled meanwhile is %s',
  async (driver, _name, outcome, booked, cost) => {
    const db = over(driver)
    const task = await submitting(db)
    await cancelTask(db, { ...task, step: undefined, attempt: undefined, now: noon })
    expect(held(await read(db, task))).toEqual([10, 0])
    expect(await spent(db)).toEqual(same(10))
    await tellSubmission(db, task, outcome)
    const row = await read(db, task)
    expect(held(row)).toEqual([0, cost])
    expect(row.steps[0]?.cost_micros).toBe(cost)
    expect(await entries(db, task)).toEqual(booked)
    expect(await spent(db)).toEqual(same(cost))
  },
)

each('%s: a task that is canceled or fails gives back what never began, once', async (driver) => {
  const db = over(driver)
  const pending = await begin(db)
  for (let times = 0; times < 2; times += 1) await cancelTask(db, { ...pending, attempt: undefined, now: noon })
  expect(await spent(db)).toEqual(same(0))
  const busy = await running(db)
  await cancelTask(db, { ...busy, step: undefined, attempt: undefined, now: noon })
  expect(await entries(db, busy)).toEqual(settled)
  expect(await spent(db)).toEqual(same(10))
  const failing = await running(db)
  for (let times = 0; times < 2; times += 1) await tellLook(db, failing, { kind: 'failed', ...words, cost: 4 })
  expect(held(await read(db, failing))).toEqual([0, 4])
  expect(await spent(db)).toEqual(same(14))
})

each('%s: a gate that nobody answers gives back what was kept for its steps', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  await store(db, task)
  expect(held(await read(db, task))).toEqual([50, 10])
  await claim(db, { taskId: task.id, now: later(noon, 61) })
  expect(held(await read(db, task))).toEqual([0, 10])
  expect(await spent(db)).toEqual(same(10))
})

each('%s: a redo gives the old day back what it kept, and reserves today', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  await store(db, task)
  const move = { id: task.id, user_id: 'ada', ceilings }
  expect(await redoTask(db, { ...move, now: tomorrow })).toMatchObject({
    reserved_on: '2026-03-02',
    reserved_micros: 60,
  })
  expect(await spent(db)).toEqual(same(10))
  expect(await spent(db, '2026-03-02')).toEqual(same(60))
  await cancelTask(db, { ...move, now: tomorrow })
  expect(await spent(db, '2026-03-02')).toEqual(same(0))
  expect(held(await read(db, task))).toEqual([0, 10])
})

each('%s: what ends after midnight is booked on the day of its reserve', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  const told = { ...own(task), files: [], gate_in: 60, cost: 15 }
  await recordStored(db, [told], { now: tomorrow })
  expect(await spent(db)).toEqual(same(65))
  expect(await spent(db, '2026-03-02')).toEqual({})
})

each('%s: a double is the deployment’s, and not its user’s', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  for (const prediction of ['double', 'double', 'third']) await tellSubmission(db, task, created(prediction))
  expect(await entries(db, task)).toEqual([
    ['reserved', 10, 0],
    ['double', 0, 10],
    ['double', 0, 10],
  ])
  expect(await spent(db)).toEqual({ all: 80, 'recipe:try-on': 80, 'user:ada': 60 })
  expect(held(await read(db, task))).toEqual([60, 0])
})

each('%s: a double that is over when it turns up costs what its provider measured', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  await tellSubmission(db, task, { ...created('double'), cost: 7 })
  expect(await entries(db, task)).toEqual([
    ['reserved', 10, 0],
    ['double', 0, 7],
  ])
  expect(await spent(db)).toEqual({ all: 67, 'recipe:try-on': 67, 'user:ada': 60 })
})

each('%s: a prediction of an attempt that was released is paid after all', async (driver) => {
  const db = over(driver)
  const task = await submitting(db)
  await tellSubmission(db, task, { kind: 'absent' })
  await tellSubmission(db, task, created('late'))
  expect(await entries(db, task)).toEqual([...released, ['double', 0, 10]])
  expect(await spent(db)).toEqual({ all: 70, 'recipe:try-on': 70, 'user:ada': 60 })
})

each('%s: a prediction of an attempt that was paid ahead is not paid again, a second one is', async (driver) => {
  const db = over(driver)
  const task = await submitting(db)
  await tellSubmission(db, task, { kind: 'unsettled', ...words })
  await tellSubmission(db, task, created('late'))
  expect(await entries(db, task)).toEqual(settled)
  await tellSubmission(db, task, created('second'))
  expect(await entries(db, task)).toEqual([...settled, ['double', 0, 10]])
})

each('%s: a stale holder books nothing', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  await store(db, task)
  const before = [await entries(db, task), await spent(db)]
  const stale = { ...task, claim_token: crypto.randomUUID() }
  await tellSubmission(db, stale, { kind: 'unsent', retry_in: 1 })
  await tellSubmission(db, task, { kind: 'rejected', ...words })
  await tellLook(db, stale, { kind: 'failed', ...words })
  await store(db, task)
  await store(db, stale, { cost: 99 })
  expect([await entries(db, task), await spent(db)]).toEqual(before)
})
