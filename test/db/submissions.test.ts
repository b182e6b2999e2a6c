// recordSubmissions(): each fate of a create, written to the attempt that it speaks of.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { SubmissionOutcome } from '../../core/decide.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { OfAttempt } from '../../db/statements/sql.ts'
import { insertTasks, later, type Row, stray } from '../setup/factory.ts'
import { attemptOf, bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const now = noon
const urls = { get: 'https://provider.test/p1', cancel: 'https://provider.test/p1/cancel' }
const created: SubmissionOutcome = { kind: 'created', prediction_id: 'p1', urls, check_in: 2 }
type Final = Extract<SubmissionOutcome, { kind: 'rejected' | 'unsettled' }>
const throttled: SubmissionOutcome = { kind: 'throttled', provider: 'replicate', reason: 'Slow down.', retry_in: 30 }
const rejected: Final = { kind: 'rejected', code: 'provider_rejected', reason: 'No such version.' }
const unsettled: Final = { kind: 'unsettled', code: 'submission_unconfirmed', reason: 'Nobody knows.' }

const tell = (task: Row, outcome: SubmissionOutcome): OfAttempt<SubmissionOutcome> => ({
  ...attemptOf(task),
  ...outcome,
})
const open = ['submitting', 'unconfirmed'] as const
const providers = async (db: Parameters<typeof read>[0]) => (await sql`select * from providers`.execute(db)).rows

each('%s: recordSubmissions() does nothing on an empty table', async (driver) => {
  const db = over(driver)
  expect(await recordSubmissions(db, [])).toEqual([])
  const nobody = { id: crypto.randomUUID(), step: 1, attempt: 1, claim_token: crypto.randomUUID() }
  expect(await recordSubmissions(db, [{ ...nobody, ...created }])).toEqual([])
})

test.each(overBoth(open.map((state) => [state])))(
  '%s: recordSubmissions() adopts the created prediction of an attempt that is %s, once',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state)
    expect(await recordSubmissions(db, [tell(task, created)], { now })).toEqual([
      { id: task.id, did: 'created', status: 'processing' },
    ])
    const adopted = {
      phase: 'running',
      prediction_id: 'p1',
      provider_urls: urls,
      due_at: later(noon, 2),
      updated_at: now,
    }
    expect(await read(db, task)).toEqual({ ...task, ...adopted })
    const before = await bytes(db, task)
    expect(await recordSubmissions(db, [tell(task, created)], { now: later(noon, 1) })).toEqual([])
    expect(await bytes(db, task)).toBe(before)
  },
)

const given: [string, SubmissionOutcome, { attempt: number; due_at: Date }][] = [
  ['throttled', throttled, { attempt: 1, due_at: later(noon, 30) }],
  ['unsent', { kind: 'unsent', retry_in: 5 }, { attempt: 1, due_at: later(noon, 5) }],
  ['absent', { kind: 'absent' }, { attempt: 2, due_at: noon }],
]
test.each(overBoth(given))(
  '%s: recordSubmissions() returns a task whose create was %s to pending for the same step',
  async (driver, did, outcome, expected) => {
    const db = over(driver)
    for (const state of open) {
      const task = await insertState(db, state, { current_step: 2, attempt: 2 })
      expect(await recordSubmissions(db, [tell(task, outcome)], { now })).toEqual([
        { id: task.id, did, status: 'pending' },
      ])
      const released = { status: 'pending', phase: null, claim_token: null, next_step: 2, updated_at: now }
      expect(await read(db, task)).toEqual({ ...task, ...released, ...expected })
      const again = await claim(db, { now: later(noon, 60), taskId: task.id })
      expect(again.tasks).toMatchObject([{ work: 'submit', current_step: 2, attempt: expected.attempt + 1 }])
    }
  },
)

test.each(overBoth(given))(
  '%s: recordSubmissions() lets a canceled task rest whose create was %s',
  async (driver, did, outcome) => {
    const db = over(driver)
    for (const state of ['canceled while submitting', 'canceled while unconfirmed'] as const) {
      const task = await insertState(db, state)
      const other = await insertState(db, state, { strays: [stray()] })
      const told = [tell(task, outcome), tell(other, outcome)]
      expect(await recordSubmissions(db, told, { now })).toHaveLength(2)
      const closed = { status: 'canceled', phase: null, claim_token: null, finished_at: task.finished_at }
      expect(await read(db, task), did).toMatchObject({ ...closed, due_at: null, steps: task.steps })
      expect(await read(db, other), did).toMatchObject({ ...closed, due_at: now })
    }
  },
)

each('%s: recordSubmissions() pauses the provider that throttled, for the longest time asked', async (driver) => {
  const db = over(driver)
  const [one, two, three] = (await insertTasks(db, Array(3).fill({ at: noon, phase: 'submitting' }))) as [Row, Row, Row]
  const longer = { ...throttled, retry_in: 45, reason: 'No credit.' }
  const elsewhere = { ...throttled, provider: 'fal', retry_in: 3 }
  await recordSubmissions(db, [tell(one, throttled), tell(two, longer), tell(three, elsewhere)], { now })
  const replicate = { name: 'replicate', paused_until: later(noon, 45), paused_for: 'No credit.', updated_at: now }
  const fal = { ...replicate, name: 'fal', paused_for: 'Slow down.', paused_until: later(noon, 3) }
  const pauses = [replicate, fal].map((pause) => expect.objectContaining(pause))
  expect(await providers(db)).toEqual(expect.arrayContaining(pauses))
  const late = await insertState(db, 'submitting')
  await recordSubmissions(db, [tell(late, { ...throttled, retry_in: 10 })], { now: later(noon, 5) })
  expect(await providers(db)).toContainEqual(
    expect.objectContaining({ name: 'replicate', paused_until: later(noon, 45), paused_for: 'No credit.' }),
  )
  await recordSubmissions(db, [{ ...attemptOf(late), ...throttled }], { now: later(noon, 40) })
  expect(await providers(db)).toContainEqual(
    expect.objectContaining({ name: 'replicate', paused_until: later(noon, 70), paused_for: 'Slow down.' }),
  )
})

const final = [rejected, unsettled].map((outcome): [string, Final] => [outcome.kind, outcome])
test.each(overBoth(final))(
  '%s: recordSubmissions() fails a task whose create is %s, with its words and its record',
  async (driver, did, outcome) => {
    const db = over(driver)
    for (const state of open) {
      const task = await insertState(db, state, { attempt: 2 })
      expect(await recordSubmissions(db, [tell(task, outcome)], { now })).toEqual([
        { id: task.id, did, status: 'failed' },
      ])
      const { code, reason } = outcome
      const row = await read(db, task)
      expect(row).toMatchObject({ status: 'failed', phase: null, claim_token: null, due_at: null, finished_at: now })
      expect(row).toMatchObject({ error_code: code, error_message: reason, updated_at: now })
      const ended = { step: 1, status: 'failed', attempt: 2, prediction_id: null, finished_at: now.toISOString() }
      expect(row.steps).toMatchObject([{ ...ended, submitted_at: task.submitted_at?.toISOString(), error_code: code }])
      expect(row.steps[0]?.past).toEqual(task.steps)
    }
  },
)

test.each(overBoth(final))(
  '%s: recordSubmissions() keeps a task canceled whose create is %s',
  async (driver, _, outcome) => {
    const db = over(driver)
    const task = await insertState(db, 'canceled while unconfirmed')
    await recordSubmissions(db, [tell(task, outcome)], { now })
    const closed = { phase: null, claim_token: null, due_at: null, updated_at: now }
    expect(await read(db, task)).toEqual({ ...task, ...closed })
  },
)

test.each(
  overBoth(['submitting', 'unconfirmed', 'canceled while unconfirmed'].map((state) => [state as 'submitting'])),
)('%s: recordSubmissions() keeps an attempt open whose fate is unknown, when %s', async (driver, state) => {
  const db = over(driver)
  const task = await insertState(db, state)
  const told = [tell(task, { kind: 'unknown', search_in: 10 })]
  expect(await recordSubmissions(db, told, { now })).toEqual([{ id: task.id, did: 'unknown', status: task.status }])
  const unconfirmed = { phase: 'unconfirmed', due_at: later(noon, 10), updated_at: now }
  expect(await read(db, task)).toEqual({ ...task, ...unconfirmed })
})

each('%s: recordSubmissions() writes a batch whatever characters a reason has', async (driver) => {
  const db = over(driver)
  const [one, two, three] = (await insertTasks(db, Array(3).fill({ at: noon, phase: 'submitting' }))) as [Row, Row, Row]
  const told = [
    tell(one, { ...rejected, reason: 'a\0b \ud83d half \udc00 é 😀 "\\ \u0001' }),
    tell(two, { ...throttled, reason: '\0\ud800' }),
    tell(three, { ...created, prediction_id: 'p\0q' }),
  ]
  expect(await recordSubmissions(db, told, { now })).toHaveLength(3)
  const message = 'ab \ufffd half \ufffd é 😀 "\\ \u0001'
  expect(await read(db, one)).toMatchObject({ status: 'failed', error_message: message })
  expect(await read(db, two)).toMatchObject({ status: 'pending' })
  expect(await read(db, three)).toMatchObject({ phase: 'running', prediction_id: 'pq' })
})
