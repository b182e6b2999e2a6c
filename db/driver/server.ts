// What is asked of the database server itself, beside any task: who it is, by which clock, and how far its tables are. The doctor asks.
import { sql } from 'kysely'
import type { Db } from '../statements/sql.ts'
import { DatabaseError } from './errors.ts'
import { repeatable } from './retries.ts'

export interface Server {
  version: string
  now: Date
}

export async function readServer(db: Db): Promise<Server> {
  const { rows } = await sql<Server>`
    select current_setting('server_version') as version, clock_timestamp() as now
  `.execute(repeatable(db))
  return rows[0] as Server
}

/** The migrations that were applied, in their order; none where there are no tables yet. */
export async function readApplied(db: Db): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
      repeatable(db),
    )
    return rows.map(({ name }) => name)
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '42P01') return []
    throw error
  }
}
