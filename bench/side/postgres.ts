// The PostgreSQL that all engines share, one at a time: started with the same settings for everybody, a fresh database for each
// round, and what the server itself counted of it: statements, bytes of WAL, and seconds of CPU.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { startPostgres } from '../../dev/postgres.ts'
import { cpuSecondsOfTree } from './processes.ts'

/** Durable as it comes: fsync, synchronous_commit and full_page_writes are left on. No checkpoint falls into a round by itself. */
export const settings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_connections: 200,
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'top',
  'pg_stat_statements.max': 10_000,
}

export interface Counted {
  /** Statements that the server was sent, without the frames of transactions. */
  statements: number
  /** BEGIN, COMMIT, ROLLBACK, SET: round trips as well. */
  frames: number
  walBytes: number
  cpuSeconds: number
}

export interface Statement {
  calls: number
  text: string
}

export interface Server {
  version: string
  createDatabase(name: string): Promise<string>
  dropDatabase(name: string): Promise<void>
  /** Begins to count, after a checkpoint. Gives what was counted up to the call. */
  count(database: string): Promise<() => Promise<Counted>>
  /** Since count(), the most frequent first. */
  list(database: string): Promise<Statement[]>
  stop(): Promise<void>
}

const frame = `query ~* '^\\s*(begin|start transaction|commit|rollback|savepoint|release|set|reset|discard)'`

export async function openServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-bench-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings })
  const admin = new Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query('create extension pg_stat_statements')
  const one = async (text: string, values: unknown[] = []) => (await admin.query(text, values)).rows[0]
  const { version } = await one(`select current_setting('server_version') as version`)
  const oid = 'dbid = (select oid from pg_database where datname = $1)'
  const read = async (database: string) => {
    const { statements, frames } = await one(
      `select coalesce(sum(calls) filter (where not ${frame}), 0)::int as statements,
        coalesce(sum(calls) filter (where ${frame}), 0)::int as frames from pg_stat_statements where ${oid}`,
      [database],
    )
    const { wal } = await one(`select pg_current_wal_insert_lsn() - '0/0' as wal`)
    return { statements, frames, walBytes: Number(wal), cpuSeconds: await cpuSecondsOfTree(postgres.pid) }
  }
  return {
    version,
    createDatabase: async (name) => {
      await admin.query(`create database ${name}`)
      const url = new URL(postgres.url)
      url.pathname = name
      return url.href
    },
    dropDatabase: async (name) => {
      await admin.query(`drop database ${name} with (force)`)
    },
    count: async (database) => {
      await admin.query('checkpoint')
      await admin.query('select pg_stat_statements_reset()')
      const before = await read(database)
      return async () => difference(await read(database), before)
    },
    list: async (database) => {
      const text = `select calls::int, query as text from pg_stat_statements where ${oid} order by calls desc`
      return (await admin.query<Statement>(text, [database])).rows
    },
    stop: async () => {
      await admin.end()
      await postgres.stop()
      await rm(folder, { recursive: true })
    },
  }
}

function difference(after: Counted, before: Counted): Counted {
  return {
    statements: after.statements - before.statements,
    frames: after.frames - before.frames,
    walBytes: after.walBytes - before.walBytes,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  }
}
