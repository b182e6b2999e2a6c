// A database of its own for each test file or test, and what tests watch from outside it: blocked statements and how many
// statements were run.
import { randomUUID } from 'node:crypto'
import { neonConfig } from '@neondatabase/serverless'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool, type PoolConfig, types } from 'pg'
import { inject } from 'vitest'
import { type Connection, type ConnectOptions, connect, type Driver } from '../../db/driver/connect.ts'
import { type Database, typesOver } from '../../db/statements/schema.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NeonStandIn, startNeonStandIn } from './neon.ts'

export interface TestDatabase {
  url: string
  /** Over `neon`, through this worker's stand-in. Closed by drop() at the latest. */
  connect(driver?: Driver, options?: ConnectOptions): Promise<Connection>
  /** Plain sessions, for what tests ask or hold from outside the engine. Ended by drop(). */
  pool(config?: PoolConfig): Pool
  drop(): Promise<void>
}

export interface StatementCounter {
  reset(): Promise<void>
  count(): Promise<number>
  /** What was counted, for the message of a test that fails. */
  list(): Promise<{ query: string; calls: number }[]>
}

const blockedTries = 6_000
const admin = new Pool({ connectionString: inject('postgresUrl'), max: 4, allowExitOnIdle: true })
admin.on('error', (error) => console.error(`The test database server ended a connection: ${error.message}`))
let standIn: Promise<NeonStandIn> | undefined

export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  // The default strategy is slower, and leaves pages behind that make the drop slower still.
  await admin.query(`create database ${name} template ${inject('templateDatabase')} strategy file_copy`)
  // What no request of the file before has met.
  if (standIn) (await standIn).faults.length = 0
  const address = new URL(inject('postgresUrl'))
  address.pathname = name
  const connections: Connection[] = []
  const pools: Pool[] = []
  return {
    url: address.href,
    connect: async (driver = 'pg', options = {}) => {
      if (driver === 'neon') await neonStandIn()
      const connection = connect(address.href, { ...options, driver })
      connections.push(connection)
      return connection
    },
    pool: (config = {}) => {
      const pool = new Pool({ connectionString: address.href, ...config })
      pool.on('error', (error) => {
        // Sessions of an ended pool may still be closing when the database is dropped.
        if (!pool.ending) throw error
      })
      pools.push(pool)
      return pool
    },
    drop: async () => {
      await Promise.all([...connections.map(({ close }) => close()), ...pools.map((pool) => pool.end())])
      // The server remembers so many statements: one that had to make room for those of others is counted anew.
      await statementCounter(address.href).reset()
      await admin.query(`drop database ${name} with (force)`)
    },
  }
}

/** Runs `work` in a transaction of its own. The engine has none: each of its transitions is one statement. */
export async function holdTransaction<T>({ pool }: TestDatabase, work: (rival: Db) => Promise<T>): Promise<T> {
  const dialect = new PostgresDialect({ pool: pool({ max: 1, types: typesOver(types) }) })
  return new Kysely<Database>({ dialect }).transaction().execute(work)
}

/** The stand-in that this worker's Neon connections go through; its faults are the tests' to set. */
export async function neonStandIn(): Promise<NeonStandIn> {
  standIn ??= startNeonStandIn()
  const started = await standIn
  neonConfig.fetchEndpoint = started.fetchEndpoint
  return started
}

/** Resolves once `n` statements in the database wait for a lock that another transaction holds. */
export async function untilBlocked(url: string, n = 1): Promise<void> {
  const blocked = `select count(*)::int as n from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
  for (let left = blockedTries; left > 0; left--) {
    const { rows } = await admin.query<{ n: number }>(blocked, [nameOf(url)])
    if ((rows[0]?.n ?? 0) >= n) return
    await admin.query('select pg_sleep(0.01)')
  }
  const activity = 'select state, wait_event_type, wait_event, query from pg_stat_activity where datname = $1'
  const { rows } = await admin.query(activity, [nameOf(url)])
  throw new Error(`${n} statement(s) were expected to wait for a lock; instead: ${JSON.stringify(rows)}`)
}

/** Counts every statement run in the database from any connection, its transaction control included. */
export function statementCounter(url: string): StatementCounter {
  const database = `(select oid from pg_database where datname = $1)`
  // The stand-in cleans its sessions itself, as Neon's pooler would.
  const counted = `from pg_stat_statements where dbid = ${database} and toplevel and query !~* '^discard all'`
  const name = nameOf(url)
  return {
    reset: async () => {
      await admin.query(`select pg_stat_statements_reset(0, ${database}, 0)`, [name])
    },
    count: async () => {
      const { rows } = await admin.query<{ n: number }>(`select coalesce(sum(calls), 0)::int as n ${counted}`, [name])
      return rows[0]?.n ?? 0
    },
    list: async () => {
      const text = `select query, calls::int ${counted} order by calls desc, query`
      return (await admin.query<{ query: string; calls: number }>(text, [name])).rows
    },
  }
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}
