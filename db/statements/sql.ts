// The few fragments that every statement shares: the clock, batches as one jsonb parameter, and the holder's clause.
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Notify } from '../../core/event.ts'
import type { Cause, Memory, MoveReport } from '../../core/history.ts'
import type { Ceilings } from '../../core/price.ts'
import type { OpenAttempt } from '../../core/task.ts'
import type { Database } from './schema.ts'

export type Db = Kysely<Database>

/** What every write is told of its circumstances. The database's clock rules; tests and the simulation hand in their own instant. */
export interface Timed {
  now?: Date | undefined
  /** Who causes it, for the history. */
  by?: Cause
  /** The writing process's memory at this moment, for the history. */
  memory?: Memory
  /** The provider whose webhook it was, where that is to be noted. */
  webhookOf?: string | undefined
  /** Who may hear of a move: then the statement also writes its events. Undefined: the deployment has no channel, and pays nothing. */
  notify?: Notify | undefined
  /** What may be reserved a day; by default without limit. */
  ceilings?: Ceilings | undefined
  /** Hears what the whole deployment has reserved and paid today, after a statement that asked for more. */
  onSpent?: (micros: number) => void
  /** Hears of every move that the statement made. */
  onMoved?: (moves: readonly MoveReport[]) => void
}

export const clock = (timed?: Timed): RawBuilder<Date> => sql`coalesce(${timed?.now ?? null}::timestamptz, now())`

export const seconds = (expression: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`(${expression}) * interval '1 second'`

/**
 * Ids are UUIDv7, which begin with their instant: none that is made from this instant on is smaller. Written out where it is compared,
 * not selected before: the planner then knows how few rows it means, and takes the primary key.
 */
export const firstIdAt = (instant: RawBuilder<Date>): RawBuilder<unknown> =>
  sql`(lpad(to_hex((extract(epoch from ${instant}) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid`

/**
 * A batch travels as one jsonb parameter: the statement is the same for 1 row and for 1,000. A provider's odd words must not keep a whole
 * batch from being written.
 */
export const jsonb = (value: unknown): RawBuilder<unknown> => sql`${JSON.stringify(value, storable)}::jsonb`

/** JSON's replacer, or reviver: without the characters that jsonb refuses (NUL, half a surrogate pair). */
export const storable = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value

/** Neon answers with 10 MiB at most, in which a row takes up to twice its text: quotes are escaped, and every column is named. */
export const mostBytes = 5_000_000
/** Of such a row, beside its jsonb. */
export const columnBytes = 2_000

/** An outcome and the attempt that it is of, as told to a `record…` statement. */
export type OfAttempt<Outcome> = OpenAttempt & Outcome

/** What a `record…` statement changed: `did` names the move. A told outcome that is missing here was refused. */
export interface Moved {
  id: string
  did: string
  status: string
}

/**
 * Opens a `record…` statement: `told` is the batch, `target` the same rows locked, with `is_open` = "this outcome speaks of
 * the attempt that is open now". Locks are taken in id order by every batch, so that two batches can't deadlock; the rows
 * behind a lock are read after it was granted, so a stale holder sees that it is one.
 *
 * An UPDATE that follows looks at the row as it was before the lock first, and only then at the row behind it. So its WHERE
 * asks `target` for whatever may have changed meanwhile, and what it SETs is lawful from either version.
 */
export const target = (told: readonly OpenAttempt[], columns: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  told as materialized (
    select * from jsonb_to_recordset(${jsonb(told)})
      as told (id uuid, step integer, attempt integer, claim_token uuid, ${columns})),
  target as materialized (
    select told.*, t.status as was, t.phase, t.updated_at as since, t.finished_at as finished, t.prediction_id as known,
      t.user_id, t.recipe, t.steps, t.strays, t.prices, t.metered_micros, t.reserved_on, t.reserved_micros as reserved_before, t.settled_micros as settled_before,
      (t.claim_token = told.claim_token and t.current_step = told.step and t.attempt = told.attempt) is true as is_open
    from tasks t join told on told.id = t.id where ${isTold}
    order by t.id for update of t)`

/**
 * The rows that a batch tells of. Said by their ids as well as by a join, because the planner takes any batch for 100 rows, for which it
 * would rather read a small table through than look each up.
 */
export const isTold = sql`t.id = any(array(select id from told))`

/** What a step's new attempt doesn't take over from the one before. */
export const freshAttempt = sql`misses = 0, searches = 0, checked_at = null, unanswered = 0, unanswered_since = null, unanswered_reason = null,
  metered_micros = null`

/** What a finished task still has to do at the provider, or nothing. */
export const dueForStrays = (at: RawBuilder<Date>): RawBuilder<unknown> =>
  sql`case when t.strays @> '[{"over": false}]' then ${at} end`

/** Another task waits for the prediction: whoever named it here was wrong. By default, the prediction that is told of the row `t`. */
export const isAnothers = ({ prediction = sql`o.prediction_id`, id = sql`t.id`, provider = sql`t.provider` } = {}) =>
  sql`exists (select from tasks other where other.prediction_id = ${prediction} and other.id <> ${id} and other.provider = ${provider})`

/** Records of steps without what a person asked of them. */
export const withoutWords = (steps: RawBuilder<unknown>): RawBuilder<unknown> => sql`(
  select coalesce(jsonb_agg(record - 'change' || case when record ? 'past' then jsonb_build_object('past', (
    select jsonb_agg(earlier - 'change' order by place)
    from jsonb_array_elements(record -> 'past') with ordinality as past (earlier, place))) else '{}' end order by step), '[]')
  from jsonb_array_elements(${steps}) with ordinality as listed (record, step))`
