// Forgetting: old finished tasks go, with their history, in bounded batches. Called by recover, where a deployment wants it.
import { type RawBuilder, sql } from 'kysely'
import { clock, type Db, type Timed } from './sql.ts'

export interface Retention extends Timed {
  /** Since the task was over. */
  olderThanSeconds: number
  limit: number
}

/**
 * Deletes the oldest of them and returns their ids, fewer than `limit` when none is left. Ids begin with their instant, so the oldest are
 * the first of the primary key: no index of its own, and a table of millions costs what one of thousands does. Whatever is
 * due at the provider yet, or held by somebody at this moment, stays.
 */
export async function deleteFinished(db: Db, { olderThanSeconds, limit, ...timed }: Retention): Promise<string[]> {
  const end = sql<Date>`${clock(timed)} - ${olderThanSeconds}::float8 * interval '1 second'`
  const { rows } = await sql<{ id: string }>`
    with past as (
      select id from tasks
      where id < ${firstIdOf(end)} and finished_at < ${end} and due_at is null and phase is null
      order by id limit ${limit} for update skip locked)
    delete from tasks where id in (select id from past) returning id
  `.execute(db)
  return rows.map(({ id }) => id)
}

/** No UUIDv7 made from this instant on is smaller. */
const firstIdOf = (instant: RawBuilder<Date>) =>
  sql`(lpad(to_hex((extract(epoch from ${instant}) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid`
