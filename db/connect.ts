// The way to Postgres for everything in db/: Neon's HTTP driver for Neon, `pg` for any other server. Composition roots
// call it once. Both drivers return the same types and fail with the same DatabaseError; nothing is retried here.
import { neon } from '@neondatabase/serverless'
import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import { NeonDialect, type NeonDialectConfig } from 'kysely-neon'
import { Pool } from 'pg'
import { asDatabaseError } from './errors.ts'
import type { Database } from './schema.ts'

export type Driver = 'neon' | 'pg'

export interface ConnectOptions {
  /** By default `neon` for a host under neon.tech, `pg` for any other. */
  driver?: Driver | undefined
  /** How long one statement may take. */
  timeoutMs?: number
  /** Hears of connections lost while idle, which harm nobody: the next statement opens another. */
  onIdleError?: (error: Error) => void
}

export interface Connection {
  db: Kysely<Database>
  driver: Driver
  close(): Promise<void>
}

// A function handles one request at a time and a pass sends its statements one by one; many instances share the server.
const maxConnections = 8
const connectMs = 5_000
const keepAliveMs = 10_000
const graceMs = 1_000

export function connect(url: string, options: ConnectOptions = {}): Connection {
  const { timeoutMs = 10_000, onIdleError = () => undefined } = options
  // First of all: the drivers' own errors about a malformed address quote it, password included.
  const address = parseUrl(url)
  const driver = options.driver ?? (isNeon(address) ? 'neon' : 'pg')
  const dialect =
    driver === 'neon'
      ? new NeonDialect({ neon: () => neonClient(url, timeoutMs) })
      : new PostgresDialect({ pool: pgPool(url, timeoutMs, onIdleError) })
  const db = new Kysely<Database>({ dialect })
  return { db, driver, close: () => db.destroy() }
}

/** Node's own error carries the whole text, and with it the password. */
export function parseUrl(url: string): URL {
  const parsed = URL.parse(url)
  if (parsed && /^postgres(ql)?:$/.test(parsed.protocol) && parsed.hostname) return parsed
  throw new Error('The database address is not one: expected postgres://user:password@host:5432/database.')
}

export function isNeon({ hostname }: URL): boolean {
  return hostname.endsWith('.neon.tech')
}

type NeonClient = Exclude<NeonDialectConfig['neon'], (...args: never[]) => unknown>

/** The driver has no time limit of its own. When ours aborts the request, Neon cancels the statement. */
function neonClient(url: string, timeoutMs: number): NeonClient {
  const sql = neon(url)
  return {
    query: (text, parameters, options) =>
      sql
        .query(text, parameters, { ...options, fetchOptions: { signal: AbortSignal.timeout(timeoutMs) } })
        .catch((error: unknown) => Promise.reject(asDatabaseError(error))),
  }
}

function pgPool(url: string, timeoutMs: number, onIdleError: (error: Error) => void): PostgresPool {
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectMs,
    statement_timeout: timeoutMs,
    // The server's limit acts first; this one is for a server that has gone without a word.
    query_timeout: timeoutMs + graceMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
  })
  pool.on('error', onIdleError)
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool
        .connect()
        .catch((error: unknown) => Promise.reject(asDatabaseError(error, 'connecting')))
      let isBroken = false
      const query = async (text: string, parameters: readonly unknown[]) => {
        try {
          return await client.query(text, [...parameters])
        } catch (error) {
          const failure = asDatabaseError(error)
          isBroken ||= failure.isConnectionLost
          throw failure
        }
      }
      // Kysely's other way to call it is for cursors, which Neon's driver doesn't have either.
      return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(isBroken) }
    },
  }
}
