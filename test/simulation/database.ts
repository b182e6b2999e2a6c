// The seam to the database: the real statements on the real PostgreSQL, one at a time in the scheduler's order.
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'
import { type Pool, types } from 'pg'
import { asDatabaseError, DatabaseError } from '../../db/driver/errors.ts'
import { retrying } from '../../db/driver/retries.ts'
import type { Database } from '../../db/statements/schema.ts'
import { typesOver } from '../../db/statements/schema.ts'
import type { Db } from '../../db/statements/sql.ts'
import { LoudFault } from './activity.ts'
import type { Scheduler } from './scheduler.ts'
import { databaseNow, type Trouble } from './trouble.ts'
import { requireCall } from './virtual-time.ts'

/** A connection whose plans are made once: planning costs more than all else, and no schedule's rows are many. */
export const connectionOptions = {
  max: 1,
  options: '-c plan_cache_mode=force_generic_plan -c jit=off',
  types: typesOver(types),
}

const deaths = { 'killed before': 0.15, 'killed after': 0.15 }
/** As long as db/driver/connect.ts waits for one. */
const patienceMs = 10_000
/** Errors by which a statement shows that it is wrong, whatever the rows are: syntax, names, types, protocol. */
const isWrong = /^(42|08P01|22|0A|XX)/

export type Row = Readonly<Record<string, unknown>>

/** What hears of each statement that took effect, before anything else happens. */
export interface StatementWitness {
  took(statement: string, parameters: readonly unknown[], rows: readonly Row[]): Promise<void>
  /** A constraint refused the rows. */
  refused(statement: string, error: DatabaseError): void
}

export interface DbSeam {
  pool: Pool
  rewrite(statement: string, call: string): string
  /** Statements that a mutant sends again when their answer is lost. */
  resends(statement: string): boolean
  witness: StatementWitness
  trouble: Trouble
  /** How often statements fail, of ten. */
  shakes: number
  /** So often what checks have found is written, and the answer lost; also when the other faults have stopped. */
  losesChecks: boolean
  /** Claims that many rows answer come back as 507 from Neon's proxy: done, and not to be read. */
  isNarrow: boolean
}

/** For an instance that has a clock of its own. */
export function openDb(scheduler: Scheduler, clockMs: () => number, seam: DbSeam): Db {
  const once = ({ sql, parameters, queryId }: CompiledQuery) => {
    const call = requireCall()
    const madeAt = made.get(queryId) ?? clockMs()
    made.set(queryId, madeAt)
    return scheduler.operate(call, {
      label: `statement ${nameOf(sql)}`,
      fates: { 'failed before': seam.shakes, 'failed after': seam.shakes, ...deaths },
      lasting: seam.losesChecks && isOfChecks(sql) ? { 'failed after': seam.shakes } : undefined,
      patienceMs,
      run: () => {
        scheduler.statements += 1
        const nowMs = databaseNow(scheduler, seam.trouble)
        const values = parameters.map((value) => instantOf(value, madeAt, nowMs))
        return query(seam, seam.rewrite(sql, call.name), sql, values)
      },
      fail: (fate) =>
        new DatabaseError(`statement ${fate}`, fate === 'failed before' ? '08001' : '08007', undefined, fate),
    })
  }
  const executeQuery = (compiled: CompiledQuery) =>
    seam.resends(compiled.sql) ? once(compiled).catch(() => once(compiled)) : once(compiled)
  const wait = () =>
    scheduler.operate<void>(requireCall(), {
      label: 'a rest before the statement is sent again',
      fates: deaths,
      patienceMs: Number.POSITIVE_INFINITY,
      run: async () => undefined,
      fail: () => undefined,
    })
  return new Kysely<Database>({ dialect: dialectOf({ executeQuery } as unknown as DatabaseConnection, wait) })
}

/** The statement that writes what checks have found. */
export const isOfChecks = (sql: string): boolean => sql.includes('succeeded as (')

const mostRows = 2
const tooLarge = new DatabaseError('the answer is too large', '54N07', undefined, undefined)

async function query({ pool, witness, isNarrow }: DbSeam, text: string, original: string, values: unknown[]) {
  let rows: Row[]
  try {
    rows = (await pool.query<Row>({ name: planOf(text), text, values })).rows
  } catch (cause) {
    const error = asDatabaseError(cause)
    if (isWrong.test(error.code)) throw new LoudFault(`a statement is wrong: ${error.message}\n${text}`, { cause })
    witness.refused(original, error)
    throw error
  }
  if (rows.length > 1 && 'id' in (rows[0] ?? {})) rows.sort(byId)
  await witness.took(original, values, rows)
  if (isNarrow && rows.length > mostRows && rows.some((row) => 'work' in row)) throw tooLarge
  return { rows }
}

/** Statements give sets. Which row comes first may depend on where it lies on disk, which a seed says nothing of. */
const byId = (one: Row, other: Row) => String(one['id']).localeCompare(String(other['id']))

/** When a statement was first made, by its instance's clock: it may be run much later, and be sent again. */
const made = new WeakMap<CompiledQuery['queryId'], number>()

/**
 * Instances hand in their own "now" where the database would take its own, which is that of the moment at which the statement
 * runs. Other instants were the database's before.
 */
const instantOf = (value: unknown, madeAt: number, nowMs: number): unknown =>
  value instanceof Date && value.getTime() === madeAt ? new Date(nowMs) : value

const plans = new Map<string, string>()

function planOf(text: string): string {
  const known = plans.get(text) ?? `plan_${plans.size + 1}`
  plans.set(text, known)
  return known
}

const names = new Map<string, string>()

/** The names of a statement's moves are its best short description. */
function nameOf(sql: string): string {
  const known = names.get(sql)
  if (known) return known
  const moves = [...sql.matchAll(/^\s*(\w+) as (?:materialized )?\($/gm)].map((match) => match[1])
  const helpers = [
    'told',
    'target',
    'queue',
    'due',
    'terms',
    'free',
    'caps',
    'ranked',
    'admitted',
    'locked',
    'weighed',
    'seated',
  ]
  const own = moves.filter((move) => move && !helpers.includes(move))
  const name = own.join('+') || sql.trim().replaceAll(/\s+/g, ' ').slice(0, 40)
  names.set(sql, name)
  return name
}

/** As patient as in production; how long it rests is the scheduler's to say. */
function dialectOf(connection: DatabaseConnection, wait: () => Promise<void>): Dialect {
  const nothing = async () => undefined
  const driver: Driver = {
    init: nothing,
    destroy: nothing,
    acquireConnection: async () => connection,
    releaseConnection: nothing,
    beginTransaction: nothing,
    commitTransaction: nothing,
    rollbackTransaction: nothing,
  }
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createDriver: () => driver,
  }
  return retrying(dialect, { wait })
}
