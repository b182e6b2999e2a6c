// How a task begins: with its first row, or with the row that the same idempotency key made before.
import { type RawBuilder, sql } from 'kysely'
import type { Task } from '../../core/task.ts'
import { batched } from '../driver/batches.ts'
import { entry, remember, reported, reportMoves } from './history.ts'
import { dayOf, daySpent, isStopped, reportSpent, spendAndTell } from './money.ts'
import { askedEnded, isAskedEnded, isEnded } from './sessions.ts'
import { clock, type Db, jsonb, type Timed } from './sql.ts'

export interface NewTask {
  id: string
  user_id: string
  /** The asking session's names: one that was ended starts nothing. */
  session?: readonly string[] | undefined
  recipe: string
  provider: string
  input: unknown
  auto_continue: boolean
  total_steps: number
  /** How many pictures each prediction is asked for; 1 where it is left out. */
  candidates?: number
  /** What each step is expected to cost: all of it is reserved. Left out: not known. */
  prices?: (number | null)[]
  lock_key: string | null
  /** Where its events go beside the deployment's own address. */
  notify_url?: string | null
  idempotency_key: string | null
  request_hash: string | null
  /** Tasks that the user may start a day (UTC). */
  daily_quota?: number | undefined
}

export interface Started extends Task {
  request_hash: string | null
  /** False: the same idempotency key had started this task before. */
  created: boolean
}

/** An operator has stopped spending for all: nothing was written. */
export class SpendingStopped extends Error {
  override name = 'SpendingStopped'
}

/** The session that asks was ended: nothing was written. */
export class SessionEnded extends Error {
  override name = 'SessionEnded'
}

/**
 * (nothing) → pending. Throws a violation of `tasks_lock` when the user's exclusive recipe already runs, one of
 * `daily_starts_within_quota` when the day's tasks are used up, and one of `spending_within_ceiling` when it would cost more than is left;
 * a repeated key is neither a task nor counted. Throws SpendingStopped while it is, and nothing was started before;
 * and SessionEnded.
 */
export async function startTask(db: Db, { daily_quota, ...task }: NewTask, timed: Timed = {}): Promise<Started> {
  // What may be refused, or meet a row that is there, would be so together with all that share its statement.
  const isFree = task.idempotency_key === null && task.lock_key === null && daily_quota === undefined
  const [answer] = await (isFree ? startTogether : startTasks)(db, [task], { ...timed, daily_quota })
  if (answer) return answer.started
  if (task.session && (await isEnded(db, task.session))) throw new SessionEnded('the session was ended')
  throw new SpendingStopped('an operator has stopped all spending')
}

type Terms = Timed & Pick<NewTask, 'daily_quota'>

async function startTasks(db: Db, told: readonly Omit<NewTask, 'daily_quota'>[], terms: Terms = {}) {
  const now = clock(terms)
  const { rows } = await sql<Started & { told_id: string }>`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, user_id text, session jsonb, recipe text, provider text, input jsonb,
        auto_continue boolean, total_steps integer, candidates integer, prices jsonb, lock_key text, notify_url text, idempotency_key text, request_hash text)),
    ${askedEnded},
    started as (
      insert into tasks (id, user_id, recipe, provider, input, auto_continue, status, total_steps, next_step, candidates, prices,
        reserved_micros, reserved_on, notify_url, lock_key, idempotency_key, request_hash, due_at, created_at, updated_at)
      select id, user_id, recipe, provider, input, auto_continue, 'pending', total_steps, 1, coalesce(candidates, 1), prices, price_from(prices, 1), ${dayOf(now)},
        notify_url, lock_key, idempotency_key, request_hash, ${now}, ${now}, ${now} from told
      -- While spending is stopped, only what has been started before is found.
      where not ${isAskedEnded} and (not ${isStopped} or exists (
        select from tasks t where t.user_id = told.user_id and t.idempotency_key = told.idempotency_key))
      -- A conflict must "update" something to return the row that was there.
      on conflict (user_id, idempotency_key) where idempotency_key is not null
        do update set idempotency_key = excluded.idempotency_key
      returning *, id in (select id from told) as created),
    ${terms.daily_quota ? counted(sql`started where created`, terms.daily_quota, now) : sql``}
    ${spendAndTell(
      sql`select * from started where created`,
      sql`select id, user_id, recipe, reserved_on as day, reserved_micros as micros, true as asks, false as is_double
        from started where created ${terms.daily_quota ? sql`and (select count(*) from counted) >= 0` : sql``}`,
      now,
      terms,
    )},
    moved as (select t.*, ${beginning(now)} from started t),
    ${remember(sql`select id, 'started' as did, entry from moved`, now, { ...terms, notify: undefined })}
    select told.id as told_id, moved.*, ${daySpent(now)}, ${reported(undefined, sql`'started'`)} from moved join told on told.id = moved.id
      or told.user_id = moved.user_id and told.idempotency_key = moved.idempotency_key
  `.execute(db)
  return reportMoves(reportSpent(rows, terms), terms).map(({ told_id: id, ...started }) => ({ id, started }))
}

const startTogether = batched(startTasks)

/** Only of the task that this call created. */
const beginning = (now: RawBuilder<Date>) =>
  entry({
    was: sql`case when not t.created then t.status end`,
    phase: sql`case when not t.created then t.phase end`,
    since: sql`null::timestamptz`,
    now,
  })

/** Adds the tasks of `rows`, which this statement starts or redoes, to what their users may start a day; a user at most once a statement. */
export const counted = (rows: RawBuilder<unknown>, quota: number, now: RawBuilder<Date>) => sql`
    counted as (
      insert into daily_starts as d (user_id, day, started, quota)
      select user_id, ${dayOf(now)}, count(*), ${quota} from ${rows} group by user_id order by user_id
      -- A start that waited for its turn over midnight counts for the new day.
      on conflict (user_id) do update set quota = excluded.quota, day = greatest(d.day, excluded.day),
        started = case when d.day >= excluded.day then d.started + excluded.started else excluded.started end
      returning user_id),`
