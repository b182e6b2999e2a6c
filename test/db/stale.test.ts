// A holder that lost its claim while its statement waited: each write is held back by a real lock, under which a rival takes
// the attempt away. The statement is seen waiting before the rival commits, and then it changes nothing.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { CheckOutcome, SubmissionOutcome } from '../../core/decide.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { untilBlocked } from '../setup/database.ts'
import type { Row, State } from '../setup/factory.ts'
import { attemptOf, bytes, insertState, noon, overBoth, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const now = noon

type Write = (db: Db, task: Row) => Promise<unknown>
const submission =
  (outcome: SubmissionOutcome): Write =>
  (db, task) =>
    recordSubmissions(db, [{ ...attemptOf(task), ...outcome }], { now })
const own = (task: Row) => ({ ...attemptOf(task), prediction_id: task.prediction_id ?? 'none' })
const look =
  (outcome: CheckOutcome): Write =>
  (db, task) =>
    recordChecks(db, [{ ...own(task), ...outcome }], { now })
const stored: Write = (db, task) => recordStored(db, [{ ...own(task), files: [], gate_in: 60 }], { now })

const words = { code: 'provider_failed', reason: 'Out of memory.' } as const
const writes: [string, State, Write][] = [
  [
    'throttled',
    'submitting',
    submission({ kind: 'throttled', provider: 'replicate', reason: 'Slow down.', retry_in: 9 }),
  ],
  ['unsent', 'submitting', submission({ kind: 'unsent', retry_in: 0 })],
  ['rejected', 'submitting', submission({ kind: 'rejected', ...words })],
  ['unknown', 'submitting', submission({ kind: 'unknown', search_in: 10 })],
  ['absent', 'unconfirmed', submission({ kind: 'absent' })],
  ['unsettled', 'unconfirmed', submission({ kind: 'unsettled', ...words })],
  ['succeeded', 'running', look({ kind: 'succeeded', output: ['https://provider.test/one.png'] })],
  ['failed', 'running', look({ kind: 'failed', ...words, leave: true })],
  ['missing', 'running', look({ kind: 'missing', retry_in: 60, reason: 'Unknown.' })],
  ['answered', 'running', look({ kind: 'answered' })],
  ['postponed', 'storing', look({ kind: 'postponed', retry_in: 7 })],
  ['stored', 'storing', stored],
]

const text = sql.raw
const rivals: [string, (task: Row) => string][] = [
  ['a new claim', () => 'claim_token = gen_random_uuid()'],
  ['a new attempt', () => 'attempt = attempt + 1'],
  ['the next step', () => 'current_step = current_step + 1'],
]
const free = 'phase = null, claim_token = null, prediction_id = null, output = null'
const moved: [string, (task: Row) => string][] = [
  ['a failure', () => `status = 'failed', ${free}, error_code = 'x', error_message = 'x', finished_at = now()`],
  ['a stored result', () => `status = 'waiting_continue', ${free}`],
  ['a redo', () => `status = 'pending', next_step = current_step, ${free}`],
]
const stale = writes.flatMap(([name, state, write]) =>
  [...rivals, ...moved].map(([rival, change]): [string, string, State, Write, (task: Row) => string] => [
    name,
    rival,
    state,
    write,
    change,
  ]),
)

/** Runs `change` in a transaction that is committed only when `write` is seen waiting for it. */
async function race(db: Db, task: Row, change: (rival: Db) => Promise<unknown>, write: Write) {
  return suite.hold(async (rival) => {
    await change(rival)
    const written = write(db, task)
    await untilBlocked(suite.url)
    return { before: await bytes(rival, task), written }
  })
}

test.each(overBoth(stale))('%s: "%s" is refused after %s', async (driver, _, __, state, write, change) => {
  const db = over(driver)
  const task = await insertState(db, state)
  const rival = (trx: Db) => sql`update tasks set ${text(change(task))} where id = ${task.id}`.execute(trx)
  const { before, written } = await race(db, task, rival, write)
  expect(await written).toEqual([])
  expect(await bytes(db, task)).toBe(before)
})

const cancel = (db: Db, { id, user_id }: Row) => cancelTask(db, { id, user_id, now })
const afterCancel = writes.filter(([, state]) => state === 'running' || state === 'storing')
test.each(overBoth(afterCancel))('%s: "%s" is refused after a cancel', async (driver, _, state, write) => {
  const db = over(driver)
  const task = await insertState(db, state)
  const { before, written } = await race(db, task, (rival) => cancel(rival, task), write)
  expect(await written).toEqual([])
  expect(await bytes(db, task)).toBe(before)
})

const clicks: [string, Write, Write][] = [
  [
    'a second continue',
    (db, task) => continueTask(db, { ...task, now }),
    (db, task) => continueTask(db, { ...task, now }),
  ],
  [
    'a redo after a continue',
    (db, task) => continueTask(db, { ...task, now }),
    (db, task) => redoTask(db, { ...task, now }),
  ],
  ['a continue after a cancel', cancel, (db, task) => continueTask(db, { ...task, now })],
  ['a second cancel', cancel, cancel],
]
test.each(overBoth(clicks))('%s: %s moves nothing, and sees the first', async (driver, _, first, second) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  const { before, written } = await race(db, task, (rival) => first(rival, task), second)
  const answer = await written
  expect(await bytes(db, task)).toBe(before)
  const seen = await over('pg').selectFrom('tasks').selectAll().where('id', '=', task.id).executeTakeFirst()
  expect(answer).toEqual({ ...seen, moved: false })
})
