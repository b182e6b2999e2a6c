// What became of a create: every statement that writes the fate of an attempt whose prediction isn't known yet.
// Called by passes (our own answer), by the webhook door (the provider names the attempt) and by the search in its list.
import { type RawBuilder, sql } from 'kysely'
import type { SubmissionOutcome } from '../../core/decide.ts'
import { batched } from '../driver/batches.ts'
import { repeatable } from '../driver/retries.ts'
import { entry, failuresBefore, remember, reportedFailures, reportMoves } from './history.ts'
import { book, booking, expected } from './money.ts'
import { clock, dueForStrays, isAnothers, type Moved, type OfAttempt, seconds, target } from './sql.ts'

const columns = sql`kind text, prediction_id text, urls jsonb, check_in float8, provider text, reason text,
  retry_in float8, code text, search_in float8, cost bigint`

/**
 * processing → running | pending | failed | unconfirmed, each only from the attempt's own submitting or unconfirmed. Repeated after a lost
 * answer, it answers that nothing moved, as for a stale holder: the history has the move, and the next pass goes on with it. Only a failure
 * is reported again, as an alert hangs on it.
 */
export const recordSubmissions = batched(async (db, told: readonly OfAttempt<SubmissionOutcome>[], timed) => {
  const now = clock(timed)
  const { rows } = await sql<Moved>`
    with ${target(told, columns)},
    created as (
      update tasks t set phase = 'running', prediction_id = o.prediction_id, provider_urls = o.urls,
        due_at = ${now} + ${seconds(sql`o.check_in`)}, updated_at = ${now}
      from target o where t.id = o.id and o.kind = 'created' and ${isUndecided} and t.status = 'processing' and not ${isAnothers()}
      returning t.*, 'created' as did, ${entry({ now })}, null::jsonb as booking),
    ${strayed(now)},
    ${released(now)},
    ${failed(now)},
    unknown as (
      update tasks t set phase = 'unconfirmed', due_at = ${now} + ${seconds(sql`o.search_in`)}, updated_at = ${now}
      from target o where t.id = o.id and o.kind = 'unknown' and ${isUndecided}
      returning t.*, 'unknown' as did, ${entry({ now })}, null::jsonb as booking),
    paused as (
      insert into providers as p (name, paused_until, paused_for, updated_at)
      select distinct on (provider) provider, ${now} + ${seconds(sql`retry_in`)}, reason, ${now}
      from told where kind = 'throttled' order by provider, retry_in desc
      -- The longest pause holds, with its own reason.
      on conflict (name) do update set
        paused_for = case when p.paused_until > excluded.paused_until then p.paused_for else excluded.paused_for end,
        paused_until = greatest(p.paused_until, excluded.paused_until), updated_at = excluded.updated_at),
    moved as (select * from created union all select * from strayed union all select * from released
      union all select * from failed union all select * from unknown),
    ${book(sql`select * from moved`, now)},
    ${remember(sql`select * from moved`, now, timed)}
    select id, did, status, ${reportedFailures(timed)} from moved
    union all select id, null, null, report from (${failedBefore}) as before
  `.execute(repeatable(db))
  return reportMoves(rows, timed).filter(({ did }) => did !== null)
})

const words = { code: sql`o.code`, reason: sql`o.reason` }

/** The outcome is of the open attempt, whose fate was still unwritten. */
const isUndecided = sql`o.is_open and o.phase in ('submitting', 'unconfirmed')`

/** What its attempt was expected to cost, and what it has cost by its provider's figures, where they came with this report. */
const price = expected(sql`o.step`)
const paid = sql`coalesce(o.cost, ${price})`
/** It is the prediction of an attempt that was booked as paid when it couldn't be found. */
const paidAhead = sql`is_paid_ahead(o.steps, o.strays, o.step, o.attempt)`

/**
 * A prediction that the open attempt doesn't want: of a canceled task, of an earlier attempt, or a second one. All of them are paid. That
 * of a canceled task was reserved; the others are doubles, but for one that was paid ahead.
 */
const strayed = (now: RawBuilder<Date>) => sql`
  strayed as (
    update tasks t set
      strays = add_stray(t.strays, o.step, o.attempt, o.prediction_id, o.urls),
      status = case when ${isUndecided} then o.was else t.status end,
      finished_at = case when ${isUndecided} then o.finished else t.finished_at end,
      phase = case when ${isUndecided} then null else t.phase end,
      claim_token = case when ${isUndecided} then null else t.claim_token end,
      reserved_micros = case when ${isUndecided} then 0 else t.reserved_micros end,
      settled_micros = t.settled_micros + case when ${isUndecided} then ${paid} else 0 end,
      steps = case when ${isUndecided} then with_cost(t.steps, o.step, coalesce(o.cost, price_of(t.prices, o.step))) else t.steps end,
      -- The lease of a create that is under way stays: its holder is alive, and who claims the row then cancels the stray as well.
      due_at = case when t.phase = 'submitting' and not (${isUndecided}) then t.due_at else ${now} end,
      -- Its gate, and the copy of a result, are timed from its last move.
      updated_at = case when ${isUndecided} then ${now} else t.updated_at end
    from target o where t.id = o.id and o.kind = 'created' and not (${isUndecided} and o.was = 'processing')
      and o.known is distinct from o.prediction_id and not ${isAnothers()}
      and not t.strays @> jsonb_build_array(jsonb_build_object('prediction_id', o.prediction_id))
      and not t.steps @> jsonb_build_array(jsonb_build_object('prediction_id', o.prediction_id))
      and not t.steps @> jsonb_build_array(jsonb_build_object('past',
        jsonb_build_array(jsonb_build_object('prediction_id', o.prediction_id))))
    returning t.*, 'strayed' as did, ${entry({ now })}, ${booking({
      kind: sql`case when ${isUndecided} then 'settled' when not ${paidAhead} then 'double' end`,
      reserved: sql`case when ${isUndecided} then -${price} else 0 end`,
      settled: paid,
      prediction: sql`o.prediction_id`,
      spent: sql`case when ${isUndecided} then t.reserved_micros + t.settled_micros - o.reserved_before - o.settled_before
        when not ${paidAhead} then ${paid} else 0 end`,
      isDouble: sql`not (${isUndecided})`,
      now,
    })})`

/**
 * Back to pending for the same step. A create that was throttled or not sent spent nothing: its number is used again. The step stays
 * reserved, as it goes on; of a canceled task it is given back.
 */
const released = (now: RawBuilder<Date>) => sql`
  released as (
    update tasks t set
      status = case t.status when 'processing' then 'pending' else t.status end,
      next_step = case t.status when 'processing' then t.current_step end,
      phase = null, claim_token = null, updated_at = ${now},
      attempt = t.attempt - case when o.kind = 'absent' then 0 else 1 end,
      due_at = case t.status when 'processing' then ${now} + ${seconds(sql`coalesce(o.retry_in, 0)`)}
        else ${dueForStrays(now)} end,
      reserved_micros = case t.status when 'processing' then t.reserved_micros else 0 end,
      steps = case t.status when 'processing' then t.steps else with_cost(t.steps, o.step, 0 * price_of(t.prices, o.step)) end
    from target o where t.id = o.id and o.kind in ('throttled', 'unsent', 'absent') and ${isUndecided}
    returning t.*, o.kind as did, ${entry({ reason: sql`o.reason`, now })}, ${booking({
      kind: sql`'released'`,
      reserved: sql`-${price}`,
      now,
    })})`

/** What couldn't be found out may have been paid, and is booked as if it was. */
const mayBePaid = sql`o.kind = 'unsettled'`
const lost = sql`price_of(t.prices, o.step) * (${mayBePaid})::integer`

const failed = (now: RawBuilder<Date>) => sql`
  failed as (
    update tasks t set
      status = case t.status when 'processing' then 'failed' else t.status end,
      steps = case t.status when 'processing'
        then close_attempt(t, 'failed', ${now}, jsonb_build_object('error_code', o.code) || costed(${lost}))
        else with_cost(t.steps, o.step, ${lost}) end,
      reserved_micros = 0, settled_micros = t.settled_micros + coalesce(${lost}, 0),
      error_code = case t.status when 'processing' then o.code else t.error_code end,
      error_message = case t.status when 'processing' then o.reason else t.error_message end,
      finished_at = coalesce(t.finished_at, ${now}), phase = null, claim_token = null,
      due_at = ${dueForStrays(now)}, updated_at = ${now}
    from target o where t.id = o.id and o.kind in ('rejected', 'unsettled') and ${isUndecided}
    returning t.*, o.kind as did, ${entry({ ...words, failed: sql`nullif(t.status = 'failed', false)`, now })}, ${booking(
      {
        kind: sql`case when ${mayBePaid} then 'settled' else 'released' end`,
        reserved: sql`-${price}`,
        settled: sql`coalesce(${lost}, 0)`,
        now,
      },
    )})`

/** What is told of is written already. Only who sent an attempt, or gave it up, tells this of it. */
const failedBefore = failuresBefore(
  sql`select id, step, attempt, kind as move from target where kind in ('rejected', 'unsettled') and phase is null`,
)
