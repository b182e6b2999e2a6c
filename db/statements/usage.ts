// Reads what was spent, for users, refusals, health and the operator's command. Counters hold what is reserved and what was paid
// together; the unfinished tasks tell how much of it is still reserved.
import { sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { dayOf, isStopped } from './money.ts'
import { clock, type Db, type Timed } from './sql.ts'

/** Of today (UTC), in millionths of a dollar; reserved and paid together, but where it says otherwise. */
export interface Spent {
  at: Date
  all: number
  recipe: number
  user: number
  /** Of the user's. */
  reserved: number
  /** What the user has paid this month. */
  month: number
  stopped: boolean
}

export async function readSpent(
  db: Db,
  { user_id, recipe = '', ...timed }: { user_id: string; recipe?: string } & Timed,
): Promise<Spent> {
  const now = clock(timed)
  const of = (scope: string) =>
    sql`coalesce((select spent_micros from spending where scope = ${scope} and day = ${dayOf(now)}), 0)`
  const month = sql`date_trunc('month', ${dayOf(now)}::timestamp)::date`
  const { rows } = await sql<Spent>`
    with kept as materialized (
      select reserved_on, reserved_micros from tasks where user_id = ${user_id} and reserved_micros > 0)
    select ${now} as at, ${of('all')} as all, ${of(`recipe:${recipe}`)} as recipe, ${of(`user:${user_id}`)} as user,
      (select coalesce(sum(reserved_micros), 0)::bigint from kept where reserved_on = ${dayOf(now)}) as reserved,
      (select coalesce(sum(spent_micros), 0) from spending where scope = ${`user:${user_id}`} and day >= ${month})::bigint
        - (select coalesce(sum(reserved_micros), 0) from kept where reserved_on >= ${month})::bigint as month,
      ${isStopped} as stopped
  `.execute(repeatable(db))
  return rows[0] as Spent
}

export const spendingViews = ['day', 'recipe', 'user'] as const
export type SpendingView = (typeof spendingViews)[number]

export interface SpendingLine {
  /** A day, or the name of a recipe or user. */
  name: string
  paid_micros: number
  reserved_micros: number
}

/** The last thirty days; or of those, what each recipe or the dearest users took. */
export async function readSpending(
  db: Db,
  { by, now }: { by: SpendingView } & Pick<Timed, 'now'>,
): Promise<SpendingLine[]> {
  const first = sql`${dayOf(clock({ now }))} - 29`
  const name = { day: sql`day::text`, recipe: sql`substr(scope, 8)`, user: sql`substr(scope, 6)` }[by]
  const scopes = { day: sql`scope = 'all'`, recipe: sql`scope like 'recipe:%'`, user: sql`scope like 'user:%'` }[by]
  const keeper = { day: sql`reserved_on::text`, recipe: sql`recipe`, user: sql`user_id` }[by]
  const { rows } = await sql<SpendingLine>`
    with
    kept as (
      select ${keeper} as name, sum(reserved_micros) as micros from tasks
      where reserved_micros > 0 and reserved_on >= ${first} group by 1),
    spent as (
      select ${name} as name, sum(spent_micros) as micros from spending where ${scopes} and day >= ${first} group by 1)
    select name, (spent.micros - coalesce(kept.micros, 0))::bigint as paid_micros, coalesce(kept.micros, 0)::bigint as reserved_micros
    from spent left join kept using (name)
    order by ${by === 'day' ? sql`name desc` : sql`spent.micros desc, name`} limit 100
  `.execute(repeatable(db))
  return rows
}

/** Which of these predictions are in the ledger since then, or known to a task. The doctor asks. */
export async function readBooked(db: Db, { since, ids }: { since: Date; ids: readonly string[] }): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select prediction_id as id from ledger where at >= ${since} and prediction_id = any(${ids}::text[])
    union select prediction_id from tasks where prediction_id = any(${ids}::text[])
  `.execute(repeatable(db))
  return rows.map(({ id }) => id)
}

/** What the results of a user's tasks take, all attempts included, as their rows tell it. */
export async function readStoredBytes(db: Db, user_id: string): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum((stored.file->>'size')::float8), 0) as bytes
    from tasks t
      cross join lateral jsonb_array_elements(t.steps) as newest (record)
      cross join lateral jsonb_array_elements(
        coalesce(newest.record->'past', '[]') || jsonb_build_array(newest.record)) as made (record)
      cross join lateral jsonb_array_elements(coalesce(made.record->'files', '[]')) as stored (file)
    where t.user_id = ${user_id}
  `.execute(repeatable(db))
  return rows[0]?.bytes ?? 0
}
