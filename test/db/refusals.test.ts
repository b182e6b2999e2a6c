// Every outcome of a claim, told of a task in every state: only the lawful ones write, of the others not one byte changes.
// A row's own token is told where it has one, so that it is the state that refuses.
import { expect, test } from 'vitest'
import type { CheckOutcome, SubmissionOutcome } from '../../core/decide.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db, Moved } from '../../db/statements/sql.ts'
import { type Row, type State, stateNames } from '../setup/factory.ts'
import { attemptOf, bytes, claim, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const now = noon
const allStates = stateNames

type Tell = (db: Db, task: Row) => Promise<Moved[]>
const submission =
  (outcome: SubmissionOutcome): Tell =>
  (db, task) =>
    recordSubmissions(db, [{ ...attemptOf(task), ...outcome }], { now })
const own = (task: Row) => ({ ...attemptOf(task), prediction_id: task.prediction_id ?? 'prediction-1' })
const look =
  (outcome: CheckOutcome): Tell =>
  (db, task) =>
    recordChecks(db, [{ ...own(task), ...outcome }], { now })
const stored: Tell = (db, task) => recordStored(db, [{ ...own(task), files: [], gate_in: 60 }], { now })

const open: State[] = ['submitting', 'unconfirmed', 'canceled while submitting', 'canceled while unconfirmed']
const known: State[] = ['running', 'storing']
/** A webhook that reports the end names the prediction as well. */
const ended: State[] = ['submitting', 'unconfirmed', ...known]
const words = { code: 'provider_failed', reason: 'Out of memory.' } as const
const missing = { kind: 'missing', retry_in: 60, reason: 'Unknown.' } as const

/** The outcome, how it is told, and the states in which it is lawful. */
const outcomes: [string, Tell, State[]][] = [
  // Adopted where its attempt is open, a stray everywhere else.
  ['created', submission({ kind: 'created', prediction_id: 'p', urls: {}, check_in: 2 }), allStates],
  ['throttled', submission({ kind: 'throttled', provider: 'replicate', reason: 'Slow down.', retry_in: 9 }), open],
  ['unsent', submission({ kind: 'unsent', retry_in: 0 }), open],
  ['rejected', submission({ kind: 'rejected', ...words }), open],
  ['unknown', submission({ kind: 'unknown', search_in: 10 }), open],
  ['absent', submission({ kind: 'absent' }), open],
  ['unsettled', submission({ kind: 'unsettled', ...words }), open],
  ['succeeded', look({ kind: 'succeeded', output: ['https://provider.test/one.png'] }), ['running']],
  ['failed', look({ kind: 'failed', ...words }), ended],
  ['failed, left', look({ kind: 'failed', ...words, leave: true }), ['running']],
  ['missing', look(missing), known],
  ['answered', look({ kind: 'answered' }), known],
  ['postponed', look({ kind: 'postponed', retry_in: 7 }), known],
  ['stored', stored, ended],
]

const pairs = allStates.flatMap((state) => outcomes.map(([name, tell, from]) => ({ name, state, tell, from })))
const lawful = pairs.filter(({ from, state }) => from.includes(state))
const unlawful = pairs.filter(({ from, state }) => !from.includes(state))
const cases = (some: typeof pairs) =>
  overBoth(some.map((one): [string, State, Tell] => [one.name, one.state, one.tell]))

test.each(cases(lawful))('%s: "%s" is written of a task that is %s', async (driver, _, state, tell) => {
  const db = over(driver)
  const task = await insertState(db, state)
  const before = await bytes(db, task)
  expect(await tell(db, task)).toMatchObject([{ id: task.id }])
  expect(await bytes(db, task)).not.toBe(before)
})

test.each(cases(unlawful))('%s: "%s" is refused of a task that is %s', async (driver, _, state, tell) => {
  const db = over(driver)
  const task = await insertState(db, state)
  const before = await bytes(db, task)
  expect(await tell(db, task)).toEqual([])
  expect(await bytes(db, task)).toBe(before)
})

// What of the attempt is another's is refused too: each field of the claim counts, and so does the prediction.
const others: [string, (task: Row) => Row][] = [
  ['another token', (task) => ({ ...task, claim_token: crypto.randomUUID() })],
  ['another step', (task) => ({ ...task, current_step: task.current_step + 1 })],
  ['another attempt', (task) => ({ ...task, attempt: task.attempt + 1 })],
  ['another task', (task) => ({ ...task, id: crypto.randomUUID() })],
]
const guarded = outcomes.filter(([name]) => name !== 'created')
const homes: Record<string, State> = { succeeded: 'running' }
const foreign = guarded.flatMap(([name, tell, from]) =>
  others.map(([what, change]): [string, string, State, Tell] => {
    const state = homes[name] ?? from[0] ?? 'running'
    return [name, what, state, (db, task) => tell(db, change(task))]
  }),
)
const predicted = outcomes
  .filter(([, , from]) => from !== open && from !== allStates)
  .map(([name, tell]): [string, string, State, Tell] => [
    name,
    'another prediction',
    'running',
    (db, task) => tell(db, { ...task, prediction_id: 'another' }),
  ])

test.each(overBoth([...foreign, ...predicted]))('%s: "%s" of %s is refused', async (driver, _, __, state, tell) => {
  const db = over(driver)
  const task = await insertState(db, state)
  const before = await bytes(db, task)
  expect(await tell(db, task)).toEqual([])
  expect(await bytes(db, task)).toBe(before)
})

// A claim asks only whether a task is due: what rests is never touched, whatever else is true of it.
test.each(overBoth(allStates.map((state) => [state])))(
  '%s: claimDue() leaves a task that is %s until it is due',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state)
    const before = await bytes(db, task)
    const early = task.due_at ? new Date(task.due_at.getTime() - 1) : noon
    expect((await claim(db, { now: early })).tasks).toEqual([])
    expect(await bytes(db, task)).toBe(before)
    const { tasks } = await claim(db, { now: task.due_at ?? noon })
    expect(tasks).toHaveLength(task.due_at ? 1 : 0)
    if (!task.due_at) expect(await read(db, task)).toEqual(task)
  },
)
