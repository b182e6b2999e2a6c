// What tests of money share: tasks with prices in each state, what is told of their attempts, and how the books stand.
import { sql } from 'kysely'
import { afterEach, expect } from 'vitest'
import type { CheckOutcome, SubmissionOutcome } from '../../core/decide.ts'
import type { Ceilings } from '../../core/price.ts'
import type { OpenAttempt, Task } from '../../core/task.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { faultsOfBooks } from '../setup/books.ts'
import { later, type Row } from '../setup/factory.ts'
import { attemptOf, claim, noon, read } from './setup.ts'

export const day = '2026-03-01'
export const tomorrow = later(noon, 24 * 3_600)
export const ceilings: Ceilings = { all: 1_000, user: 500, recipes: {} }
export const words = { code: 'provider_failed', reason: 'Out of memory.' } as const

export async function begin(db: Db, more: Partial<NewTask> = {}, now = noon): Promise<Row> {
  const id = crypto.randomUUID()
  const task: NewTask = {
    ...{ id, user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {}, auto_continue: false },
    ...{ total_steps: 3, prices: [10, 20, 30], lock_key: null, idempotency_key: null, request_hash: null },
    ...more,
  }
  await startTask(db, task, { now, ceilings })
  return read(db, { id })
}

/** Started, and its first attempt begun. */
export async function submitting(db: Db, more: Partial<NewTask> = {}): Promise<Row & OpenAttempt> {
  const { id } = await begin(db, more)
  await claim(db, { taskId: id })
  const row = await read(db, { id })
  return { ...row, ...attemptOf(row) }
}

export const tellSubmission = (db: Db, held: OpenAttempt, outcome: SubmissionOutcome, now = noon) =>
  recordSubmissions(db, [{ ...held, ...outcome }], { now })
export const created = (prediction_id: string) => ({ kind: 'created', prediction_id, urls: {}, check_in: 2 }) as const

export async function running(db: Db, more: Partial<NewTask> = {}): Promise<Row & OpenAttempt> {
  const task = await submitting(db, more)
  await tellSubmission(db, task, created(`p-${task.id}`))
  return task
}

export const own = (task: Row & OpenAttempt) => ({ ...attemptOf(task), prediction_id: `p-${task.id}` })
export const tellLook = (db: Db, task: Row & OpenAttempt, outcome: CheckOutcome) =>
  recordChecks(db, [{ ...own(task), ...outcome }], { now: noon })
export const store = (db: Db, task: Row & OpenAttempt, more: { cost?: number } = {}) =>
  recordStored(db, [{ ...own(task), files: [], gate_in: 60, ...more }], { now: noon, ceilings })

/** The ledger's entries of a task: kind, reserved, settled. */
export async function entries(db: Db, { id }: { id: string }) {
  const { rows } = await sql<{ kind: string; reserved_micros: number; settled_micros: number }>`
    select kind, reserved_micros, settled_micros from ledger where task_id = ${id} order by id`.execute(db)
  return rows.map(({ kind, reserved_micros, settled_micros }) => [kind, reserved_micros, settled_micros])
}

export async function spent(db: Db, on = day) {
  const { rows } = await sql<{ scope: string; spent_micros: number }>`
    select scope, spent_micros from spending where day = ${on}::date`.execute(db)
  return Object.fromEntries(rows.map(({ scope, spent_micros }) => [scope, spent_micros]))
}
export const same = (micros: number) => ({ all: micros, 'recipe:try-on': micros, 'user:ada': micros })
export const held = (task: Task) => [task.reserved_micros, task.settled_micros]

/** After each test the books are right. */
export function useBooks(over: (driver: 'pg') => Db): void {
  afterEach(async () => {
    expect(await faultsOfBooks((text) => sql.raw<{ fault: string }>(text).execute(over('pg')))).toEqual([])
  })
}
