// recordSubmissions(): predictions that turn up where no step wants them are kept as strays, so that somebody cancels them.
import { expect, test } from 'vitest'
import type { SubmissionOutcome } from '../../core/decide.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import { later, type Row, type State, stateNames, stray } from '../setup/factory.ts'
import { attemptOf, bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const now = noon
const urls = { cancel: 'https://provider.test/p2/cancel' }
const created = (prediction_id = 'p2'): SubmissionOutcome => ({ kind: 'created', prediction_id, urls, check_in: 2 })
const unwanted = { step: 1, attempt: 1, prediction_id: 'p2', urls, over: false }

const canceled: State[] = ['canceled while submitting', 'canceled while unconfirmed']
test.each(overBoth(canceled.map((state) => [state])))(
  '%s: recordSubmissions() makes a stray of a prediction created for a task that was %s',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state)
    const told = [{ ...attemptOf(task), ...created() }]
    expect(await recordSubmissions(db, told, { now })).toEqual([{ id: task.id, did: 'strayed', status: 'canceled' }])
    const closed = { phase: null, claim_token: null, due_at: now, updated_at: now, strays: [unwanted] }
    expect(await read(db, task)).toEqual({ ...task, ...closed })
    expect((await claim(db)).tasks).toMatchObject([{ id: task.id, work: 'check', strays: [unwanted] }])
    const before = await bytes(db, task)
    expect(await recordSubmissions(db, told, { now })).toEqual([])
    expect(await bytes(db, task)).toBe(before)
  },
)

const second: State[] = ['running', 'storing']
test.each(overBoth(second.map((state) => [state])))(
  '%s: recordSubmissions() makes a stray of a second prediction for an attempt that is %s',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state)
    const told = [{ ...attemptOf(task), ...created() }]
    expect(await recordSubmissions(db, told, { now })).toMatchObject([{ did: 'strayed', status: 'processing' }])
    expect(await read(db, task)).toEqual({ ...task, strays: [unwanted], due_at: now })
  },
)

/** Told late: of an attempt that somebody held before the one that is open now. */
const late = (task: Row) => ({ ...attemptOf(task), claim_token: crypto.randomUUID(), step: 1, attempt: 1 })
const everyState = stateNames.map((state): [State] => [state])

test.each(overBoth(everyState))(
  '%s: recordSubmissions() makes a stray of a late prediction and leaves all else when %s',
  async (driver, state) => {
    const db = over(driver)
    const attempt = state === 'pending' ? 0 : 2
    const task = await insertState(db, state, { attempt, strays: [stray({ over: true })] })
    const told = [{ ...late(task), ...created() }]
    const at = later(now, 5)
    const did = { id: task.id, did: 'strayed', status: task.status }
    expect(await recordSubmissions(db, told, { now: at })).toEqual([did])
    const strays = [...task.strays, unwanted]
    // Whoever sends a create meanwhile keeps its lease, and is not taken for dead.
    const due_at = task.phase === 'submitting' ? task.due_at : at
    expect(await read(db, task)).toEqual({ ...task, strays, due_at })
  },
)

test.each(overBoth(everyState))(
  '%s: recordSubmissions() knows the predictions that a task had before when %s',
  async (driver, state) => {
    const db = over(driver)
    const step = { step: 1, status: 'completed', submitted_at: null, finished_at: null } as const
    const steps = [
      { ...step, attempt: 3, prediction_id: 'third', past: [{ ...step, attempt: 1, prediction_id: 'first' }] },
      { ...step, step: 2, attempt: 1, prediction_id: 'other' },
    ]
    const strays = [stray({ prediction_id: 'second', over: true })]
    const task = await insertState(db, state, { attempt: 3, total_steps: 3, steps, strays })
    const before = await bytes(db, task)
    for (const id of ['first', 'second', 'third', 'other', task.prediction_id ?? 'first']) {
      expect(await recordSubmissions(db, [{ ...late(task), ...created(id) }], { now })).toEqual([])
    }
    expect(await bytes(db, task)).toBe(before)
  },
)

each('%s: recordSubmissions() makes a stray of a prediction that arrives after a redo', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'pending (redo)')
  const first = { ...attemptOf(task), claim_token: crypto.randomUUID() }
  const [claimed] = (await claim(db)).tasks
  if (!claimed) throw new Error('nothing was claimed')
  await recordSubmissions(db, [{ ...first, ...created() }], { now })
  await recordSubmissions(db, [{ ...attemptOf(claimed), ...created('p3') }], { now: later(noon, 1) })
  expect(await read(db, task)).toMatchObject({ phase: 'running', attempt: 2, prediction_id: 'p3', strays: [unwanted] })
})

// A webhook's address names the task, and its body the prediction: the two may speak of different tasks.
const elsewhere: State[] = ['submitting', 'unconfirmed', 'canceled while submitting', 'running', 'completed']
test.each(overBoth(elsewhere.map((state) => [state])))(
  "%s: recordSubmissions() neither adopts nor strays another task's prediction in flight when %s",
  async (driver, state) => {
    const db = over(driver)
    const other = await insertState(db, 'running', { prediction_id: "another's" })
    const task = await insertState(db, state)
    const before = await Promise.all([task, other].map((row) => bytes(db, row)))
    expect(await recordSubmissions(db, [{ ...attemptOf(task), ...created("another's") }], { now })).toEqual([])
    expect(await Promise.all([task, other].map((row) => bytes(db, row)))).toEqual(before)
  },
)
