// What an operator switches for all instances at once: whether money may be spent. Claims and starts read it inside their own statements.
import { sql } from 'kysely'
import { clock, type Db, type Timed } from './sql.ts'

export interface SpendingSwitch extends Pick<Timed, 'now'> {
  isStopped: boolean
  /** Who says so, for whoever looks later. */
  by: string
}

/** Holds for every claim that begins afterwards; a create that is already on its way is sent. */
export async function switchSpending(db: Db, { isStopped, by, now }: SpendingSwitch): Promise<void> {
  await sql`
    insert into switches (name, is_on, since, by) values ('spending_stopped', ${isStopped}, ${clock({ now })}, ${by})
    on conflict (name) do update set is_on = excluded.is_on, since = excluded.since, by = excluded.by
    where switches.is_on <> excluded.is_on
  `.execute(db)
}
