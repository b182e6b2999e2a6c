// Claiming: the one statement by which a pass takes due work. Attempts begin here, and where a person continues (moves.ts).
// A claim is `due_at` moved into the future; if its holder dies, the task simply becomes due again.
import { type RawBuilder, sql } from 'kysely'
import { storingLeaseSeconds } from '../../core/decide.ts'
import type { Timing } from '../../core/recipe.ts'
import type { Task } from '../../core/task.ts'
import { gathered } from '../driver/batches.ts'
import { DatabaseError } from '../driver/errors.ts'
import { entry, remember, reported, tellMoves } from './history.ts'
import { type Cap, type Slots, slotsFor } from './slots.ts'
import { clock, type Db, dueForStrays, jsonb, seconds, type Timed } from './sql.ts'

/** What the statement has to know of a recipe; tasks of recipes that aren't listed are left alone. */
export interface ClaimTerms extends Timing {
  recipe: string
}

export interface ClaimParams extends Timed {
  terms: readonly ClaimTerms[]
  limit: number
  submitLeaseSeconds: number
  /** How many predictions may be in flight at a provider; none named, none limited. */
  caps?: readonly Cap[]
  /** Predictions that came due after this are left for the next pass: this one has just looked at them. */
  dueBy?: Date | undefined
  /** Only this task, if it is due: the pass of one request. */
  taskId?: string | undefined
}

interface Claiming extends Omit<ClaimParams, 'taskId'> {
  /** Only these, all of them. */
  ids?: readonly string[]
}

/** `submit`: an attempt has begun and its create is the caller's to send. `look`: ask the provider. `expired`: nothing. */
export interface Claimed extends Task {
  work: 'submit' | 'look' | 'expired'
  /** The database's clock at the claim. */
  claimed_at: Date
}

export interface Claims {
  tasks: Claimed[]
  /** When nothing was claimed: the earliest instant at which something will be due, if anything ever will. Not for one task. */
  nextDueAt: Date | null
  /** Before this claim something had been due for this long: passes are missing, or too few. Absent where nothing had, for long. */
  overdueSeconds?: number
}

/** Many more claims than ever run at one moment. */
const slotTries = 20
/** Passes come every few minutes at worst. */
const overdueAfterSeconds = 600
/** Where a holder that dies leaves nothing better. */
const retrySeconds = 20
/** Between two looks for an unconfirmed submission, which may go on for a day: a quarter of its age, within these. */
const searchSeconds = { least: retrySeconds, most: 300 }

/**
 * The next look at a prediction: after a quarter of the time already waited, within min and max; slowly after the watch;
 * never past the limit, where the last look is due; and past it (that look got no answer) once a `most`.
 */
const nextCheck = (now: RawBuilder<Date>) => sql`case when t.deadline_at <= ${now} then ${now} + ${seconds(sql`o.most`)}
  else least(t.deadline_at, ${now} + ${seconds(sql`
    case when ${now} - t.submitted_at > ${seconds(sql`o.watch`)} then o.slow
      else least(o.most, greatest(o.least, extract(epoch from ${now} - t.submitted_at) / 4)) end`)}) end`

const nextLook = (now: RawBuilder<Date>) => sql`case
    when t.phase = 'running' then ${nextCheck(now)}
    when t.phase = 'storing' then ${now} + ${seconds(sql`${storingLeaseSeconds}`)}
    when t.phase is null and t.status = 'waiting_continue' and not t.strays @> '[{"over": false}]' then t.deadline_at
    when t.phase is not null then ${now} + ${seconds(sql`
      least(${searchSeconds.most}, greatest(${searchSeconds.least}, extract(epoch from ${now} - t.submitted_at) / 4))`)}
    else ${now} + ${seconds(sql`${retrySeconds}`)} end`

/**
 * Due tasks in turns: every user's first, then every user's second, so that a long queue of one doesn't starve others. The limit
 * counts what was locked, so passes at the same moment share the work. Requests' passes wait for their rows, in the order in which every
 * batch locks: whoever holds one may only be a click that comes to nothing.
 */
const due = (p: Claiming, slots: Slots, now: RawBuilder<Date>) => sql`
  terms as materialized (
    select * from jsonb_to_recordset(${jsonb(p.terms.map(termsRow))}) as terms (recipe text, least float8, most float8,
      watch float8, slow float8, within float8)),
  queue as (
    select t.id, t.provider, t.status, t.due_at, row_number() over (partition by t.user_id order by t.due_at, t.id) as turn
    from ${p.ids ? named(p.ids) : sql`tasks t`}
    where t.due_at <= ${now}
      and ${p.dueBy ? sql`(t.phase is distinct from 'running' or t.due_at <= ${p.dueBy})` : sql`true`}
      and t.recipe in (select recipe from terms)
      and not (t.status = 'pending' and exists (
        select from providers where providers.name = t.provider and providers.paused_until > ${now}))),
  ${slots.admission}
  due as materialized (
    select t.id, t.provider, queue.turn, t.status as was, t.phase, t.updated_at as since, terms.*, t.status = 'waiting_continue' and t.deadline_at <= ${now} as expired
    from ${slots.admitted} as queue
      join tasks t on t.id = queue.id
      join terms on terms.recipe = t.recipe
    where t.due_at <= ${now} and t.status = queue.status
    ${p.ids ? sql`order by t.id for update of t` : sql`order by queue.turn, queue.due_at limit ${p.limit} for update of t skip locked`})`

/** One by one, by their ids: told as a list, they would be looked for among all that is due. A lone one's is known to the whole statement. */
const named = (ids: readonly string[]) =>
  ids.length === 1
    ? sql`(select * from tasks where id = ${ids[0]}) as t`
    : sql`unnest(${ids}::uuid[]) as named (id) cross join lateral (select * from tasks where tasks.id = named.id limit 1) as t`

/**
 * pending → processing/submitting (a new attempt, with a token that names it to its end);
 * processing/submitting whose claim ran out → unconfirmed; waiting_continue past its gate → canceled;
 * whatever else is due is only looked at: its `due_at` moves to the next look.
 */
export async function claimDue(db: Db, { taskId, ...p }: ClaimParams): Promise<Claims> {
  if (!taskId) return claimPatiently(db, p)
  // Each pass has begun at another moment.
  if (p.dueBy) return claimPatiently(db, { ...p, ids: [taskId] })
  const [answer] = await claimTogether(db, [{ id: taskId }], p)
  return answer?.claims as Claims
}

/** One of them hears that something was overdue, which was all that there is of other tasks. */
const claimTogether = gathered(async (db, rows: readonly { id: string }[], p?: Omit<ClaimParams, 'taskId'>) => {
  const { tasks, overdueSeconds } = await claimPatiently(db, { ...(p as ClaimParams), ids: rows.map(({ id }) => id) })
  const claimed = Map.groupBy(tasks, ({ id }) => id)
  return rows.map(({ id }, index) => {
    const overdue = index === 0 && overdueSeconds !== undefined && { overdueSeconds }
    return { id, claims: { tasks: claimed.get(id.toLowerCase()) ?? [], nextDueAt: null, ...overdue } }
  })
})

async function claimPatiently(db: Db, p: Claiming): Promise<Claims> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await claimOnce(db, p)
    } catch (error) {
      // A claim at the same moment took the same slot. Each of them that is refused lets another one through.
      if (!(error instanceof DatabaseError && error.constraint === 'tasks_slot') || tries === slotTries) throw error
    }
  }
}

/** The history's words for what a claim does. */
const moves = sql`case work when 'submit' then 'claimed' when 'look' then 'ran_out' else work end`

/**
 * A claim whose answer was lost has nobody for a holder: its tasks wait until it runs out, as if the holder had died. It isn't repeated
 * after that, because the repetition would take others, and could be lost as well.
 */
async function claimOnce(db: Db, p: Claiming): Promise<Claims> {
  const now = clock(p)
  const slots = slotsFor(p.caps ?? [])
  const { rows } = await sql<Claimed & { next_due_at: Date | null }>`
    with ${due(p, slots, now)},
    ${slots.seating}
    submitted as (
      update tasks t set
        status = 'processing', phase = 'submitting', current_step = t.next_step, next_step = null,
        attempt = case when t.next_step = t.current_step then t.attempt + 1 else 1 end,
        claim_token = gen_random_uuid(), slot = ${slots.slot}, misses = 0, submitted_at = ${now},
        deadline_at = ${now} + ${seconds(sql`o.within`)}, due_at = ${now} + ${seconds(sql`${p.submitLeaseSeconds}`)},
        error_code = null, error_message = null, updated_at = ${now}
      from ${slots.seated} o where t.id = o.id and o.was = 'pending'
      returning 'submit' as work, t.*, ${entry({ now })}),
    looked as (
      update tasks t set
        phase = case t.phase when 'submitting' then 'unconfirmed' else t.phase end,
        due_at = ${nextLook(now)}
      from due o where t.id = o.id and o.was <> 'pending' and not o.expired
      returning 'look' as work, t.*, ${entry({ now })}),
    expired as (
      update tasks t set
        status = 'canceled', error_code = 'gate_expired', finished_at = ${now}, updated_at = ${now}, due_at = ${dueForStrays(now)},
        error_message = 'Nobody continued in time. What was made so far can still be downloaded.'
      from due o where t.id = o.id and o.expired
      returning 'expired' as work, t.*, ${entry({ code: sql`t.error_code`, now })}),
    moved as (select * from submitted union all select * from looked union all select * from expired),
    ${remember(sql`select id, ${moves} as did, entry from moved`, now, p)}
    select ${now} as claimed_at, (select min(due_at) from tasks where due_at is not null) as next_due_at, moved.*, ${reported(moves)}
    from (select) as always left join moved on true
  `.execute(db)
  const tasks = tellMoves(
    rows.filter((row) => row.id),
    p,
  )
  const { claimed_at, next_due_at = null } = rows[0] ?? {}
  const overdueSeconds = claimed_at && next_due_at ? (claimed_at.getTime() - next_due_at.getTime()) / 1000 : 0
  return {
    tasks,
    nextDueAt: tasks.length === 0 ? next_due_at : null,
    ...(overdueSeconds > overdueAfterSeconds && { overdueSeconds }),
  }
}

function termsRow(terms: ClaimTerms) {
  return {
    recipe: terms.recipe,
    least: terms.minCheckSeconds,
    most: terms.maxCheckSeconds,
    watch: terms.watchSeconds,
    slow: terms.slowCheckSeconds,
    within: terms.limitSeconds,
  }
}
