// Predictions that no step wants: canceled at the provider until it says that they are over. Called by passes.
import { sql } from 'kysely'
import { clock, type Db, dueForStrays, jsonb, seconds, type Timed } from './sql.ts'

/** What a try to cancel a stray came to. */
export interface StrayOutcome {
  id: string
  prediction_id: string
  over: boolean
  /** The provider doesn't know it. The third such answer means that it is over. */
  missing?: boolean
  /** Until the next try. */
  retry_in: number
}

const missesAllowed = 3

/** Marks strays as over, and lets a finished task with nothing left to do at the provider rest. */
export async function recordStrays(db: Db, told: readonly StrayOutcome[], timed?: Timed): Promise<void> {
  const now = clock(timed)
  await sql`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, prediction_id text, over boolean, missing boolean,
        retry_in float8)),
    target as materialized (
      select t.id, t.strays from tasks t where t.id in (select id from told) and t.strays <> '[]' order by t.id for update of t),
    marked as (
      select t.id, (select min(retry_in) from told where told.id = t.id and not over) as retry_in,
        (select jsonb_agg(stray
            || jsonb_build_object('over', (stray ->> 'over')::boolean or told.over is true
              or told.missing is true and misses + 1 >= ${missesAllowed})
            || case when told.missing then jsonb_build_object('misses', misses + 1) else '{}' end
          order by place)
          from jsonb_array_elements(t.strays) with ordinality as listed (stray, place)
            left join told on told.id = t.id and told.prediction_id = stray ->> 'prediction_id',
            lateral (select coalesce((stray ->> 'misses')::integer, 0) as misses) as counted) as strays
      from target t)
    update tasks t set strays = o.strays,
      due_at = case when t.finished_at is null or t.phase is not null then t.due_at
        else (select ${dueForStrays(sql`${now} + ${seconds(sql`coalesce(o.retry_in, 20)`)}`)}
          from (select o.strays) as t) end
    from marked o where t.id = o.id
  `.execute(db)
}
