// What providers have charged, told hours after the attempt: which attempts are still to be asked about, and the entry that corrects what each
// was settled with. The sweep calls both; record-strays.ts enters what a cancel's answer tells.
import { type RawBuilder, sql } from 'kysely'
import { repeatable } from '../driver/retries.ts'
import { spend } from './money.ts'
import { clock, type Db, jsonb, seconds, type Timed } from './sql.ts'

/** An attempt that was settled as was expected of it. */
export interface Unbilled {
  id: number
  task_id: string
  claim_token: string
  prediction_id: string
  /** Its instant, exactly: many have the same. */
  at: string
  /** Its first entry: it can't have ended before. */
  begun_at: Date
  /** A charge would have been told long ago. */
  is_late: boolean
}

interface UnbilledOf extends Pick<Timed, 'now'> {
  provider: string
  /** Of attempts that were settled so long ago, at least and at most. */
  fromSeconds: number
  toSeconds: number
  lateSeconds: number
  /** The last one of the page before. */
  after: Unbilled | undefined
  limit: number
}

/** The oldest first. Of those that turned up beside what was ordered, nothing is asked. */
export async function readUnbilled(db: Db, of: UnbilledOf): Promise<Unbilled[]> {
  const { provider, fromSeconds, toSeconds, lateSeconds, after, limit } = of
  const now = clock(of)
  const ago = (least: number) => sql`${now} - ${seconds(sql`${least}::float8`)}`
  const { rows } = await sql<Unbilled>`
    select id, task_id, claim_token, prediction_id, at::text as at, l.at < ${ago(lateSeconds)} as is_late,
      (select min(b.at) from ledger b where b.task_id = l.task_id and b.claim_token = l.claim_token) as begun_at
    from ledger l
    where l.at between ${ago(toSeconds)} and ${ago(fromSeconds)} and kind = 'settled' and provider = ${provider}
      and prediction_id is not null
      and not exists (select from ledger a where a.task_id = l.task_id and a.claim_token = l.claim_token and a.kind = 'adjusted')
      and (l.at, task_id, id) > (${after?.at ?? '-infinity'}::timestamptz,
        ${after?.task_id ?? '00000000-0000-0000-0000-000000000000'}::uuid, ${after?.id ?? 0}::bigint)
    order by l.at, task_id, id limit ${limit}
  `.execute(repeatable(db))
  return rows
}

/** CTEs of a statement that has locked its tasks. `figures` selects task_id, claim_token and micros: what settled attempts have cost after all. */
export const enterAdjusted = (figures: RawBuilder<unknown>, now: RawBuilder<Date>): RawBuilder<unknown> => sql`
    entered as (
      insert into ledger (task_id, at, day, kind, recipe, provider, step, attempt, claim_token, prediction_id, reserved_micros, settled_micros)
      select l.task_id, ${now}, l.day, 'adjusted', l.recipe, l.provider, l.step, l.attempt, l.claim_token, l.prediction_id, 0,
        figures.micros - l.settled_micros
      from (${figures}) as figures
        join ledger l on l.task_id = figures.task_id and l.claim_token = figures.claim_token and l.kind = 'settled'
      order by l.task_id, l.claim_token
      on conflict (task_id, claim_token) where kind = 'adjusted' do nothing
      returning task_id, claim_token, recipe, day, prediction_id, settled_micros as more)`

/** The counters after it. `moved` has the tasks that are still there. */
export const spendAdjusted = spend(sql`
      select coalesce(m.user_id, 'erased') as user_id, recipe, day, more as micros, false as asks, false as is_double
      from entered left join moved m on m.id = task_id where more <> 0`)

export interface Billed extends Pick<Unbilled, 'task_id' | 'claim_token'> {
  /** What was charged. */
  micros: number
}

/**
 * Settled → adjusted, once for each attempt, however many sweeps tell it. Gives how many were entered. No move of the task: `updated_at` stays,
 * from which its gate and the copy of its output are timed.
 */
export async function adjustCosts(db: Db, bills: readonly Billed[], timed: Pick<Timed, 'now'>): Promise<number> {
  const now = clock(timed)
  const { rows } = await sql<{ entered: number }>`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(bills)}) as told (task_id uuid, claim_token uuid, micros bigint)),
    -- Tasks are locked first, in the order of their ids, as every batch does. Some are gone, and their entries stand.
    locked as materialized (
      select id, user_id from tasks where id in (select task_id from told) order by id for update),
    ${enterAdjusted(sql`select told.* from told left join locked on locked.id = told.task_id`, now)},
    moved as (
      update tasks t set settled_micros = t.settled_micros + b.more, steps = with_bills(t.steps, b.bills)
      from (select task_id, sum(more)::bigint as more, jsonb_object_agg(prediction_id, micros) as bills
        from entered join told using (task_id, claim_token) where more <> 0 group by task_id) as b
      where t.id = b.task_id
      returning t.id, t.user_id),
    ${spendAdjusted}
    select count(*)::int as entered from entered
  `.execute(repeatable(db))
  return rows[0]?.entered ?? 0
}
