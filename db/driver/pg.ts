// `pg` for any Postgres but Neon: a small pool whose failures say what became of the statement. connect() makes one.
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { Pool, type PoolClient, types } from 'pg'
import { typesOver } from '../statements/schema.ts'
import { asDatabaseError } from './errors.ts'
import { prepareEach, type Send } from './prepared-statements.ts'

// A function handles one request at a time and a pass sends its statements one by one; many instances share the server.
const maxConnections = 8
const connectMs = 5_000
const keepAliveMs = 10_000
const graceMs = 1_000
/** A plan is as old as its connection at most, so that it follows the table's growth. */
const lifeSeconds = 300

export function pgPool(url: string, timeoutMs: number, onIdleError: (error: Error) => void): PostgresPool {
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectMs,
    statement_timeout: timeoutMs,
    // The server's limit acts first; this one is for a server that has gone without a word.
    query_timeout: timeoutMs + graceMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    maxLifetimeSeconds: lifeSeconds,
    types: typesOver(types),
  })
  pool.on('error', onIdleError)
  const send = prepareEach()
  // One for each client, not for each use: Kysely remembers each that it has seen.
  const clients = new WeakMap<PoolClient, PostgresPoolClient>()
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await openClient(pool).catch((error: unknown) =>
        Promise.reject(asDatabaseError(error, 'connecting')),
      )
      const known = clients.get(client) ?? wrap(client, send)
      clients.set(client, known)
      return known
    },
  }
}

/**
 * The limit of a statement goes with the connection's start, so that it costs no statement of its own. Poolers that hand a session on
 * after each transaction refuse it there: then our own limit is the only one.
 */
async function openClient(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const isRefused = error instanceof Error && /startup parameter.*statement_timeout/i.test(error.message)
    if (!isRefused || pool.options.statement_timeout === undefined) throw error
    pool.options.statement_timeout = undefined
    return await pool.connect()
  }
}

function wrap(client: PoolClient, send: Send): PostgresPoolClient {
  let isBroken = false
  // The pool hears of idle ones only; a session that ends in our hands would otherwise end the process.
  client.on('error', () => {
    isBroken = true
  })
  const query = async (text: string, parameters: readonly unknown[]) => {
    try {
      return await send(client, text, [...parameters])
    } catch (error) {
      const failure = asDatabaseError(error)
      isBroken ||= failure.isConnectionLost
      throw failure
    }
  }
  // Kysely's other way to call it is for cursors, which Neon's driver doesn't have either.
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(isBroken) }
}
