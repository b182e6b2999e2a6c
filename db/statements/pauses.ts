// What keeps creates from being sent: the pause of a provider, which a throttled create begins (record-submissions.ts) and time ends, and an
// operator's switch for all spending. Claims and starts read both inside their own statements.
import { sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, type Timed } from './sql.ts'

export interface Pause {
  paused_until: Date
  paused_for: string | null
}

/**
 * Ends the pause of a provider, and makes due what a throttled create put off until its end. Returns the pause that was under way, if one
 * was. `npm run tasks -- resume` calls it.
 */
export async function resumeProvider(db: Db, { provider, ...timed }: Timed & { provider: string }) {
  const now = clock(timed)
  const { rows } = await sql<Pause>`
    with paused as (select name, paused_until, paused_for from providers
      where name = ${provider} and paused_until > ${now} for update),
    due as (update tasks set due_at = ${now} from paused
      where provider = paused.name and status = 'pending' and due_at > ${now} and due_at <= paused.paused_until)
    update providers set paused_until = ${now}, updated_at = ${now} from paused where providers.name = paused.name
    returning paused.paused_until, paused.paused_for
  `.execute(repeatable(db))
  return rows[0]
}

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
