// Prepared statements over `pg`: planning one of ours takes longer than running it, so each connection plans it once.
// It promises that a server that can't keep a plan, or may not use one any more, only costs the time that was to be saved.
import { createHash } from 'node:crypto'
import { DatabaseError, type PoolClient, type QueryResult } from 'pg'

export type Send = (client: PoolClient, text: string, values: unknown[]) => Promise<QueryResult>

/** For one pool: poolers that hand a connection on after each transaction are told by their first complaint. */
export function prepareEach(): Send {
  let isKept = true
  return async (client, text, values) => {
    // Migrations have no parameters, and several statements in one text.
    if (!isKept || values.length === 0) return client.query(text, values)
    try {
      return await client.query({ name: nameOf(text), text, values })
    } catch (error) {
      if (!wasNotRun(error)) throw error
      if (error.code !== changedResult) isKept = false
      return client.query(text, values)
    }
  }
}

/** "cached plan must not change result type": a migration has added a column to what the statement returns. */
const changedResult = '0A000'
/** The plan isn't on this connection, or somebody else's is, under the same name. */
const lostPlans = ['26000', '42P05']

/** Postgres says so before it runs the statement: sending it again is sending it once. */
function wasNotRun(error: unknown): error is DatabaseError {
  if (!(error instanceof DatabaseError)) return false
  return lostPlans.includes(error.code ?? '') || (error.code === changedResult && /cached plan/.test(error.message))
}

const names = new Map<string, string>()

/** By its content: whoever else uses this connection means the same statement by the same name. */
function nameOf(text: string): string {
  const known = names.get(text)
  if (known) return known
  const name = createHash('sha256').update(text).digest('base64url')
  names.set(text, name)
  return name
}
