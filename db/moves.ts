// What a person does to a task: start, continue, redo, cancel. One statement each; the owner is part of its WHERE.
// Each answers with the task as it is afterwards, whether it was moved or not, and undefined when it isn't theirs.
import { type RawBuilder, sql } from 'kysely'
import type { Task } from '../core/task.ts'
import { entry, remember, reported, tellMoves } from './history.ts'
import { clock, type Db, jsonb, seconds, type Timed } from './sql.ts'

export interface NewTask {
  id: string
  user_id: string
  recipe: string
  provider: string
  input: unknown
  auto_continue: boolean
  total_steps: number
  lock_key: string | null
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

/**
 * (nothing) → pending. Throws a violation of `tasks_lock` when the user's exclusive recipe already runs, and one of
 * `daily_starts_within_quota` when the day's tasks are used up; a repeated key is neither a task nor counted.
 */
export async function startTask(db: Db, task: NewTask, timed?: Timed): Promise<Started> {
  const now = clock(timed)
  const { rows } = await sql<Started>`
    with started as (
      insert into tasks (id, user_id, recipe, provider, input, auto_continue, status, total_steps, next_step, lock_key,
        idempotency_key, request_hash, due_at, created_at, updated_at)
      values (${task.id}, ${task.user_id}, ${task.recipe}, ${task.provider}, ${jsonb(task.input)}, ${task.auto_continue},
        'pending', ${task.total_steps}, 1, ${task.lock_key}, ${task.idempotency_key}, ${task.request_hash},
        ${now}, ${now}, ${now})
      -- A conflict must "update" something to return the row that was there.
      on conflict (user_id, idempotency_key) where idempotency_key is not null
        do update set idempotency_key = excluded.idempotency_key
      returning *, id = ${task.id} as created),
    ${task.daily_quota ? counted(task.daily_quota, now) : sql``}
    moved as (select t.*, ${beginning(now)} from started t),
    ${remember(sql`select id, 'started' as did, entry from moved`, now, timed)}
    select moved.*, ${reported(sql`'started'`)} from moved
  `.execute(db)
  return tellMoves(rows, timed)[0] as Started
}

/** Only of the task that this call created. */
const beginning = (now: RawBuilder<Date>) =>
  entry({
    was: sql`case when not t.created then t.status end`,
    phase: sql`case when not t.created then t.phase end`,
    since: sql`null::timestamptz`,
    now,
  })

const counted = (quota: number, now: RawBuilder<Date>) => sql`
    counted as (
      insert into daily_starts as d (user_id, day, started, quota)
      select user_id, (${now} at time zone 'UTC')::date, 1, ${quota} from started where created
      on conflict (user_id) do update set quota = excluded.quota, day = excluded.day,
        started = case when d.day = excluded.day then d.started + 1 else 1 end),`

export interface Move extends Timed {
  id: string
  user_id: string
  /** The step that the person saw; a move that speaks of another step changes nothing. */
  step?: number | undefined
}

export interface MovedTask extends Task {
  moved: boolean
}

export interface Continue extends Move {
  /** The gates that are left open by themselves. */
  all?: boolean | undefined
  /** Recipes whose next step may be claimed at once, with the limit of an attempt. A capped provider's are not: they queue for a slot. */
  claims?: readonly { recipe: string; limitSeconds: number }[]
  submitLeaseSeconds?: number
}

/**
 * waiting_continue → processing/submitting for the next step: the click begins the attempt, and its create is the caller's
 * to send. → pending where the provider is paused, or may not be claimed here.
 */
export function continueTask(db: Db, move: Continue): Promise<MovedTask | undefined> {
  const now = clock(move)
  const begins = (value: RawBuilder<unknown>, otherwise = sql`null`) =>
    sql`case when mine.begins then ${value} else ${otherwise} end`
  return moveTask(
    db,
    { ...move, did: 'continued' },
    sql`
    update tasks t set status = ${begins(sql`'processing'`, sql`'pending'`)}, phase = ${begins(sql`'submitting'`)},
      current_step = mine.current_step + mine.begins::integer, next_step = ${begins(sql`null`, sql`mine.current_step + 1`)},
      attempt = ${begins(sql`1`, sql`t.attempt`)}, claim_token = ${begins(sql`gen_random_uuid()`)}, slot = null,
      prediction_id = null, output = null, misses = 0, submitted_at = ${begins(now, sql`t.submitted_at`)},
      deadline_at = ${begins(sql`${now} + ${seconds(sql`mine.within`)}`, sql`t.deadline_at`)},
      due_at = ${begins(sql`${now} + ${seconds(sql`${move.submitLeaseSeconds ?? 0}::float8`)}`, now)}, updated_at = ${now},
      auto_continue = t.auto_continue or ${move.all ?? false}
    from (
      select mine.*, terms.within, terms.recipe is not null and not exists (
        select from providers where providers.name = mine.provider and providers.paused_until > ${now}) as begins
      from mine left join jsonb_to_recordset(${jsonb((move.claims ?? []).map(claimTerms))})
        as terms (recipe text, within float8) on terms.recipe = mine.recipe) as mine
    where t.id = mine.id and mine.status = 'waiting_continue' and ${seen(move)}`,
  )
}

const claimTerms = (claims: { recipe: string; limitSeconds: number }) => ({
  recipe: claims.recipe,
  within: claims.limitSeconds,
})

/** waiting_continue or failed → pending for the same step. What it had produced stays stored under its own attempt. */
export function redoTask(db: Db, move: Move): Promise<MovedTask | undefined> {
  const now = clock(move)
  return moveTask(
    db,
    { ...move, did: 'redone' },
    sql`
    update tasks t set status = 'pending', current_step = mine.current_step,
      next_step = greatest(mine.current_step, 1), phase = null, claim_token = null, prediction_id = null, output = null, due_at = ${now}, updated_at = ${now},
      finished_at = null, error_code = null, error_message = null
    from mine where t.id = mine.id and mine.status in ('waiting_continue', 'failed') and ${seen(move)}`,
  )
}

/**
 * pending, processing or waiting_continue → canceled. A running prediction becomes a stray, to be canceled at the
 * provider; an attempt whose prediction isn't known yet stays open until it is.
 */
export function cancelTask(db: Db, move: Move): Promise<MovedTask | undefined> {
  const now = clock(move)
  const unknown = sql`t.phase in ('submitting', 'unconfirmed')`
  return moveTask(
    db,
    { ...move, did: 'canceled' },
    sql`
    update tasks t set status = 'canceled', finished_at = ${now}, updated_at = ${now}, next_step = null,
      prediction_id = null, output = null,
      phase = case when ${unknown} then t.phase end,
      claim_token = case when ${unknown} then t.claim_token end,
      steps = case t.status when 'processing' then close_attempt(t, 'canceled', ${now}, '{}') else t.steps end,
      strays = case t.phase when 'running'
        then add_stray(t.strays, t.current_step, t.attempt, t.prediction_id, t.provider_urls) else t.strays end,
      due_at = case when ${unknown} then t.due_at
        when t.phase = 'running' or t.strays @> '[{"over": false}]' then ${now} end
    from mine where t.id = mine.id and mine.status in ('pending', 'processing', 'waiting_continue') and ${seen(move)}`,
  )
}

const seen = (move: Move): RawBuilder<unknown> =>
  sql`mine.current_step = coalesce(${move.step ?? null}::integer, mine.current_step)`

/** Locks the owner's row first: a rival's move is then seen, and the answer shows the task as it is, not as it was. */
async function moveTask(
  db: Db,
  move: Move & { did: string },
  update: RawBuilder<unknown>,
): Promise<MovedTask | undefined> {
  const now = clock(move)
  const before = { was: sql`mine.status`, phase: sql`mine.phase`, since: sql`mine.updated_at` }
  const { rows } = await sql<MovedTask>`
    with mine as materialized (
      select * from tasks where id = ${move.id} and user_id = ${move.user_id} for update),
    moved as (${update} returning t.*, true as moved, ${entry({ ...before, now })}),
    ${remember(sql`select id, ${move.did} as did, entry from moved`, now, move)}
    select moved.*, ${reported(sql`${move.did}::text`)} from moved
    union all
    select mine.*, false, null, null from mine where not exists (select from moved)
  `.execute(db)
  return tellMoves(rows, move)[0]
}
