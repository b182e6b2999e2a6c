// What a person does to a task: continue, choose, redo, cancel. The endpoints of these names call them. One statement each; the owner is part of
// its WHERE. Each answers with the task as it is afterwards, whether it was moved or not, and undefined when it isn't theirs.
import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Choice, StepChange, Task } from '../../core/task.ts'
import { batched } from '../driver/batches.ts'
import { repeatable } from '../driver/retries.ts'
import { entry, remember, reported, reportMoves } from './history.ts'
import {
  begun,
  booking,
  bookingsOf,
  costOf,
  dayOf,
  daySpent,
  enter,
  expected,
  isStopped,
  reportSpent,
  spendAndTell,
} from './money.ts'
import { isSessionEnded } from './sessions.ts'
import { clock, type Db, freshAttempt, isTold, jsonb, seconds, type Timed } from './sql.ts'
import { counted } from './start.ts'

export interface Move extends Timed {
  id: string
  user_id: string
  /** The asking session's names: one that was ended moves nothing, as if the task weren't there. */
  session?: readonly string[] | undefined
  /** The step that the person saw; a move that speaks of another step changes nothing. */
  step?: number | undefined
  /** The attempt that the person saw, by the same rule: so a redo that is delivered twice is made once. */
  attempt?: number | undefined
}

/** What a step's next attempt is asked for otherwise than the task was started with; `{}` for nothing else. */
export interface Asked {
  asked?: StepChange | undefined
  /** What each step is expected to cost with it; as before where it is left out. */
  prices?: (number | null)[] | null | undefined
}

export interface MovedTask extends Task {
  moved: boolean
  /** Who took it last: a pass's claim, or the call that continued it. */
  claim_id?: string | null
}

interface StepTerms {
  recipe: string
  provider: string
  limitSeconds: number
}

/** What else a move is told; recipes' limits and the lease are the same for all of a process. */
interface Terms extends Timed {
  /** Recipes whose next step may be claimed at once, and where, with the limit of an attempt. Not at a capped provider: there they queue for a slot. */
  claims?: readonly StepTerms[]
  submitLeaseSeconds?: number
  /** Of a step, redos included. */
  maxAttempts?: number | undefined
  /** Starts and redos of a user a day (UTC). */
  daily_quota?: number | undefined
}

/** `asked` is of the next step. */
export interface Continue extends Move, Terms, Asked {
  /** The gates that are left open by themselves. */
  all?: boolean | undefined
  /** What the next step is made of. Left out: what was chosen, or the newest picture. Its file left out: the chosen one, or the first. */
  choice?: Partial<Choice> | undefined
}

/**
 * waiting_continue → processing/submitting for the next step: the click begins the attempt, and its create is the caller's to send.
 * waiting_continue → pending where the provider is paused, spending is stopped, or the recipe may not be claimed here.
 * A choice of what isn't stored moves nothing. What was given back at the gate is reserved again, which may throw a violation of
 * `spending_within_ceiling`. The click's own name stays in the row, as the token of the attempt and as `claim_id`: sent again after a lost
 * answer, the statement knows that it was the one that moved the task.
 */
export const continueTask = move<Continue>(
  { did: 'continued', asksForMore: true, hasChoice: true },
  (now, { claims = [], submitLeaseSeconds = 0 }) => {
    const begins = (value: RawBuilder<unknown>, otherwise = sql`null`) =>
      sql`case when mine.begins then ${value} else ${otherwise} end`
    return sql`
    update tasks t set status = ${begins(sql`'processing'`, sql`'pending'`)}, phase = ${begins(sql`'submitting'`)},
      current_step = mine.current_step + mine.begins::integer, next_step = ${begins(sql`null`, sql`mine.current_step + 1`)},
      attempt = ${begins(sql`1`, sql`t.attempt`)}, claim_token = ${begins(sql`mine.name`)}, claim_id = mine.name,
      slot = null,
      steps = coalesce(mine.chosen_steps, t.steps),
      intermediate_result = case when mine.chosen_steps is null then t.intermediate_result
        else result_address(t.id, mine.current_step, mine.choice) end,
      changes = ${askedFor(sql`mine.current_step + 1`)}, prices = mine.priced,
      prediction_id = null, output = null, ${freshAttempt}, submitted_at = ${begins(now, sql`t.submitted_at`)},
      deadline_at = ${begins(sql`${now} + ${seconds(sql`mine."limitSeconds"`)}`, sql`t.deadline_at`)},
      due_at = ${begins(sql`${now} + ${seconds(sql`${submitLeaseSeconds}::float8`)}`, now)}, updated_at = ${now},
      auto_continue = t.auto_continue or coalesce(mine.all, false), gate_reason = null,
      reserved_micros = greatest(mine.reserved_micros, mine.needed),
      reserved_on = case when mine.needed > mine.reserved_micros then ${dayOf(now)} else mine.reserved_on end
    from (
      select mine.*, terms."limitSeconds", price_from(mine.priced, mine.current_step + 1) as needed,
        terms.recipe is not null and not ${isStopped} and not exists (
        select from providers where providers.name = mine.provider and providers.paused_until > ${now}) as begins
      from meant as mine left join jsonb_to_recordset(${jsonb(claims)})
        as terms (recipe text, provider text, "limitSeconds" float8) on terms.recipe = mine.recipe and terms.provider = mine.provider) as mine
    where ${seen} and mine.status = 'waiting_continue' and (mine.choice is null or mine.chosen_steps is not null)
    returning t.*, ${booking({ ...begun, kind: sql`case when mine.begins then 'reserved' end`, now })}`
  },
)

export interface Choose extends Move {
  step: number
  choice: Choice
}

/**
 * Changes which attempt's picture is a step's result: that of the step at its gate, or of a completed task's last one. Moves nothing where
 * that is the result already, or where no such file is stored; and costs nothing.
 */
export const chooseTask = move<Choose>(
  { did: 'chosen', hasChoice: true, staysInState: true },
  (now) => sql`
    update tasks t set steps = mine.chosen_steps, updated_at = ${now},
      intermediate_result = case mine.status when 'waiting_continue' then ${address} else t.intermediate_result end,
      result_url = case mine.status when 'completed' then ${address} else t.result_url end
    from meant as mine where ${seen} and mine.status in ('waiting_continue', 'completed') and mine.chosen_steps is not null
      and mine.choice is distinct from chosen_of(mine.steps, mine.current_step)
    returning t.*, null::jsonb as booking`,
)

const address = sql`result_address(t.id, mine.current_step, mine.choice)`

/** `asked` is of the step itself. */
export interface Redo extends Move, Asked, Pick<Terms, 'maxAttempts' | 'daily_quota'> {
  /** Of an exclusive recipe: what a failed task takes that ran without its lock, beside another one, after a sign-in. */
  lock?: string | null | undefined
}

/**
 * waiting_continue or failed → pending for the same step. What it had produced stays stored under its own attempt. This step and those
 * that are left are reserved today. Throws a violation of `daily_starts_within_quota` when the day's tasks are used up, and one of
 * `spending_within_ceiling` when it would cost more than is left. Moves nothing while spending is stopped.
 */
export const redoTask = move<Redo>(
  { did: 'redone', asksForMore: true },
  (now, { maxAttempts }) => sql`
    update tasks t set status = 'pending', current_step = mine.current_step,
      next_step = greatest(mine.current_step, 1), phase = null, claim_token = null, prediction_id = null, output = null,
      due_at = ${now}, updated_at = ${now}, finished_at = null, error_code = null, error_message = null, gate_reason = null,
      lock_key = case mine.status when 'failed' then coalesce(t.lock_key, mine.lock) else t.lock_key end,
      changes = ${askedFor(sql`greatest(mine.current_step, 1)`)}, prices = mine.priced,
      reserved_micros = price_from(mine.priced, greatest(mine.current_step, 1)),
      reserved_on = case when mine.priced is not null then ${dayOf(now)} end
    from meant as mine where ${seen} and mine.status in ('waiting_continue', 'failed') and not ${isStopped}
      and ${maxAttempts === undefined ? sql`true` : sql`mine.attempt < ${maxAttempts}`}
    returning t.*, null::jsonb as booking`,
)

/**
 * pending, processing or waiting_continue → canceled. A running prediction becomes a stray, to be canceled at the
 * provider; an attempt whose prediction isn't known yet stays open, and reserved, until it is. What never began is given back.
 */
export const cancelTask = move({ did: 'canceled' }, (now) => {
  const unknown = sql`t.phase in ('submitting', 'unconfirmed')`
  const isPaid = sql`coalesce(mine.phase in ('running', 'storing'), false)`
  const cost = costOf()
  return sql`
    update tasks t set status = 'canceled', finished_at = ${now}, updated_at = ${now}, next_step = null,
      prediction_id = null, output = null, slot = null,
      phase = case when ${unknown} then t.phase end,
      claim_token = case when ${unknown} then t.claim_token end,
      steps = case t.status when 'processing' then close_attempt(t, 'canceled', ${now},
        case when ${unknown} then '{}' else costed(${cost}) end) else t.steps end,
      reserved_micros = case when ${unknown} then least(t.reserved_micros, ${expected(sql`t.current_step`)}) else 0 end,
      settled_micros = t.settled_micros + case when ${isPaid} then coalesce(${cost}, 0) else 0 end,
      strays = case t.phase when 'running'
        then add_stray(t.strays, t.current_step, t.attempt, t.prediction_id, t.provider_urls) else t.strays end,
      due_at = case when ${unknown} then t.due_at
        when t.phase = 'running' or t.strays @> '[{"over": false}]' then ${now} end
    from mine where ${seen} and mine.status in ('pending', 'processing', 'waiting_continue')
    returning t.*, ${booking({
      kind: sql`case when ${isPaid} then 'settled' end`,
      reserved: sql`-${expected(sql`t.current_step`)}`,
      settled: sql`t.settled_micros - mine.settled_micros`,
      ...{ step: sql`mine.current_step`, attempt: sql`mine.attempt`, token: sql`mine.claim_token` },
      ...{ prediction: sql`mine.prediction_id`, spent: sql`0`, now },
    })}`
})

/** The row is where the person saw it. */
const seen = sql`t.id = mine.id
  and mine.current_step = coalesce((select step from told where told.id = mine.id), mine.current_step)
  and mine.attempt = coalesce((select attempt from told where told.id = mine.id), mine.attempt)`

/** The row's `changes` with what the call asks for of this step. */
function askedFor(step: RawBuilder<unknown>) {
  return sql`case when mine.asked is null then t.changes when mine.asked = '{}' then t.changes - (${step})::text
    else t.changes || jsonb_build_object((${step})::text, mine.asked) end`
}

/** What one call tells of its task. No other call has its name. */
interface Call
  extends Asked,
    Pick<Redo, 'lock'>,
    Pick<Continue, 'id' | 'user_id' | 'session' | 'step' | 'attempt' | 'all'> {
  name: string
  choice_attempt: number | undefined
  choice_file: number | undefined
}

/** The locked rows with what their calls mean: the choice in full, and `steps` with it, which are null where it can't be chosen. */
const meant = sql`
  meant as materialized (
    select mine.*, told.all, told.name, told.lock, told.asked, coalesce(told.prices, mine.prices) as priced, choice,
      choose_attempt(mine.steps, mine.current_step, (choice ->> 'attempt')::integer, (choice ->> 'file')::integer) as chosen_steps
    from mine join told on told.id = mine.id
      cross join lateral (select chosen_of(mine.steps, mine.current_step) as now) as chosen
      cross join lateral (select case when coalesce(choice_attempt, choice_file) is not null then jsonb_build_object(
        'attempt', coalesce(choice_attempt, (now ->> 'attempt')::integer),
        'file', coalesce(choice_file, case when (now ->> 'attempt')::integer = choice_attempt then (now ->> 'file')::integer end, 1))
        end as choice) as choices)`

/**
 * What a move adds to the counters: what was reserved goes back to its own day, what is reserved now counts on this one. Whoever spends
 * more asks for it. After the day's starts, so that all lock in one order.
 */
const amounts = (asksForMore: boolean, now: RawBuilder<Date>, isCounted: boolean) => sql`
  select mine.id, mine.user_id, mine.recipe, coalesce(day, ${dayOf(now)}) as day, micros, asks, false as is_double
  from moved join mine using (id) cross join lateral (values
    (mine.reserved_on, -mine.reserved_micros, false), (moved.reserved_on, moved.reserved_micros, ${asksForMore}),
    (moved.reserved_on, moved.settled_micros - mine.settled_micros, false)) as amounts (day, micros, asks)
  ${isCounted ? sql`where (select count(*) from counted) >= 0` : sql``}`

/** Which attempt, and which of its files, for the history. */
const chosenWords = sql`nullif(
  concat_ws(', ', 'attempt ' || (mine.choice ->> 'attempt'), 'file ' || nullif(mine.choice ->> 'file', '1')), '')`

interface Kind {
  /** The history's word for it. */
  did: string
  /** It reserves, so that a ceiling may refuse it. */
  asksForMore?: boolean
  /**
   * It may choose a picture, which the history tells. Its statement can be sent again after a lost answer: a continue knows itself by its
   * name, and the same choice again changes nothing.
   */
  hasChoice?: boolean
  /** The history has it though the status stays. */
  staysInState?: boolean
}

/** Locks the owners' rows first: a rival's move is then seen, and the answer shows the task as it is, not as it was. */
function move<Own extends Move = Move>(
  { did, asksForMore = false, hasChoice = false, staysInState = false }: Kind,
  update: (now: RawBuilder<Date>, terms: Terms) => RawBuilder<unknown>,
) {
  const before = { was: sql`mine.status`, phase: sql`mine.phase`, since: sql`mine.updated_at` }
  const send = batched(async (db, told: readonly Call[], terms: Terms = {}) => {
    const now = clock(terms)
    const more = { ...(hasChoice && { reason: chosenWords }), ...(staysInState && { isMove: sql`true` }) }
    const { rows } = await sql<MovedTask>`
      with told as materialized (
        select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, user_id text, session jsonb, step integer, attempt integer, "all" boolean, name uuid,
          choice_attempt integer, choice_file integer, lock text, asked jsonb, prices jsonb)),
      mine as materialized (
        select t.* from tasks t join told on told.id = t.id and told.user_id = t.user_id
        where ${isTold} and not ${isSessionEnded} order by t.id for update of t),
      ${meant},
      moved as (${update(now, terms)}, true as moved, ${entry({ ...before, ...more, now })}),
      ${terms.daily_quota ? counted(sql`moved`, terms.daily_quota, now) : sql``}
      ${bookingsOf(sql`select id, booking from moved`)},
      ${enter(now)},
      ${spendAndTell(sql`select * from moved`, amounts(asksForMore, now, Boolean(terms.daily_quota)), now, terms)},
      ${remember(sql`select moved.*, ${did}::text as did from moved`, now, terms)}
      select moved.*, ${daySpent(now)}, ${reported(terms, sql`${did}::text`)} from moved
      union all
      select mine.*, null as booking, mine.claim_id is not distinct from told.name as moved, null as entry, null as day_spent, null as report
      from mine join told on told.id = mine.id where not exists (select from moved where moved.id = mine.id)
    `.execute(hasChoice ? repeatable(db) : db)
    return reportMoves(reportSpent(rows, terms), terms)
  })
  return async (db: Db, own: Own): Promise<MovedTask | undefined> => {
    const { id, user_id, session, step, attempt, all, choice, lock, asked, prices, ...terms }: Continue & Redo = own
    const chosen = { choice_attempt: choice?.attempt, choice_file: choice?.file }
    const call = { id, user_id, session, step, attempt, all, lock, asked, prices, ...chosen, name: randomUUID() }
    const [task] = await send(db, [call], terms)
    return task
  }
}
