// The way to Postgres for everything in db/: Neon's HTTP driver for Neon, `pg` for any other server. Composition roots
// call it once. Both drivers return the same types, fail with the same DatabaseError, and repeat what may be repeated.

import { type Dialect, Kysely, PostgresDialect } from 'kysely'
import { NeonDialect } from 'kysely-neon'
import { isPostgresAddress } from '../../core/config.ts'
import type { Database } from '../statements/schema.ts'
import type { DatabaseError } from './errors.ts'
import { retrying } from './retries.ts'

export type Driver = 'neon' | 'pg'

export interface ConnectOptions {
  /** By default `neon` for a host under neon.tech, `pg` for any other. */
  driver?: Driver | undefined
  /** How long one statement may take. */
  timeoutMs?: number
  /** Hears of connections lost while idle, which harm nobody: the next statement opens another. */
  onIdleError?: (error: Error) => void
  /** Hears of failures that nobody else does, because the statement is sent again. */
  onRepeat?: (error: DatabaseError) => void
}

export interface Connection {
  db: Kysely<Database>
  driver: Driver
  close(): Promise<void>
}

export function connect(url: string, options: ConnectOptions = {}): Connection {
  const { timeoutMs = 10_000, onIdleError = () => undefined, onRepeat } = options
  // First of all: the drivers' own errors about a malformed address quote it, password included.
  const address = parseUrl(url)
  const driver = options.driver ?? (isNeon(address) ? 'neon' : 'pg')
  // The driver is loaded with the first statement: only the one that is needed, and none by a ping that finds all idle.
  const dialect: Dialect =
    driver === 'neon'
      ? new NeonDialect({ neon: async () => (await import('./neon.ts')).neonClient(url, timeoutMs) })
      : new PostgresDialect({ pool: async () => (await import('./pg.ts')).pgPool(url, timeoutMs, onIdleError) })
  const db = new Kysely<Database>({ dialect: retrying(dialect, { onRepeat }) })
  return { db, driver, close: () => db.destroy() }
}

/** Node's own error carries the whole text, and with it the password. */
export function parseUrl(url: string): URL {
  if (isPostgresAddress(url)) return new URL(url)
  throw new Error('The database address is not one: expected postgres://user:password@host:5432/database.')
}

export function isNeon({ hostname }: URL): boolean {
  return hostname.endsWith('.neon.tech')
}
