// The outbox: what a move tells is written by the statement that makes it (history.ts calls tell()), and delivered by passes, which claim
// what is due, and record what became of it (engine/deliver.ts). In order within a task and receiver; a receiver that is down delays no other.
import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { type Delivery, giveUpSeconds, type Notify, type SendResult, toldTask, untold } from '../../core/event.ts'
import { clock, columnBytes, type Db, jsonb, mostBytes, seconds, type Timed, withoutWords } from './sql.ts'

/** What a move's row has beside the task's own columns. */
const ofTheMove = ['entry', 'booking', 'did', 'work', 'moved']
const hidden = sql`array[${sql.join([...untold, ...ofTheMove].map((name) => sql.lit(name)))}]`

/** The task of the row `moves`, as it is told. What a person wanted changed is input too, and lies in the steps as well. */
const toldRow = sql`(to_jsonb(moves) - ${hidden} || jsonb_build_object('steps', ${withoutWords(sql`moves.steps`)}, 'changes', (
      select coalesce(jsonb_object_agg(step, asked - 'change'), '{}') from jsonb_each(moves.changes) as wanted (step, asked))))`

/** A step that was done without anybody being asked is told to chats alone. What changed no state is a gate that a claim found closing. */
const typeOf = sql`case when moves.entry is null then 'task.gate_closing'
  when moves.status = 'waiting_continue' then 'task.waiting'
  when moves.status in ('completed', 'failed', 'canceled') then 'task.' || moves.status
  when moves.did = 'stored' then 'task.step_completed' end`

/**
 * A CTE beside a statement's moves: one row for each event and receiver. `moves` selects whole rows of tasks, with did and entry. Only a
 * change of status is told, not what a finished task still does at its provider; and `isClosing`, where the statement looks for that.
 * Where nobody listens nothing is written.
 */
export function tell(
  moves: RawBuilder<unknown>,
  now: RawBuilder<Date>,
  notify: Notify,
  isClosing: RawBuilder<unknown> = sql`false`,
) {
  return sql`,
  outboxed as (
    insert into outbox (task_id, user_id, type, channel, receiver, at, task, due_at)
    select moves.id, moves.user_id, ${typeOf}, listening.channel, listening.receiver, ${now}, ${toldRow}, ${now}
    from (${moves}) as moves cross join lateral (${receivers(notify)}) as listening
    where ${isClosing} or moves.entry is not null and split_part(coalesce(moves.entry ->> 'was', ''), '/', 1) <> moves.status
      and (moves.status in ('waiting_continue', 'completed', 'failed', 'canceled')
        or moves.did = 'stored' and listening.channel = 'telegram')
      -- Who cancels a task in a browser knows it.
      and not (listening.channel = 'push' and moves.did = 'canceled')
    order by moves.id
    returning task_id)`
}

/** When a gate's closing is told: a day before, or when three quarters of its time are over. */
export const closingAt = (opened: RawBuilder<unknown>, closes: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`${closes} - least(interval '1 day', (${closes} - ${opened}) / 4)`

/** When a pass looks next at the gate of the row `t`, which has been open since its last move: where nobody can be told, when it closes. */
export const gateDue = (now: RawBuilder<Date>, notify: Timed['notify']): RawBuilder<unknown> => {
  const at = closingAt(sql`t.updated_at`, sql`t.deadline_at`)
  return notify ? sql`case when ${at} > ${now} then ${at} else t.deadline_at end` : sql`t.deadline_at`
}

/** Of a claim's row `moves`: its gate closes soon, and that was not told yet. */
export const isGateClosing = (now: RawBuilder<Date>): RawBuilder<unknown> => sql`(
  moves.work = 'check' and moves.status = 'waiting_continue' and ${closingAt(sql`moves.updated_at`, sql`moves.deadline_at`)} <= ${now}
  and not exists (select from outbox earlier where earlier.task_id = moves.id and earlier.type = 'task.gate_closing'
    and earlier.at >= moves.updated_at))`

/** A day's counters after a statement that asked for more: `added` selects id, scope, day, micros and ceiling of what it added. */
export const tellReached = (
  moves: RawBuilder<unknown>,
  added: RawBuilder<unknown>,
  now: RawBuilder<Date>,
  notify: Notify,
): RawBuilder<unknown> => sql`,
  reached as (
    insert into outbox (task_id, user_id, type, channel, receiver, at, task, more, due_at)
    select moves.id, moves.user_id, 'budget.reached', listening.channel, listening.receiver, ${now}, ${toldRow},
      jsonb_build_object('scope', case mark.scope when 'all' then 'deployment' else 'user' end, 'percent', mark.percent,
        'spent_micros', mark.spent_micros, 'limit_micros', mark.ceiling, 'resets_at', iso((mark.day + 1)::timestamp at time zone 'UTC')), ${now}
    from (
      select added.*, spent.spent_micros, (select max(percent) from (values (80), (100)) as marks (percent)
        where spent.spent_micros * 100 >= percent * ceiling and (spent.spent_micros - added.micros) * 100 < percent * ceiling) as percent
      from spent join (${added}) as added using (scope, day) where scope = 'all' or scope like 'user:%') as mark
      join (${moves}) as moves on moves.id = mark.id cross join lateral (${receivers(notify)}) as listening
    where mark.percent is not null and (listening.receiver = 'url' or mark.scope <> 'all' and listening.receiver <> 'task-url'))`

/** Who hears of the row `moves`. */
const receivers = ({ url, channels }: Notify) => sql`
  select 'webhook' as channel, 'url' as receiver where ${url}::boolean
  union all select 'webhook', 'task-url' where moves.notify_url is not null and 'webhook' = any(${channels}::text[])
  union all select channel, id::text from listeners where user_id = moves.user_id and channel = any(${channels}::text[])`

/** Select this of a move's row, called `moved`: that there is something to deliver. Added to its report. */
export const hasEvents = sql`case when moved.id = any(array(select task_id from outboxed)) then '{"has_events": true}'::jsonb else '{}' end`

/** When something is next to be told; null where nothing is. */
export const eventsDueAt = sql`(select min(due_at) from outbox where due_at is not null)`

/** Longer than a channel may take, and than any function lives: a claim that ran out has no living holder. */
export const deliveryLeaseSeconds = 90

export interface ClaimDeliveries extends Timed {
  limit: number
  /** Only of these tasks: what a request has just moved. */
  taskIds?: readonly string[] | undefined
}

export interface ClaimedDeliveries {
  /** By it, outcomes are recorded. */
  claim: string
  deliveries: Delivery[]
  /** More is due, and was left because the answer would have been too large. */
  isCut: boolean
}

type ClaimedRow = Omit<Delivery, 'id' | 'task' | 'budget'> & {
  event: string
  task: Record<string, unknown>
  more: Delivery['budget']
  is_cut: boolean
}

/**
 * Claims what is due to be told, receiver by receiver in turns, so that the many events of one that is down delay no other. Of a task and
 * receiver only the oldest event is claimed: the next waits until it is over.
 */
export async function claimDeliveries(
  db: Db,
  { limit, taskIds, ...timed }: ClaimDeliveries,
): Promise<ClaimedDeliveries> {
  const now = clock(timed)
  const claim = randomUUID()
  const { rows } = await sql<ClaimedRow>`
    with due as (
      select o.seq, o.due_at, row_number() over (
        partition by o.receiver, case o.receiver when 'task-url' then o.user_id end order by o.due_at, o.seq) as turn
      from outbox o
      where o.due_at <= ${now} and ${taskIds ? sql`o.task_id = any(${taskIds}::uuid[])` : sql`true`}
        and not exists (select from outbox earlier where earlier.task_id = o.task_id and earlier.receiver = o.receiver
          and earlier.seq < o.seq and earlier.due_at is not null)),
    -- Sorted first, as in a claim of tasks: so no more of a long queue is looked up than is taken.
    locked as materialized (
      select o.seq, due.turn, due.due_at from (select * from due order by turn, due_at) as due join outbox o on o.seq = due.seq
      where o.due_at <= ${now}
      order by due.turn, due.due_at limit ${limit} for update of o skip locked),
    -- What doesn't fit into one answer stays due.
    weighed as (
      select seq, sum(bytes) over (order by turn, due_at, seq) - bytes as before
      from locked cross join lateral (
        select ${columnBytes} + octet_length(concat(o.task, o.more)) as bytes from outbox o where o.seq = locked.seq) as sizes),
    claimed as (
      update outbox o set due_at = ${now} + ${seconds(sql`${deliveryLeaseSeconds}`)}, claim = ${claim}, tries = o.tries + 1
      from weighed where o.seq = weighed.seq and weighed.before < ${mostBytes}
      returning o.*)
    select id as event, type, at, user_id, task, more, channel, receiver, tries, case receiver
        when 'url' then null
        when 'task-url' then (select to_jsonb(notify_url) from tasks where tasks.id = claimed.task_id)
        else (select address from listeners where listeners.id = receiver::uuid) end as address,
      (select count(*) from claimed) < (select count(*) from locked) as is_cut
    from claimed order by seq
  `.execute(db)
  const deliveries = rows.map(({ event: id, task, more, is_cut: _, ...row }) => ({
    id,
    ...row,
    task: toldTask(task),
    budget: more,
  }))
  return { claim, deliveries, isCut: rows[0]?.is_cut === true }
}

/** What became of a claimed event. `unsent`: its pass had no time for it, or its receiver has just failed; no try is counted. */
export type Delivered = { id: string } & (
  | Exclude<SendResult, { kind: 'later' }>
  | { kind: 'later'; reason: string; retry_in: number }
  | { kind: 'unsent'; retry_in: number }
)

export interface Recorded {
  id: string
  did: 'delivered' | 'later' | 'unsent' | 'given_up'
  /** The next event of this task and receiver can be delivered now. */
  has_next: boolean
}

/**
 * Delivered; or due again after a pause, and given up where that would be days after it happened; or given up at once, with everything that
 * waits for a receiver that is gone. What comes next for a task and receiver waits as long as what comes before.
 */
export async function recordDeliveries(
  db: Db,
  claim: string,
  told: readonly Delivered[],
  timed?: Timed,
): Promise<Recorded[]> {
  const now = clock(timed)
  const next = sql`${now} + ${seconds(sql`t.retry_in`)}`
  const isLast = sql`(t.kind = any(array['refused', 'gone']) or t.kind = 'later' and ${next} > o.at + ${seconds(sql`${giveUpSeconds}`)})`
  const { rows } = await sql<Recorded>`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, kind text, reason text, retry_in float8)),
    target as materialized (
      select o.seq, o.task_id, o.receiver, told.* from outbox o join told on told.id = o.id
      where o.claim = ${claim} and o.due_at is not null order by o.seq for update of o),
    recorded as (
      update outbox o set
        delivered_at = case when t.kind = 'delivered' then ${now} end,
        given_up_at = case when ${isLast} then ${now} end,
        due_at = case when t.kind = any(array['later', 'unsent']) and not ${isLast} then ${next} end,
        tries = o.tries - (t.kind = 'unsent')::integer, claim = null,
        last_error = case t.kind when 'delivered' then null when 'unsent' then o.last_error else left(t.reason, 300) end
      from target t where o.seq = t.seq
      returning o.seq, o.id, o.task_id, o.receiver, o.due_at, t.kind, t.reason,
        case when o.delivered_at is not null then 'delivered' when o.given_up_at is not null then 'given_up' else t.kind end as did),
    gone as (select distinct receiver, case receiver when 'task-url' then task_id end as task_id, reason
      from recorded where kind = 'gone' and receiver <> 'url'),
    removed as (delete from listeners where id::text in (select receiver from gone)),
    unlinked as (update tasks set notify_url = null where id in (select task_id from gone)),
    dropped as (
      update outbox o set due_at = null, given_up_at = ${now}, last_error = left(gone.reason, 300)
      from gone where o.due_at is not null and o.receiver = gone.receiver and (gone.task_id is null or gone.task_id = o.task_id)
        and o.seq not in (select seq from target)
      returning o.seq),
    followed as (
      update outbox o set due_at = coalesce(r.due_at, ${now})
      from recorded r where o.task_id = r.task_id and o.receiver = r.receiver and o.seq > r.seq and o.due_at is not null
        and r.kind <> 'gone' and o.due_at <> coalesce(r.due_at, ${now})
      returning o.task_id, o.receiver)
    select id, did, did in ('delivered', 'given_up') and kind <> 'gone' and exists (select from outbox o where o.task_id = recorded.task_id
      and o.receiver = recorded.receiver and o.seq > recorded.seq and o.due_at is not null) as has_next
    from recorded
  `.execute(db)
  return rows
}
