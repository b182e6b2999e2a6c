// Forgetting: old finished tasks go, with their history, in bounded batches. Called by recover, where a deployment wants it. The rows go
// first and their ids stay noted until their files are gone, so that no task that lives can lose a file, and no file its last owner.
import { sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, firstIdAt, type Timed } from './sql.ts'

export interface Retention extends Timed {
  /** Since the task was over. */
  olderThanSeconds: number
  limit: number
}

/**
 * Deletes the oldest of them and notes their ids: fewer than `limit` when none is left. Ids begin with their instant, so the oldest are
 * the first of the primary key: no index of its own, and a table of millions costs what one of thousands does. Whatever is
 * due at the provider yet, or held by somebody at this moment, stays.
 */
export async function deleteFinished(db: Db, { olderThanSeconds, limit, ...timed }: Retention): Promise<string[]> {
  const end = sql<Date>`${clock(timed)} - ${olderThanSeconds}::float8 * interval '1 second'`
  const { rows } = await sql<{ id: string }>`
    with past as (
      select id from tasks
      where id < ${firstIdAt(end)} and finished_at < ${end} and due_at is null and phase is null
      order by id limit ${limit} for update skip locked),
    gone as (delete from tasks where id in (select id from past) returning id)
    insert into forgotten select id from gone returning id
  `.execute(db)
  return rows.map(({ id }) => id)
}

/** Tasks whose files are still to go. */
export async function readForgotten(db: Db, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from forgotten order by id limit ${limit}`.execute(
    repeatable(db),
  )
  return rows.map(({ id }) => id)
}

/** Their files are gone. */
export async function dropForgotten(db: Db, ids: readonly string[]): Promise<void> {
  await sql`delete from forgotten where id = any(${ids}::uuid[])`.execute(repeatable(db))
}

/** Those of the ids that are no task's. */
export async function readMissing(db: Db, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${ids}::uuid[]) as named (id) where not exists (select from tasks where tasks.id = named.id)
  `.execute(repeatable(db))
  return rows.map(({ id }) => id)
}
