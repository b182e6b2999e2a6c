// A PostgreSQL of a benchmark's own, thrown away at the end: migrated databases, and what the server itself counts of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { migrate } from '../../db/migrate.ts'
import { startPostgres } from '../../dev/postgres.ts'

export type Settings = Record<string, string | number>

export interface Cluster {
  /** A new, migrated database; its address. */
  createDatabase(name: string): Promise<string>
  /** What a database was asked since reset(): as the server counts it, from every connection. */
  counted(url: string): Promise<Counted>
  reset(url: string): Promise<void>
}

export interface Counted {
  statements: number
  /** Connections that were opened. */
  sessions: number
}

/** No statement waits for the disk: what is compared is then the statements' own work, and every difference counts more. */
export const quick: Settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

const statistics: Settings = { shared_preload_libraries: 'pg_stat_statements', compute_query_id: 'on' }

export async function withCluster<T>(settings: Settings, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-bench-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: { ...statistics, ...settings } })
  const admin = new Pool({ connectionString: postgres.url, max: 1 })
  admin.on('error', () => undefined) // The server ends it before the pool does.
  try {
    await admin.query('create extension pg_stat_statements')
    return await work(openCluster(postgres.url, admin))
  } finally {
    await admin.end()
    await postgres.stop()
    await rm(folder, { recursive: true })
  }
}

function openCluster(address: string, admin: Pool): Cluster {
  const sessionsBefore = new Map<string, number>()
  const sessionsOf = async (url: string) => {
    const text = 'select sessions::int from pg_stat_database where datname = $1'
    return (await admin.query<{ sessions: number }>(text, [nameOf(url)])).rows[0]?.sessions ?? 0
  }
  const database = '(select oid from pg_database where datname = $1)'
  return {
    createDatabase: async (name) => {
      await admin.query(`create database ${name}`)
      const url = new URL(address)
      url.pathname = name
      await migrate(url.href)
      return url.href
    },
    counted: async (url) => {
      const text = `select coalesce(sum(calls), 0)::int as statements from pg_stat_statements
        where toplevel and dbid = ${database}`
      const { rows } = await admin.query<{ statements: number }>(text, [nameOf(url)])
      const sessions = (await sessionsOf(url)) - (sessionsBefore.get(url) ?? 0)
      return { statements: rows[0]?.statements ?? 0, sessions }
    },
    reset: async (url) => {
      await admin.query(`select pg_stat_statements_reset(0, ${database}, 0)`, [nameOf(url)])
      sessionsBefore.set(url, await sessionsOf(url))
    },
  }
}

const nameOf = (url: string) => new URL(url).pathname.slice(1)
