// What passes have missed: due work that waits for nothing but a pass. The claim and the overview ask, for alerts and health.
import { type RawBuilder, sql } from 'kysely'
import { isStopped } from './money.ts'
import { jsonb, seconds } from './sql.ts'

/** How many predictions may be in flight at a provider, over all instances. */
export interface Cap {
  provider: string
  cap: number
}

/** Passes come every few minutes at worst. */
const overdueAfterSeconds = 600

/**
 * Since when a task `t`, joined with its `providers`, waits for nothing but a pass. A pending task waits while its provider is paused or
 * spending is stopped, and from then on for a pass.
 */
const since = sql`greatest(t.due_at, case when t.status = 'pending' then greatest(providers.paused_until,
    (select since from switches where name = 'spending_stopped')) end)`

/** Passes have missed `t`. A pending task waits for a slot as long as something is in flight at its capped provider. */
const isMissed = (now: RawBuilder<Date>, caps: readonly Cap[], leastSeconds: number): RawBuilder<boolean> => {
  const bound = sql`${now} - ${seconds(sql`${leastSeconds}::float8`)}`
  const slotless = sql`t.status = 'pending' and t.provider in (
      select provider from jsonb_to_recordset(${jsonb(caps)}) as capped (provider text))
    and exists (select from tasks f where f.due_at is not null and f.provider = t.provider
      and f.phase in ('submitting', 'unconfirmed', 'running'))`
  return sql`t.due_at <= ${bound} and ${since} <= ${bound}
    and not (t.status = 'pending' and ${isStopped}) ${caps.length > 0 ? sql`and not (${slotless})` : sql``}`
}

/** Since when the oldest of them is due, or null. */
export const overdueSince = (
  now: RawBuilder<Date>,
  caps: readonly Cap[],
  leastSeconds = overdueAfterSeconds,
): RawBuilder<Date | null> => sql`(
    select min(${since}) from tasks t left join providers on providers.name = t.provider
    where ${isMissed(now, caps, leastSeconds)})`

/** The rows that have been due for long. */
export const overdueTasks = (now: RawBuilder<Date>, caps: readonly Cap[]): RawBuilder<unknown> => sql`(
    select t.* from tasks t left join providers on providers.name = t.provider
    where ${isMissed(now, caps, overdueAfterSeconds)})`
