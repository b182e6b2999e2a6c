// claimDue(): what it makes of a due task in each state, and when that task is looked at next.
import { expect, test } from 'vitest'
import { insertTask, later, type State, stray, type TaskOverrides, tryOnTerms } from '../setup/factory.ts'
import { bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const long = later(noon, -86_400)
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/

each('%s: claimDue() does nothing on an empty table', async (driver) => {
  expect(await claim(over(driver))).toEqual({ tasks: [], nextDueAt: null })
  expect(await claim(over(driver), { terms: [] })).toEqual({ tasks: [], nextDueAt: null })
})

each('%s: claimDue() leaves what is not due, and says when it will be', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { due_at: later(noon, 40) })
  await insertState(db, 'waiting_continue')
  await insertState(db, 'completed')
  const before = await bytes(db, task)
  expect(await claim(db)).toEqual({ tasks: [], nextDueAt: later(noon, 40) })
  expect(await bytes(db, task)).toBe(before)
  expect((await claim(db, { now: later(noon, 40) })).tasks).toMatchObject([{ id: task.id, work: 'check' }])
})

each('%s: claimDue() opens the first attempt of a step with a claim of its own', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'pending', { misses: 2 })
  const other = await insertState(db, 'pending', { user_id: 'bob' })
  const { tasks, nextDueAt } = await claim(db)
  const claimed = tasks.find(({ id }) => id === task.id)
  expect(claimed).toMatchObject({
    ...{ work: 'submit', claimed_at: noon, status: 'processing', phase: 'submitting', misses: 0, updated_at: noon },
    ...{ current_step: 1, next_step: null, attempt: 1, claim_token: expect.stringMatching(uuid) },
    ...{ submitted_at: noon, due_at: later(noon, 90), deadline_at: later(noon, tryOnTerms.limitSeconds) },
  })
  expect(claimed).toMatchObject(await read(db, task))
  expect(claimed?.claim_token).not.toBe(tasks.find(({ id }) => id === other.id)?.claim_token)
  expect(nextDueAt).toBeNull()
  expect((await claim(db)).tasks).toEqual([])
})

const opened: [string, TaskOverrides, { current_step: number; attempt: number }][] = [
  ['the next step', { current_step: 1, next_step: 2, attempt: 3 }, { current_step: 2, attempt: 1 }],
  ['a redo', { current_step: 2, next_step: 2, attempt: 3 }, { current_step: 2, attempt: 4 }],
  ['an attempt given back', { current_step: 1, next_step: 1, attempt: 0 }, { current_step: 1, attempt: 1 }],
]
test.each(overBoth(opened))('%s: claimDue() numbers the attempt of %s', async (driver, _, overrides, expected) => {
  await insertState(over(driver), 'pending', overrides)
  expect((await claim(over(driver))).tasks).toMatchObject([{ work: 'submit', ...expected }])
})

// Everything but a pending task is only looked at: no attempt, token, instant or record of it changes.
const looked: [string, State, TaskOverrides, { phase: string | null; due_at: Date }][] = [
  ['submitting, its claim run out', 'submitting', {}, { phase: 'unconfirmed', due_at: later(noon, 20) }],
  ['unconfirmed', 'unconfirmed', { searches: 2 }, { phase: 'unconfirmed', due_at: later(noon, 20) }],
  ['storing', 'storing', {}, { phase: 'storing', due_at: later(noon, 60) }],
  [
    'unconfirmed for ten minutes',
    'unconfirmed',
    { submitted_at: later(noon, -600) },
    { phase: 'unconfirmed', due_at: later(noon, 150) },
  ],
  [
    'unconfirmed for hours',
    'unconfirmed',
    { submitted_at: later(noon, -36_000) },
    { phase: 'unconfirmed', due_at: later(noon, 300) },
  ],
  ['canceled while submitting', 'canceled while submitting', {}, { phase: 'unconfirmed', due_at: later(noon, 20) }],
  ['canceled while unconfirmed', 'canceled while unconfirmed', {}, { phase: 'unconfirmed', due_at: later(noon, 20) }],
  ['canceled with a stray', 'canceled', { strays: [stray()] }, { phase: null, due_at: later(noon, 20) }],
  ['completed with a stray', 'completed', { strays: [stray()] }, { phase: null, due_at: later(noon, 20) }],
  ['failed with a stray', 'failed', { strays: [stray()] }, { phase: null, due_at: later(noon, 20) }],
  ['waiting with a stray', 'waiting_continue', { strays: [stray()] }, { phase: null, due_at: later(noon, 20) }],
  [
    'waiting, its strays over',
    'waiting_continue',
    { strays: [stray({ over: true })], deadline_at: later(noon, 500) },
    { phase: null, due_at: later(noon, 500) },
  ],
]
test.each(overBoth(looked))(
  '%s: claimDue() only looks at a task that is %s',
  async (driver, _, state, overrides, expected) => {
    const db = over(driver)
    const task = await insertState(db, state, { ...overrides, due_at: noon })
    const { tasks } = await claim(db)
    const { claim_id: unnamed, ...kept } = task
    expect(unnamed).toBeNull()
    const checked_at = task.phase ? noon : null
    const searches = expected.phase === 'unconfirmed' ? task.searches + 1 : 0
    expect(tasks).toMatchObject([{ ...kept, ...expected, checked_at, searches, work: 'check', claimed_at: noon }])
  },
)

// seconds since submission, seconds to the limit → seconds to the next look
const checks: [string, number, number, number][] = [
  ['after the least at first', 0, 3_600, 2],
  ['after the least for a while', 8, 3_600, 2],
  ['after a quarter of the time waited', 20, 3_600, 5],
  ['after the most at last', 400, 3_600, 15],
  ['slowly after the watch', 601, 3_600, 300],
  ['not past the limit', 400, 4, 4],
  ['not past the limit when slow', 1_000, 100, 100],
  ['at the limit, once a most', 3_600, 0, 15],
  ['past the limit, once a most', 3_700, -100, 15],
]
test.each(overBoth(checks))(
  '%s: claimDue() looks at a prediction again %s (waited %d s, %d s left: %d s)',
  async (driver, _, waited, left, seconds) => {
    const db = over(driver)
    const times = { submitted_at: later(noon, -waited), deadline_at: later(noon, left), due_at: noon }
    await insertState(db, 'running', times)
    expect((await claim(db)).tasks).toMatchObject([{ work: 'check', due_at: later(noon, seconds) }])
  },
)

each('%s: claimDue() leaves predictions that came due since the pass began, and takes all else', async (driver) => {
  const db = over(driver)
  const [before, after] = [later(noon, -2), later(noon, -1)]
  const checked = await insertState(db, 'running', { due_at: after })
  const due = await insertState(db, 'running', { due_at: before })
  const copying = await insertState(db, 'storing', { due_at: after })
  const { tasks } = await claim(db, { dueBy: before })
  expect(tasks.map(({ id }) => id).toSorted()).toEqual([due.id, copying.id].toSorted())
  expect((await claim(db)).tasks).toMatchObject([{ id: checked.id }])
})

each('%s: claimDue() cancels a task whose gate nobody answered', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue', { deadline_at: noon, due_at: noon })
  expect((await claim(db)).tasks).toMatchObject([
    {
      ...{ id: task.id, work: 'expired', status: 'canceled', error_code: 'gate_expired', finished_at: noon },
      ...{ error_message: expect.stringContaining('Nobody continued'), due_at: null, updated_at: noon },
      ...{ intermediate_result: task.intermediate_result, steps: task.steps },
    },
  ])
  expect(await claim(db)).toEqual({ tasks: [], nextDueAt: null })
})

each('%s: claimDue() keeps a task due whose gate expired while a stray still runs', async (driver) => {
  const db = over(driver)
  await insertState(db, 'waiting_continue', { deadline_at: noon, due_at: noon, strays: [stray()] })
  const { tasks } = await claim(db)
  expect(tasks).toMatchObject([{ work: 'expired', status: 'canceled' }])
  expect(tasks[0]?.due_at).not.toBeNull()
})

each("%s: claimDue() goes by the database's clock unless told", async (driver) => {
  const db = over(driver)
  const task = await insertTask(db, { at: long })
  const before = Date.now() - 60_000
  const { tasks } = await claim(db, { now: undefined })
  expect(tasks).toMatchObject([{ id: task.id, work: 'submit' }])
  for (const instant of [tasks[0]?.claimed_at, tasks[0]?.submitted_at]) {
    expect(instant?.getTime()).toBeGreaterThan(before)
    expect(instant?.getTime()).toBeLessThan(before + 120_000)
  }
})
