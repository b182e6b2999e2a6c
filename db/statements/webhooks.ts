// What becomes of a provider's webhooks, kept in its row: when one was taken last, how many were refused, and why the last was.
// The webhook endpoint tells it through engine/webhook-notes.ts; health and stats read it (overview.ts).
import { type RawBuilder, sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, isAnothers, type Timed } from './sql.ts'

/** A CTE beside the move that the webhook makes: to note that it was taken costs no statement. */
export const accepted = (provider: string, now: RawBuilder<Date>): RawBuilder<unknown> => sql`,
  accepted as (
    insert into providers as p (name, webhook_accepted_at, updated_at) values (${provider}, ${now}, ${now})
    on conflict (name) do update set webhook_accepted_at = greatest(p.webhook_accepted_at, excluded.webhook_accepted_at))`

/** Whether a task other than this waits for the prediction. */
export async function readIsAnothers(db: Db, of: { id: string; provider: string; prediction_id: string }) {
  const asked = { prediction: sql`${of.prediction_id}`, id: sql`${of.id}`, provider: sql`${of.provider}` }
  const { rows } = await sql<{ is_anothers: boolean }>`
    select ${isAnothers(asked)} as is_anothers
  `.execute(repeatable(db))
  return rows[0]?.is_anothers === true
}

interface RefusedWebhooks extends Timed {
  provider: string
  /** Since the last time that it was told. */
  count: number
  /** Of the last. */
  reason: string
}

export async function noteRefusedWebhooks(db: Db, { provider, count, reason, ...timed }: RefusedWebhooks) {
  const now = clock(timed)
  await sql`
    insert into providers as p (name, webhooks_refused, webhook_refused_at, webhook_refused_for, updated_at)
    values (${provider}, ${count}, ${now}, ${reason}, ${now})
    on conflict (name) do update set webhooks_refused = p.webhooks_refused + excluded.webhooks_refused,
      webhook_refused_at = excluded.webhook_refused_at, webhook_refused_for = excluded.webhook_refused_for
  `.execute(db)
}
