// Predictions that no step wants: canceled at the provider until it says that they are over. Called by passes.
import { sql } from 'kysely'
import { missesAllowed } from '../../core/decide.ts'
import type { StrayFate } from '../../core/stray.ts'
import { enterAdjusted, spendAdjusted } from './bills.ts'
import { gateDue } from './outbox.ts'
import { clock, type Db, jsonb, seconds, type Timed } from './sql.ts'

export type StrayOutcome = StrayFate & { id: string }

/**
 * Marks strays as over, notes when the others are tried again, and lets a task with nothing left to do at the provider rest. A task
 * under way keeps its next check. What the provider measured of one that is over corrects what its attempt was settled with, once.
 */
export async function recordStrays(db: Db, told: readonly StrayOutcome[], timed?: Timed): Promise<void> {
  const now = clock(timed)
  await sql`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, prediction_id text, over boolean, missing boolean,
        given_up boolean, retry_in float8, cost bigint)),
    target as materialized (
      select t.id, t.strays from tasks t where t.id in (select id from told) and t.strays <> '[]' order by t.id for update of t),
    listed as (
      select t.id as task, place, stray, told.id is not null as is_told, told.over, told.given_up, told.retry_in,
        -- Only those in a row count.
        case when told.missing then coalesce((stray ->> 'misses')::integer, 0) + 1 else 0 end as misses
      from target t cross join lateral jsonb_array_elements(t.strays) with ordinality as kept (stray, place)
        left join told on told.id = t.id and told.prediction_id = stray ->> 'prediction_id'),
    marked as (
      select task, jsonb_agg(case
          when not is_told or stray @> '{"over": true}' then stray
          when over or misses >= ${missesAllowed} then (stray - array['retry_at', 'misses']) || '{"over": true}'::jsonb || counted
            || case when given_up then '{"given_up": true}'::jsonb else '{}' end
          else (stray - 'misses') || counted || jsonb_build_object('tried_at', coalesce(stray ->> 'tried_at', iso(${now})),
            'retry_at', iso(${now} + ${seconds(sql`retry_in`)})) end
        order by place) as strays
      from listed,
        lateral (select case when misses > 0 then jsonb_build_object('misses', misses) else '{}' end as counted) as counted
      group by task),
    next as (
      select task, strays, (select min(coalesce((stray ->> 'retry_at')::timestamptz, ${now}))
        from jsonb_array_elements(strays) as kept (stray) where stray @> '{"over": false}') as due_at
      from marked),
    ${enterAdjusted(measured, now)},
    corrected as (
      select task_id, sum(more)::bigint as more, jsonb_object_agg(entered.prediction_id, told.cost) as costs
      from entered join told on told.id = task_id and told.prediction_id = entered.prediction_id group by task_id),
    moved as (
      update tasks t set strays = o.strays, settled_micros = t.settled_micros + coalesce(c.more, 0),
        steps = case when c.costs is null then t.steps else with_bills(t.steps, c.costs) end,
        due_at = case
          when t.phase is not null or t.status = 'pending' then t.due_at
          when t.status = 'waiting_continue' then least(o.due_at, ${gateDue(now, timed?.notify)})
          else o.due_at end
      from next o left join corrected c on c.task_id = o.task where t.id = o.task
      returning t.id, t.user_id),
    ${spendAdjusted}
    select id from moved
  `.execute(db)
}

/** Where it differs. Of a prediction that nobody ordered nothing is settled: it stays booked as expected. */
const measured = sql`
  select l.task_id, l.claim_token, told.cost as micros
  from told join target on target.id = told.id join ledger l on l.task_id = told.id and l.prediction_id = told.prediction_id
  where told.over and told.cost is not null and l.kind = 'settled' and l.settled_micros <> told.cost`
