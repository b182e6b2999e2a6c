// What the tests of db/ share: one database a file, emptied before each test, reached by both drivers; statements with the
// arguments that a test doesn't care about; and a row as text, so that "unchanged" means every byte of it.
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, test } from 'vitest'
import type { OpenAttempt, Task } from '../../core/task.ts'
import type { Driver } from '../../db/driver/connect.ts'
import { type ClaimParams, claimDue } from '../../db/statements/claim.ts'
import type { Db } from '../../db/statements/sql.ts'
import { createDatabase, holdTransaction, type TestDatabase } from '../setup/database.ts'
import {
  insertTask,
  leaseSeconds,
  type Row,
  type State,
  states,
  type TaskOverrides,
  tryOnTerms,
} from '../setup/factory.ts'

const drivers: Driver[] = ['pg', 'neon']
/** Registers one test a driver: the contract is the same over both. */
export const each = test.each(drivers)

/** The same for a table of cases. */
export const overBoth = <Case extends unknown[]>(cases: readonly Case[]): [Driver, ...Case][] =>
  drivers.flatMap((driver) => cases.map((one): [Driver, ...Case] => [driver, ...one]))

export const noon = new Date('2026-03-01T12:00:00.000Z')

export interface Suite {
  readonly url: string
  over(driver: Driver): Db
  /** Runs `work` in a transaction, which holds its locks until the work has ended. */
  hold<T>(work: (rival: Db) => Promise<T>): Promise<T>
}

export function useDatabase(): Suite {
  let database: TestDatabase
  const connected = new Map<Driver, Db>()
  const over = (driver: Driver) => {
    const db = connected.get(driver)
    if (!db) throw new Error('the database is connected before the first test')
    return db
  }
  beforeAll(async () => {
    database = await createDatabase()
    for (const driver of drivers) connected.set(driver, (await database.connect(driver)).db)
  })
  beforeEach(async () => {
    // The ledger takes no deletes but where triggers are off.
    await sql.raw('begin; set local session_replication_role = replica; delete from ledger; commit').execute(over('pg'))
    // Much quicker than truncate for the few rows that a test leaves.
    await sql`with paused as (delete from providers), erased as (delete from erasures), ended as (delete from ended_sessions),
      spent as (delete from spending), switched as (delete from switches), unheard as (delete from listeners)
      delete from tasks`.execute(over('pg'))
  })
  afterAll(() => database.drop())
  return {
    get url() {
      return database.url
    },
    over,
    hold: (work) => holdTransaction(database, work),
  }
}

export function claim(db: Db, params: Partial<ClaimParams> = {}) {
  return claimDue(db, { terms: [tryOnTerms], limit: 100, submitLeaseSeconds: leaseSeconds, now: noon, ...params })
}

export function insertState(db: Db, state: State, overrides: TaskOverrides = {}): Promise<Row> {
  return insertTask(db, { at: noon, ...states[state], ...overrides })
}

/** The open attempt; for a row without one, an attempt that nobody ever had. */
export function attemptOf(task: Task): OpenAttempt {
  return {
    id: task.id,
    step: task.current_step,
    attempt: task.attempt,
    claim_token: task.claim_token ?? randomUUID(),
  }
}

export async function read(db: Db, { id }: { id: string }): Promise<Row> {
  const { rows } = await sql<Row>`select * from tasks where id = ${id}`.execute(db)
  if (!rows[0]) throw new Error(`no task ${id}`)
  return rows[0]
}

/** Every byte of the row and the transaction that wrote it: two equal texts mean that nothing was written between. */
export async function bytes(db: Db, { id }: { id: string }): Promise<string | undefined> {
  const { rows } = await sql<{ row: string }>`
    select t.xmin || ' ' || t::text as row from tasks t where id = ${id}`.execute(db)
  return rows[0]?.row
}

/** All prediction ids that a row remembers, wherever. */
export function predictionsOf(task: Task): string[] {
  const closed = task.steps.flatMap((record) => [record, ...(record.past ?? [])])
  const all = [task.prediction_id, ...closed.map((record) => record.prediction_id)]
  return [...all, ...task.strays.map((one) => one.prediction_id)].filter((id) => id !== null)
}
