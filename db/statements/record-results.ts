// What became of a prediction: every statement that writes what the provider said of it, and the one that shows a step done.
// Called by passes and by the webhook door alike. The fence is the attempt and its prediction: whoever asked, one answer moves it.
import { type RawBuilder, sql } from 'kysely'
import { type CheckOutcome, missesAllowed, missSeconds, storingLeaseSeconds } from '../../core/decide.ts'
import type { StepFile } from '../../core/task.ts'
import { batched } from '../driver/batches.ts'
import { DatabaseError } from '../driver/errors.ts'
import { repeatable } from '../driver/retries.ts'
import { entry, failuresBefore, remember, reported, reportedFailures, reportMoves } from './history.ts'
import { book, booking, costOf, expected, isOverspent } from './money.ts'
import { closingAt } from './outbox.ts'
import {
  clock,
  type Db,
  dueForStrays,
  isAnothers,
  jsonb,
  type Moved,
  type OfAttempt,
  seconds,
  type Timed,
  target,
} from './sql.ts'

type CheckOfAttempt = OfAttempt<CheckOutcome & { prediction_id: string }>

const columns = sql`kind text, prediction_id text, output jsonb, code text, reason text, leave boolean, retry_in float8, cost bigint`

/** The outcome is of the open attempt. A redo, a cancel or a faster rival makes this false, and nothing is written. */
const isOpen = sql`t.id = o.id and o.is_open and t.status = 'processing'`
/** … and of the prediction that the attempt knows. */
const isOfKnown = sql`${isOpen} and o.known = o.prediction_id`
/** It may end the attempt also where that doesn't know its prediction yet: a webhook that reports the end of it names it as well. */
const mayEnd = sql`(o.known = o.prediction_id
  or o.known is null and o.phase in ('submitting', 'unconfirmed') and not ${isAnothers()})`

/**
 * processing/running → storing; running or storing → failed; or only a note of when to check again. Not repeated, as a check that was not
 * answered would count twice: it is made again. A failure that was written and whose answer was lost is reported all the same.
 */
export const recordChecks = batched(async (db, told: readonly CheckOfAttempt[], timed) => {
  try {
    return await sendChecks(db, told, timed)
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === 'lost') await reportFailures(db, told, timed)
    throw error
  }
})

async function reportFailures(db: Db, told: readonly CheckOfAttempt[], timed?: Timed): Promise<void> {
  const ended = told.filter(({ kind }) => kind === 'failed' || kind === 'missing')
  if (ended.length === 0) return
  const known = sql`select id, step, attempt, 'failed' as move from jsonb_to_recordset(${jsonb(ended)}) as told (id uuid, step integer, attempt integer)`
  const { rows } = await sql<{ id: string }>`${failuresBefore(known)}`.execute(repeatable(db))
  reportMoves(rows, timed)
}

async function sendChecks(db: Db, told: readonly CheckOfAttempt[], timed?: Timed): Promise<Moved[]> {
  const now = clock(timed)
  const { rows } = await sql<Moved>`
    with ${target(told, columns)},
    succeeded as (
      update tasks t set phase = 'storing', output = o.output, misses = 0, metered_micros = o.cost,
        unanswered = 0, unanswered_since = null, unanswered_reason = null, updated_at = ${now},
        due_at = ${now} + ${seconds(sql`${storingLeaseSeconds}`)}
      from target o where ${isOfKnown} and o.kind = 'succeeded' and o.phase = 'running'
      returning t.*, 'succeeded' as did, ${entry({ now })}, null::jsonb as booking),
    ${failed(now)},
    noted as (
      update tasks t set
        -- Whatever else is told of a prediction, 404s before it and after it are not in a row. A check that was not made tells nothing.
        misses = case when o.kind = 'missing' then ${missesNow(now)}
          when o.kind = 'unanswered' or o.kind = 'postponed' and t.phase = 'running' then t.misses else 0 end,
        missed_at = case o.kind when 'missing' then case when ${isSameMiss(now)} then t.missed_at else ${now} end else t.missed_at end,
        unanswered = case o.kind when 'unanswered' then t.unanswered + 1 when 'postponed' then t.unanswered else 0 end,
        unanswered_since = case when o.kind = 'unanswered' or ${storeFault} then coalesce(t.unanswered_since, ${now})
          when o.kind = 'postponed' and t.phase = 'running' then t.unanswered_since end,
        -- While an output is copied, what our own store did wrong.
        unanswered_reason = case when o.kind = 'unanswered' or ${storeFault} then o.reason
          when o.kind = 'postponed' and t.phase = 'running' then t.unanswered_reason end,
        due_at = case when o.kind in ('answered', 'unanswered') then t.due_at else ${now} + ${seconds(sql`o.retry_in`)} end
      from target o where ${isOfKnown} and (o.kind in ('answered', 'unanswered', 'postponed') or o.kind = 'missing' and not ${lost(now)})
      returning t.*, o.kind as did, null::jsonb as entry, null::jsonb as booking),
    moved as (select * from succeeded union all select * from failed union all select * from noted),
    ${book(sql`select * from moved`, now)},
    ${remember(sql`select * from moved`, now, timed)}
    select id, did, status, ${reportedFailures(timed)} from moved
  `.execute(db)
  return reportMoves(rows, timed)
}

const storeFault = sql`(o.kind = 'postponed' and t.phase = 'storing' and o.reason is not null)`

/** Heard of by a pass and a webhook, or by two passes: 404s are counted as far apart as they are asked for. */
const isSameMiss = (now: RawBuilder<Date>) =>
  sql`coalesce(t.misses > 0 and t.missed_at > ${now} - ${seconds(sql`${missSeconds} / 2.0`)}, false)`
const missesNow = (now: RawBuilder<Date>) => sql`t.misses + case when ${isSameMiss(now)} then 0 else 1 end`
const lost = (now: RawBuilder<Date>) => sql`${missesNow(now)} >= ${missesAllowed}`

/** What the attempt has cost: charged or not, a prediction that failed counts in full where its provider doesn't tell. */
const cost = costOf(sql`o.cost`)

/** Ends an attempt: it was reserved, and is paid. */
const settled = (now: RawBuilder<Date>) =>
  booking({
    kind: sql`'settled'`,
    reserved: sql`-${expected(sql`o.step`)}`,
    settled: sql`t.settled_micros - o.settled_before`,
    prediction: sql`o.prediction_id`,
    now,
  })

const failed = (now: RawBuilder<Date>) => sql`
  failed as (
    update tasks t set status = 'failed', phase = null, claim_token = null, prediction_id = null, output = null,
      steps = close_attempt(t, 'failed', ${now}, jsonb_build_object(
        'error_code', coalesce(o.code, 'prediction_lost'), 'prediction_id', o.prediction_id) || costed(${cost})),
      reserved_micros = 0, settled_micros = t.settled_micros + coalesce(${cost}, 0),
      error_code = coalesce(o.code, 'prediction_lost'), error_message = o.reason,
      strays = case when o.leave
        then add_stray(t.strays, t.current_step, t.attempt, t.prediction_id, t.provider_urls) else t.strays end,
      due_at = case when o.leave then ${now} else ${dueForStrays(now)} end,
      finished_at = ${now}, updated_at = ${now}
    from target o where ${isOpen} and (
      o.kind = 'failed' and o.leave is not true and ${mayEnd}
      -- What is given up still ran when it was checked; meanwhile it may have succeeded.
      or o.kind = 'failed' and o.known = o.prediction_id and o.phase = 'running'
      or o.kind = 'missing' and o.known = o.prediction_id and ${lost(now)})
    returning t.*, 'failed' as did, ${entry({
      code: sql`coalesce(o.code, 'prediction_lost')`,
      reason: sql`o.reason`,
      failed: sql`true`,
      now,
    })}, ${settled(now)})`

/** The copy is complete: `files` are stored under the attempt's keys and can be downloaded. */
export interface StoredOutcome {
  prediction_id: string
  files: StepFile[]
  /** What it has cost by its provider's figures, where they came with this report. */
  cost?: number | undefined
  /** From now until an unanswered gate closes. */
  gate_in: number
}

/**
 * processing → completed (last step) | waiting_continue | pending (the gate opens by itself). Where the day's ceilings were passed,
 * because reality was dearer than what was reserved, no gate opens by itself: what was kept for the steps that are left is given back.
 * Repeated after a lost answer, it reports no move: a success lacks its log line then, which the history has, and no alert hangs on it.
 */
export const recordStored = batched(async (db, told: readonly OfAttempt<StoredOutcome>[], timed) => {
  const now = clock(timed)
  const last = sql`t.current_step = t.total_steps`
  const closes = sql`(${now} + ${seconds(sql`o.gate_in`)})`
  const goesOn = sql`t.auto_continue and not o.overspent`
  // Beyond what was reserved: the counters get it by this very statement.
  const dearer = sql`coalesce(coalesce(o.cost, o.metered_micros) - price_of(o.prices, o.step), 0)`
  const { rows } = await sql<Moved>`
    with ${target(told, sql`prediction_id text, files jsonb, gate_in float8, cost bigint`)},
    judged as materialized (select o.*, ${timed?.ceilings ? isOverspent(timed.ceilings, dearer) : sql`false`} as overspent from target o),
    stored as (
      update tasks t set
        status = case when ${last} then 'completed' when ${goesOn} then 'pending' else 'waiting_continue' end,
        next_step = case when not ${last} and ${goesOn} then t.current_step + 1 end,
        due_at = case when ${last} then ${dueForStrays(now)} when ${goesOn} then ${now}
          else coalesce(${dueForStrays(now)}, ${timed?.notify ? closingAt(now, closes) : closes}) end,
        deadline_at = ${closes},
        finished_at = case when ${last} then ${now} end,
        result_url = case when ${last} then ${address} end,
        intermediate_result = case when not ${last} then ${address} end,
        steps = close_attempt(t, 'completed', ${now}, jsonb_build_object(
          'files', o.files, 'prediction_id', o.prediction_id) || costed(${cost})),
        settled_micros = t.settled_micros + coalesce(${cost}, 0),
        reserved_micros = case when ${last} or t.auto_continue and o.overspent then 0
          else greatest(t.reserved_micros - ${expected(sql`o.step`)}, 0) end,
        gate_reason = case when not ${last} and t.auto_continue and o.overspent then 'budget_exceeded' end,
        phase = null, claim_token = null, prediction_id = null, output = null, updated_at = ${now}
      from judged o where ${isOpen} and ${mayEnd}
      returning t.*, 'stored' as did, ${entry({ failed: sql`false`, now })}, ${settled(now)}),
    ${book(sql`select * from stored`, now)},
    ${remember(sql`select * from stored`, now, timed)}
    select id, did, status, ${reported(timed)} from stored as moved
  `.execute(repeatable(db))
  return reportMoves(rows, timed)
})

/** Of the attempt's first file. */
const address = sql`result_address(t.id, t.current_step, jsonb_build_object('attempt', t.attempt))`
