// What a claim has taken: each task with the work that it is taken for. claim.ts answers with it, and where that answer was lost, or was too
// large, asks for it here by the claim's name.
import { sql } from 'kysely'
import type { Task } from '../../core/task.ts'
import { repeatable } from '../driver/retries.ts'
import { inPages } from './pages.ts'
import { clock, type Db, type Timed } from './sql.ts'

/** `submit`: an attempt has begun and its create is the caller's to send. `check`: ask the provider. `expired`: nothing. */
export interface Claimed extends Task {
  work: 'submit' | 'check' | 'expired'
  /** The database's clock at the claim. */
  claimed_at: Date
}

/** As many as one claim could take. */
const mostClaimed = 2_000

/** What the claim of this name took, if it came to Postgres. What was canceled since is only checked. */
export function readClaim(db: Db, name: string, p: Timed): Promise<Claimed[]> {
  return inPages<Claimed>(mostClaimed, async ({ limit, after }) => {
    const { rows } = await sql<Claimed>`
      select case when status = 'processing' and phase = 'submitting' then 'submit' else 'check' end as work,
        ${clock(p)} as claimed_at, t.*
      from tasks t where due_at is not null and claim_id = ${name} and ${after ? sql`id > ${after.id}` : sql`true`}
      order by id limit ${limit}
    `.execute(repeatable(db))
    return rows
  })
}
