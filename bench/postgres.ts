// A PostgreSQL for a benchmark, thrown away at the end: fresh databases, and what the server itself counts of them: statements, bytes of WAL,
// seconds of CPU, connections. Every part opens one.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { migrate } from '../db/migrate.ts'
import { startPostgres } from '../dev/postgres.ts'
import { cpuSecondsOfTree } from './side/processes.ts'

type Settings = Record<string, string | number>

const counting = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'top',
  'pg_stat_statements.max': 10_000,
}

/** Of the engines side by side. Durable as it comes: fsync, synchronous_commit and full_page_writes are left on. No checkpoint falls into a round by itself. */
export const durable = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_connections: 200,
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  ...counting,
}

/** No statement waits for the disk: what is compared is then the statements' own work, and every difference counts more. */
export const quick: Settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

export interface Counted {
  /** What the server was sent, the most frequent first. */
  statements: Statement[]
  walBytes: number
  cpuSeconds: number
  /** Connections that were opened. */
  sessions: number
}

export interface Statement {
  calls: number
  text: string
  /** BEGIN, COMMIT, ROLLBACK, SET: round trips as well. */
  isFrame: boolean
}

export interface Server {
  version: string
  /** An empty one; its address. */
  createDatabase(name: string): Promise<string>
  /** One with the product's tables; its address. */
  createMigrated(name: string): Promise<string>
  dropDatabase(name: string): Promise<void>
  /** Begins to count, after a checkpoint. Gives what was counted up to the call. */
  count(database: string): Promise<() => Promise<Counted>>
  stop(): Promise<void>
}

const frame = String.raw`^\s*(begin|start transaction|commit|rollback|savepoint|release|set|reset|discard)`

export async function withServer<T>(settings: Settings, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await openServer(settings)
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

export async function openServer(settings: Settings): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-bench-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: { ...counting, ...settings } })
  const admin = new Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query('create extension pg_stat_statements')
  const one = async (text: string, values: unknown[] = []) => (await admin.query(text, values)).rows[0]
  const { version } = await one(`select current_setting('server_version') as version`)
  const statementsIn = `select query as text, sum(calls)::int as calls, query ~* '${frame}' as "isFrame"
    from pg_stat_statements where dbid = (select oid from pg_database where datname = $1) group by query order by calls desc`
  const read = async (database: string) => {
    const { wal, sessions } = await one(
      `select pg_current_wal_insert_lsn() - '0/0' as wal, sessions::int from pg_stat_database where datname = $1`,
      [database],
    )
    return { walBytes: Number(wal), cpuSeconds: await cpuSecondsOfTree(postgres.pid), sessions }
  }
  const createDatabase = async (name: string) => {
    await admin.query(`create database ${name}`)
    const url = new URL(postgres.url)
    url.pathname = name
    return url.href
  }
  return {
    version,
    createDatabase,
    createMigrated: async (name) => {
      const url = await createDatabase(name)
      await migrate(url)
      return url
    },
    dropDatabase: async (name) => {
      await admin.query(`drop database ${name} with (force)`)
    },
    count: async (database) => {
      await admin.query('checkpoint')
      await admin.query('select pg_stat_statements_reset()')
      const before = await read(database)
      return async () => {
        const after = await read(database)
        return {
          statements: (await admin.query<Statement>(statementsIn, [database])).rows,
          walBytes: after.walBytes - before.walBytes,
          cpuSeconds: after.cpuSeconds - before.cpuSeconds,
          sessions: after.sessions - before.sessions,
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

export const callsOf = (statements: readonly Statement[]): number =>
  statements.reduce((sum, { calls }) => sum + calls, 0)
