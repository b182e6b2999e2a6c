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
  /** What the server was sent, the most frequent first. */
  statements: Statement[]
  walBytes: number
  cpuSeconds: number
}

export interface Statement {
  calls: number
  text: string
  /** BEGIN, COMMIT, ROLLBACK, SET: round trips as well. */
  isFrame: boolean
}

export interface Server {
  version: string
  createDatabase(name: string): Promise<string>
  dropDatabase(name: string): Promise<void>
  /** Begins to count, after a checkpoint. Gives what was counted up to the call. */
  count(database: string): Promise<() => Promise<Counted>>
  stop(): Promise<void>
}

const frame = String.raw`^\s*(begin|start transaction|commit|rollback|savepoint|release|set|reset|discard)`

export async function openServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-bench-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings })
  const admin = new Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query('create extension pg_stat_statements')
  const one = async (text: string, values: unknown[] = []) => (await admin.query(text, values)).rows[0]
  const { version } = await one(`select current_setting('server_version') as version`)
  const statementsIn = `select query as text, sum(calls)::int as calls, query ~* '${frame}' as "isFrame"
    from pg_stat_statements where dbid = (select oid from pg_database where datname = $1) group by query order by calls desc`
  const read = async () => {
    const { wal } = await one(`select pg_current_wal_insert_lsn() - '0/0' as wal`)
    return { walBytes: Number(wal), cpuSeconds: await cpuSecondsOfTree(postgres.pid) }
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
      const before = await read()
      return async () => {
        const after = await read()
        return {
          statements: (await admin.query<Statement>(statementsIn, [database])).rows,
          walBytes: after.walBytes - before.walBytes,
          cpuSeconds: after.cpuSeconds - before.cpuSeconds,
        }
      }
    },
    stop: async () => {
      await admin.end()
      await postgres.stop()
      await rm(folder, { recursive: true })
    },
  }
}
