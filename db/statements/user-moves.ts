// What a person does to a task: continue, redo, cancel. One statement each; the owner is part of its WHERE.
// Each answers with the task as it is afterwards, whether it was moved or not, and undefined when it isn't theirs.
import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Task } from '../../core/task.ts'
import { batched } from '../driver/batches.ts'
import { repeatable } from '../driver/retries.ts'
import { entry, remember, reported, reportMoves } from './history.ts'
import { clock, type Db, isTold, jsonb, seconds, type Timed } from './sql.ts'
import { counted } from './start.ts'

export interface Move extends Timed {
  id: string
  user_id: string
  /** The step that the person saw; a move that speaks of another step changes nothing. */
  step?: number | undefined
  /** The attempt that the person saw, by the same rule: so a redo that is delivered twice is made once. */
  attempt?: number | undefined
}

export interface MovedTask extends Task {
  moved: boolean
}

/** What else a move is told; recipes' limits and the lease are the same for all of a process. */
interface Terms extends Timed {
  /** Recipes whose next step may be claimed at once, with the limit of an attempt. A capped provider's are not: they queue for a slot. */
  claims?: readonly { recipe: string; limitSeconds: number }[]
  submitLeaseSeconds?: number
  /** Of a step, redos included. */
  maxAttempts?: number | undefined
  /** Starts and redos of a user a day (UTC). */
  daily_quota?: number | undefined
}

export interface Continue extends Move, Terms {
  /** The gates that are left open by themselves. */
  all?: boolean | undefined
}

/**
 * waiting_continue → processing/submitting for the next step: the click begins the attempt, and its create is the caller's
 * to send. → pending where the provider is paused, or may not be claimed here. The click's own name stays in the row, as the token of the attempt
 * and as `claim_id`: sent again after a lost answer, the statement knows that it was the one that moved the task.
 */
export const continueTask = move<Continue>('continued', (now, { claims = [], submitLeaseSeconds = 0 }) => {
  const begins = (value: RawBuilder<unknown>, otherwise = sql`null`) =>
    sql`case when mine.begins then ${value} else ${otherwise} end`
  return sql`
    update tasks t set status = ${begins(sql`'processing'`, sql`'pending'`)}, phase = ${begins(sql`'submitting'`)},
      current_step = mine.current_step + mine.begins::integer, next_step = ${begins(sql`null`, sql`mine.current_step + 1`)},
      attempt = ${begins(sql`1`, sql`t.attempt`)}, claim_token = ${begins(sql`mine.name`)}, claim_id = mine.name,
      slot = null,
      prediction_id = null, output = null, misses = 0, submitted_at = ${begins(now, sql`t.submitted_at`)},
      deadline_at = ${begins(sql`${now} + ${seconds(sql`mine.within`)}`, sql`t.deadline_at`)},
      due_at = ${begins(sql`${now} + ${seconds(sql`${submitLeaseSeconds}::float8`)}`, now)}, updated_at = ${now},
      auto_continue = t.auto_continue or coalesce(mine.all, false)
    from (
      select mine.*, told.all, told.name, terms.within, terms.recipe is not null and not exists (
        select from providers where providers.name = mine.provider and providers.paused_until > ${now}) as begins
      from mine join told on told.id = mine.id left join jsonb_to_recordset(${jsonb(claims.map(claimTerms))})
        as terms (recipe text, within float8) on terms.recipe = mine.recipe) as mine
    where ${seen} and mine.status = 'waiting_continue'`
})

const claimTerms = (claims: { recipe: string; limitSeconds: number }) => ({
  recipe: claims.recipe,
  within: claims.limitSeconds,
})

export interface Redo extends Move, Pick<Terms, 'maxAttempts' | 'daily_quota'> {}

/**
 * waiting_continue or failed → pending for the same step. What it had produced stays stored under its own attempt. Throws a violation
 * of `daily_starts_within_quota` when the day's tasks are used up.
 */
export const redoTask = move<Redo>(
  'redone',
  (now, { maxAttempts }) => sql`
    update tasks t set status = 'pending', current_step = mine.current_step,
      next_step = greatest(mine.current_step, 1), phase = null, claim_token = null, prediction_id = null, output = null,
      due_at = ${now}, updated_at = ${now}, finished_at = null, error_code = null, error_message = null
    from mine where ${seen} and mine.status in ('waiting_continue', 'failed')
      and ${maxAttempts === undefined ? sql`true` : sql`mine.attempt < ${maxAttempts}`}`,
)

/**
 * pending, processing or waiting_continue → canceled. A running prediction becomes a stray, to be canceled at the
 * provider; an attempt whose prediction isn't known yet stays open until it is.
 */
export const cancelTask = move('canceled', (now) => {
  const unknown = sql`t.phase in ('submitting', 'unconfirmed')`
  return sql`
    update tasks t set status = 'canceled', finished_at = ${now}, updated_at = ${now}, next_step = null,
      prediction_id = null, output = null, slot = null,
      phase = case when ${unknown} then t.phase end,
      claim_token = case when ${unknown} then t.claim_token end,
      steps = case t.status when 'processing' then close_attempt(t, 'canceled', ${now}, '{}') else t.steps end,
      strays = case t.phase when 'running'
        then add_stray(t.strays, t.current_step, t.attempt, t.prediction_id, t.provider_urls) else t.strays end,
      due_at = case when ${unknown} then t.due_at
        when t.phase = 'running' or t.strays @> '[{"over": false}]' then ${now} end
    from mine where ${seen} and mine.status in ('pending', 'processing', 'waiting_continue')`
})

/** The row is where the person saw it. */
const seen = sql`t.id = mine.id
  and mine.current_step = coalesce((select step from told where told.id = mine.id), mine.current_step)
  and mine.attempt = coalesce((select attempt from told where told.id = mine.id), mine.attempt)`

/** What one call tells of its task. No other call has its name. */
interface Call extends Pick<Continue, 'id' | 'user_id' | 'step' | 'attempt' | 'all'> {
  name: string
}

/** Locks the owners' rows first: a rival's move is then seen, and the answer shows the task as it is, not as it was. */
function move<Own extends Move = Move>(
  did: string,
  update: (now: RawBuilder<Date>, terms: Terms) => RawBuilder<unknown>,
) {
  const before = { was: sql`mine.status`, phase: sql`mine.phase`, since: sql`mine.updated_at` }
  const send = batched(async (db, told: readonly Call[], terms: Terms = {}) => {
    const now = clock(terms)
    const { rows } = await sql<MovedTask>`
      with told as materialized (
        select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, user_id text, step integer, attempt integer, "all" boolean, name uuid)),
      mine as materialized (
        select t.* from tasks t join told on told.id = t.id and told.user_id = t.user_id
        where ${isTold} order by t.id for update of t),
      moved as (${update(now, terms)} returning t.*, true as moved, ${entry({ ...before, now })}),
      ${terms.daily_quota ? counted(sql`moved`, terms.daily_quota, now) : sql``}
      ${remember(sql`select id, ${did} as did, entry from moved`, now, terms)}
      select moved.*, ${reported(sql`${did}::text`)} from moved
      union all
      select mine.*, mine.claim_id is not distinct from told.name, null, null from mine join told on told.id = mine.id
      where not exists (select from moved where moved.id = mine.id)
    `.execute(did === 'continued' ? repeatable(db) : db)
    return reportMoves(rows, terms)
  })
  return async (db: Db, own: Own): Promise<MovedTask | undefined> => {
    const { id, user_id, step, attempt, all, ...terms }: Continue = own
    const [task] = await send(db, [{ id, user_id, step, attempt, all, name: randomUUID() }], terms)
    return task
  }
}
