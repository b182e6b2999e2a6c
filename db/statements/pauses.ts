// The pauses of providers. A throttled create begins one (record-submissions.ts), and time ends it; this ends it earlier.
import { sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, type Timed } from './sql.ts'

export interface Pause {
  paused_until: Date
  paused_for: string | null
}

/** Ends the pause of a provider. Returns the pause that was under way, if one was. `npm run tasks -- resume` calls it. */
export async function resumeProvider(db: Db, { provider, ...timed }: Timed & { provider: string }) {
  const now = clock(timed)
  const { rows } = await sql<Pause>`
    with paused as (select name, paused_until, paused_for from providers
      where name = ${provider} and paused_until > ${now} for update)
    update providers set paused_until = ${now}, updated_at = ${now} from paused where providers.name = paused.name
    returning paused.paused_until, paused.paused_for
  `.execute(repeatable(db))
  return rows[0]
}
