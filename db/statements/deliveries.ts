// What an operator asks of the outbox, and its upkeep: the newest events and what became of them, one of them once more, and old ones gone.
// `npm run tasks -- deliveries` and the hourly sweep call it.
import { sql } from 'kysely'
import type { ChannelKind, EventType } from '../../core/event.ts'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, seconds, type Timed } from './sql.ts'

export interface OutboxRow {
  id: string
  task_id: string
  user_id: string
  type: EventType
  channel: ChannelKind
  receiver: string
  at: Date
  /** When it is tried next; null when it is over. */
  due_at: Date | null
  tries: number
  delivered_at: Date | null
  given_up_at: Date | null
  last_error: string | null
}

const columns = sql`id, task_id, user_id, type, channel, receiver, at, due_at, tries, delivered_at, given_up_at, last_error`

interface DeliveryFilter {
  limit: number
  /** Only what was not delivered. */
  open?: boolean | undefined
  id?: string
}

/** The newest first. */
export async function listDeliveries(db: Db, { limit, open = false, id }: DeliveryFilter): Promise<OutboxRow[]> {
  const { rows } = await sql<OutboxRow>`
    select ${columns} from outbox
    where ${open ? sql`delivered_at is null` : sql`true`} and ${id ? sql`id = ${id}` : sql`true`} order by seq desc limit ${limit}
  `.execute(repeatable(db))
  return rows
}

/** Due at once, whatever became of it: the same event under the same id. Undefined where there is none (any more). */
export async function repeatDelivery(db: Db, { id, ...timed }: { id: string } & Timed): Promise<OutboxRow | undefined> {
  const { rows } = await sql<OutboxRow>`
    update outbox set due_at = ${clock(timed)}, delivered_at = null, given_up_at = null, tries = 0, claim = null where id = ${id}
    returning ${columns}
  `.execute(db)
  return rows[0]
}

/** Deletes events that were over so long ago, at most `limit` of them. Gives how many. */
export async function sweepDelivered(
  db: Db,
  { olderThanSeconds, limit, ...timed }: { olderThanSeconds: number; limit: number } & Timed,
): Promise<number> {
  const { rows } = await sql`
    delete from outbox where seq in (select seq from outbox where due_at is null
      and coalesce(delivered_at, given_up_at) < ${clock(timed)} - ${seconds(sql`${olderThanSeconds}::float8`)}
      order by seq limit ${limit} for update skip locked)
    returning seq
  `.execute(db)
  return rows.length
}
