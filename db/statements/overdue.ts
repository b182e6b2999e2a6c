// What passes have missed: due work that waits for nothing but a pass. The claim and the overview ask, for alerts and health.
import { type RawBuilder, sql } from 'kysely'
import { jsonb, seconds } from './sql.ts'

/** How many predictions may be in flight at a provider, over all instances. */
export interface Cap {
  provider: string
  cap: number
}

/** Passes come every few minutes at worst. */
const overdueAfterSeconds = 600

/**
 * Since when the oldest of them is due, or null. A pending task waits while its provider is paused, and from then on for a pass; or for a
 * slot, as long as something is in flight at its capped provider.
 */
export const overdueSince = (
  now: RawBuilder<Date>,
  caps: readonly Cap[],
  leastSeconds = overdueAfterSeconds,
): RawBuilder<Date | null> => {
  const since = sql`greatest(t.due_at, case when t.status = 'pending' then providers.paused_until end)`
  const slotless = sql`t.status = 'pending' and t.provider in (
      select provider from jsonb_to_recordset(${jsonb(caps)}) as capped (provider text))
    and exists (select from tasks f where f.due_at is not null and f.provider = t.provider
      and f.phase in ('submitting', 'unconfirmed', 'running'))`
  return sql`(select min(${since}) from tasks t left join providers on providers.name = t.provider
    where t.due_at <= ${now} - ${seconds(sql`${leastSeconds}::float8`)}
      and ${since} <= ${now} - ${seconds(sql`${leastSeconds}::float8`)}
      ${caps.length > 0 ? sql`and not (${slotless})` : sql``})`
}
