// Claims due tasks: the one statement by which a pass takes work. engine/claim.ts calls it.
// A claim moves `due_at` into the future; if its holder dies, the task simply becomes due again.
import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { storingLeaseSeconds } from '../../core/decide.ts'
import type { Timing } from '../../core/recipe.ts'
import { batched } from '../driver/batches.ts'
import { DatabaseError } from '../driver/errors.ts'
import { type Claimed, readClaim } from './claimed.ts'
import { entry, remember, reported, reportMoves } from './history.ts'
import { bookBegun, giveBack, isStopped } from './money.ts'
import { eventsDueAt, gateDue, isGateClosing } from './outbox.ts'
import { type Cap, overdueSince } from './overdue.ts'
import {
  clock,
  columnBytes,
  type Db,
  dueForStrays,
  freshAttempt,
  jsonb,
  mostBytes,
  seconds,
  type Timed,
} from './sql.ts'

/** What the statement has to know of a recipe; tasks of recipes that aren't listed are left alone. */
export interface RecipeTerms extends Timing {
  recipe: string
}

export interface ClaimParams extends Timed {
  terms: readonly RecipeTerms[]
  limit: number
  submitLeaseSeconds: number
  /** How many predictions may be in flight at a provider; none named, none limited. */
  caps?: readonly Cap[]
  /** Predictions that came due after this are left for the next pass: this one has just checked them. */
  dueBy?: Date | undefined
  /** Only this task, if it is due: the pass of one request. */
  taskId?: string | undefined
  /** Where tasks that are over are deleted one day: a deployment that has any looks again after so long. */
  sweepSeconds?: number | undefined
}

export interface Claims {
  tasks: Claimed[]
  /** When nothing was claimed: the earliest instant at which a task or an event will be due, if any ever will. Not for one task. */
  nextDueAt: Date | null
  /** More is due, and was left because the answer would have been too large. */
  isCut?: true
  /** Events are due to be told. Not for one task. */
  areEventsDue?: true
  /** Before this claim something had been due for this long: passes are missing, or too few. Absent where nothing had, for long. */
  overdueSeconds?: number
  /** What was deleted is still to go, or to be looked for again. */
  erasuresDue?: true
}

/** Many more claims than ever run at one moment. */
const slotTries = 20
/** Where a holder that dies leaves nothing better. */
const retrySeconds = 20
/**
 * Between two searches for an unconfirmed submission, which may go on for a day: a quarter of its age, within these. A quarter of the claim's
 * lease takes the place of the least where it is shorter.
 */
const searchSeconds = { least: retrySeconds, most: 300 }
/** What the provider has is found within three minutes by its list, if it can be: later an unconfirmed attempt holds no slot. */
const unconfirmedSlotSeconds = 240

/**
 * pending → processing/submitting (a new attempt, with a token that names it to its end);
 * processing/submitting whose claim ran out → unconfirmed; waiting_continue past its gate → canceled;
 * whatever else is due is only checked: its `due_at` moves to the next check.
 */
export async function claimDue(db: Db, { taskId, ...p }: ClaimParams): Promise<Claims> {
  if (!taskId) return claimSome(db, p)
  // Each of these passes began at another moment, so they can't share a statement.
  if (p.dueBy) return claimSome(db, p, [taskId])
  const [answer] = await claimForRequests(db, [{ id: taskId }], p)
  return answer?.claims as Claims
}

/** The passes of many requests, each for its own task, as one statement. The first of them is told what is overdue. */
const claimForRequests = batched(async (db, rows: readonly { id: string }[], p?: Omit<ClaimParams, 'taskId'>) => {
  const ids = rows.map(({ id }) => id)
  const { tasks, overdueSeconds, erasuresDue } = await claimSome(db, p as ClaimParams, ids)
  const claimed = Map.groupBy(tasks, ({ id }) => id)
  const due = { ...(overdueSeconds !== undefined && { overdueSeconds }), ...(erasuresDue && { erasuresDue }) }
  return rows.map(({ id }, index) => {
    const own = claimed.get(id.toLowerCase()) ?? []
    return { id, claims: { tasks: own, nextDueAt: null, ...(index === 0 && due) } }
  })
})

/** Sends the claim again where a rival took the same slot, and asks by its name for a claim whose answer was lost, or too large. */
async function claimSome(db: Db, p: ClaimParams, ids?: readonly string[]): Promise<Claims> {
  const name = randomUUID()
  let { limit } = p
  for (let tries = 1; ; tries += 1) {
    try {
      const claims = await sendClaim(db, { ...p, limit }, name, ids)
      return limit < p.limit ? { ...claims, isCut: true } : claims
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      const found = error.kind === 'lost' ? await readClaim(db, name, p) : []
      if (found.length > 0) return { tasks: found, nextDueAt: null, ...(error.isTooLarge && { isCut: true }) }
      if (error.isTooLarge && !ids && limit > 1) {
        limit = Math.ceil(limit / 2)
        continue
      }
      // Each rival that is refused lets another one through.
      if (error.constraint !== 'tasks_slot' || tries === slotTries) throw error
    }
  }
}

interface Row extends Claimed {
  next_due_at: Date | null
  are_events_due: boolean
  erasures_due: boolean
  overdue_since: Date | null
  is_cut: boolean
}

async function sendClaim(db: Db, p: ClaimParams, name: string, ids?: readonly string[]): Promise<Claims> {
  const now = clock(p)
  const { caps = [] } = p
  const nextEvent = p.notify && !ids ? eventsDueAt : sql`null::timestamptz`
  const nextSweep = p.sweepSeconds && !ids ? sweptAt(now, p.sweepSeconds) : sql`null::timestamptz`
  const isCapped = caps.length > 0
  const ifCapped = (capped: RawBuilder<unknown>, otherwise = sql``) => (isCapped ? capped : otherwise)
  // With one id, the planner sees the id itself and uses the primary key.
  const named =
    ids?.length === 1
      ? sql`(select * from tasks where id = ${ids[0]}) as t`
      : sql`unnest(${ids ?? []}::uuid[]) as named (id) cross join lateral (select * from tasks where tasks.id = named.id limit 1) as t`
  // A request's pass queues for a slot behind everybody who waits for one.
  const rivals = sql`(select * from tasks where id = any(${ids ?? []}::uuid[]) or due_at <= ${now} and status = 'pending'
    and provider in (select provider from caps)) as t`
  const from = ids ? ifCapped(rivals, named) : sql`tasks t`
  const { rows } = await sql<Row>`
    with
    -- 1. What this deployment knows of its recipes, and how many predictions each capped provider may have in flight.
    terms as materialized (
      select * from jsonb_to_recordset(${jsonb(p.terms)}) as terms (recipe text, "minCheckSeconds" float8, "maxCheckSeconds" float8,
        "watchSeconds" float8, "slowCheckSeconds" float8, "limitSeconds" float8)),
    ${ifCapped(sql`
    caps as materialized (select * from jsonb_to_recordset(${jsonb(caps)}) as caps (provider text, cap integer)),
    free as materialized (
      select caps.provider, numbers.slot, row_number() over (partition by caps.provider order by numbers.slot) as place
      from caps, generate_series(1, caps.cap) as numbers (slot)
      where not exists (select from tasks t where t.provider = caps.provider and t.slot = numbers.slot
        and t.phase in ('submitting', 'unconfirmed', 'running'))),`)}
    -- 2. What is due, in turns: every user's first task, then every user's second, so that a long queue of one user starves nobody.
    --    A pending task of a paused provider, or while spending is stopped, only has its strays canceled, if it has any.
    queue as (
      select t.id, t.provider, t.status, t.due_at, t.status = 'pending' and ${isHalted} as paused,
        t.strays @> '[{"over": false}]' as has_strays, row_number() over (partition by t.user_id order by t.due_at, t.id) as turn
      from ${from} left join providers on providers.name = t.provider and providers.paused_until > ${now}
      where t.due_at <= ${now}
        and ${p.dueBy ? sql`(t.phase is distinct from 'running' or t.due_at <= ${p.dueBy})` : sql`true`}
        and t.recipe in (select recipe from terms)
        and (t.status <> 'pending' or not ${isHalted} or t.strays @> '[{"over": false}]')),
    -- 3. Of those, whom there is a slot for. Who has to wait for one may have strays to cancel meanwhile.
    ${ifCapped(
      sql`
    ranked as (
      select queue.*, row_number() over (partition by provider, status = 'pending' and not paused order by turn, due_at) as place
      from queue),
    admitted as (
      select ranked.*, status = 'pending' and (paused or provider in (select provider from caps)
        and place > (select count(*) from free where free.provider = ranked.provider)) as waits from ranked),`,
      sql`admitted as (select queue.*, paused as waits from queue),`,
    )}
    -- 4. Locks them. The limit counts what could be locked, so that passes at the same moment share the work. A request's pass waits for
    --    its row, in the order in which every batch locks: whoever holds it may only be a click that comes to nothing.
    --    The queue comes sorted, and narrow: then the planner looks tasks up one by one until the limit, and reads no more of them.
    locked as materialized (
      select t.id, t.provider, t.recipe, admitted.turn, t.status as was, t.phase, t.updated_at as since, t.current_step as step,
        t.attempt as open_attempt, ${hasDied} as has_died, admitted.waits, t.reserved_micros as reserved_before,
        t.status = 'waiting_continue' and t.deadline_at <= ${now} as expired
      from (select * from admitted where not waits or has_strays order by turn, due_at) as admitted join tasks t on t.id = admitted.id
      where t.due_at <= ${now} and t.status = admitted.status
      ${
        ids
          ? sql`and t.id = any(${ids}::uuid[]) order by t.id for update of t`
          : sql`order by admitted.turn, admitted.due_at limit ${p.limit} for update of t skip locked`
      }),
    -- What doesn't fit into one answer stays due.
    weighed as materialized (
      select *, ${columnBytes} + (select octet_length(concat(t.input, t.steps, t.strays, t.output, t.provider_urls))
        from tasks t where t.id = locked.id) as bytes from locked join terms using (recipe)),
    due as materialized (
      select * from (select weighed.*, sum(bytes) over (order by turn, id) - bytes as before from weighed) as counted
      where before < ${mostBytes}),
    ${ifCapped(
      sql`
    seated as (
      select due.*, row_number() over (partition by provider, was = 'pending' and not waits order by turn, id) as place from due),`,
      sql`seated as (select * from due),`,
    )}
    -- 5. Begins an attempt of each pending task. Of two claims that reach for one slot, the index tasks_slot refuses one.
    submitted as (
      update tasks t set
        status = 'processing', phase = 'submitting', current_step = t.next_step, next_step = null,
        attempt = case when t.next_step = t.current_step then t.attempt + 1 else 1 end,
        claim_token = gen_random_uuid(), ${freshAttempt}, submitted_at = ${now},
        slot = ${ifCapped(
          sql`(select free.slot from free where free.provider = o.provider and free.place = o.place)`,
          sql`null::integer`,
        )},
        deadline_at = ${now} + ${seconds(sql`o."limitSeconds"`)}, due_at = ${now} + ${seconds(sql`${p.submitLeaseSeconds}`)},
        claim_id = ${name}, error_code = null, error_message = null, updated_at = ${now}
      from seated o where t.id = o.id and o.was = 'pending' and not o.waits
      returning 'submit' as work, t.*, ${entry({ now })}),
    -- 6. Moves what is only checked to its next check. A prediction's: after a quarter of the time already waited, within the recipe's
    --    bounds; slowly after the watch; never past the limit, where the last check is due; and past it at the upper bound.
    checked as (
      update tasks t set
        phase = case t.phase when 'submitting' then 'unconfirmed' else t.phase end,
        slot = case when t.phase = 'unconfirmed' and t.submitted_at <= ${now} - ${seconds(sql`${unconfirmedSlotSeconds}`)}
          then null else t.slot end,
        searches = t.searches + case when t.phase in ('submitting', 'unconfirmed') then 1 else 0 end,
        claim_id = ${name}, checked_at = case when t.phase is null then t.checked_at else ${now} end,
        due_at = case
          when t.phase = 'running' and t.deadline_at <= ${now} then ${now} + ${seconds(sql`o."maxCheckSeconds"`)}
          when t.phase = 'running' then least(t.deadline_at, ${now} + ${seconds(sql`
            case when ${now} - t.submitted_at > ${seconds(sql`o."watchSeconds"`)} then o."slowCheckSeconds"
              else least(o."maxCheckSeconds", greatest(o."minCheckSeconds", extract(epoch from ${now} - t.submitted_at) / 4)) end`)})
          when t.phase = 'storing' then ${now} + ${seconds(sql`${storingLeaseSeconds}`)}
          when t.phase is null and t.status = 'waiting_continue' and not t.strays @> '[{"over": false}]' then ${gateDue(now, p.notify)}
          when t.phase is not null then ${now} + ${seconds(sql`
            least(${searchSeconds.most}, greatest(${Math.min(searchSeconds.least, p.submitLeaseSeconds / 4)}::float8, extract(epoch from ${now} - t.submitted_at) / 4))`)}
          else ${now} + ${seconds(sql`${retrySeconds}`)} end
      from due o where t.id = o.id and (o.was <> 'pending' or o.waits) and not o.expired
      returning 'check' as work, t.*, ${entry({ now })}),
    -- 7. Cancels what nobody continued in time, and gives back what was kept for its steps.
    expired as (
      update tasks t set
        status = 'canceled', error_code = 'gate_expired', reserved_micros = 0, finished_at = ${now}, updated_at = ${now}, due_at = ${dueForStrays(now)},
        error_message = 'Nobody continued in time. What was made so far can still be downloaded.'
      from due o where t.id = o.id and o.expired
      returning 'expired' as work, t.*, ${entry({ code: sql`t.error_code`, now })}),
    moved as (select * from submitted union all select * from checked union all select * from expired),
    -- 8. Books the attempts that began, and what was given back; writes the history; and answers, with a row of instants alone where
    --    nothing was claimed.
    ${bookBegun(sql`submitted`, now)},
    ${giveBack(sql`select t.*, o.reserved_before from expired t join due o on o.id = t.id`, now)},
    ${remember(sql`select moved.*, ${moveOf} as did from moved`, now, p, { before: died, isClosing: isGateClosing(now) })}
    select ${now} as claimed_at, least((select min(due_at) from tasks where due_at is not null), ${nextEvent},
        (select min(due_at) from erasures), ${nextSweep}) as next_due_at,
      ${nextEvent} <= ${now} as are_events_due, exists (select from erasures where due_at <= ${now}) as erasures_due,
      (select count(*) from due) < (select count(*) from locked) as is_cut, ${overdueSince(now, caps)} as overdue_since, moved.*, ${reported(p, moveOf)}
    from (select) as always left join moved on true
  `.execute(db)
  const tasks = reportMoves(
    rows.filter((row) => row.id),
    p,
  )
  const { claimed_at, next_due_at = null, are_events_due, overdue_since, is_cut, erasures_due } = rows[0] ?? {}
  return {
    tasks,
    nextDueAt: tasks.length === 0 ? next_due_at : null,
    ...(are_events_due && { areEventsDue: true }),
    ...(is_cut && { isCut: true }),
    ...(erasures_due && { erasuresDue: true }),
    ...(claimed_at && overdue_since && { overdueSeconds: (claimed_at.getTime() - overdue_since.getTime()) / 1000 }),
  }
}

/**
 * The claim before this one ran out without an answer: whoever held it died, or could not write. A submission's is always told of; that of
 * a copy leaves its own lease in the row.
 */
const hasDied = sql`(t.phase = 'submitting' or coalesce(t.phase = 'storing'
  and t.due_at = greatest(t.checked_at, t.updated_at) + ${seconds(sql`${storingLeaseSeconds}`)}, false))`

/** That it died, with the memory that its process had when it last wrote here: an event of its own, before what this claim does. */
const died = sql`
  select due.id, 'died' as did, jsonb_build_object('died', true, 'was', state, 'became', state, 'step', due.step, 'attempt', due.open_attempt,
    'by', last.by, 'rss_mb', last.rss_mb, 'heap_mb', last.heap_mb) as entry
  from due cross join lateral (select concat_ws('/', due.was, due.phase) as state) as states
    left join lateral (select by, rss_mb, heap_mb from task_events e where e.task_id = due.id order by e.id desc limit 1) as last on true
  where due.has_died`

/** The first of the primary key is found at once, however many were deleted. */
const sweptAt = (now: RawBuilder<Date>, every: number) =>
  sql`(select ${now} + ${seconds(sql`${every}::float8`)} from tasks order by id limit 1)`

const isHalted = sql`(providers.name is not null or ${isStopped})`

/** The history's words for what a claim does. */
const moveOf = sql`case work when 'submit' then 'claimed' when 'check' then 'ran_out' else work end`
