// The outbox: what a move tells is written by the statement that makes it (history.ts calls tell()), and delivered by passes, which claim
// what is due, and record what became of it (engine/deliver.ts). In order within a task and receiver; a receiver that is down delays no other.
import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { type Delivery, giveUpSeconds, type SendResult, toldTask } from '../../core/event.ts'
import { clock, type Db, jsonb, seconds, type Timed } from './sql.ts'

/** What is never told: input, what opens something, and what is the engine's own. The rest of a move's row is, so that a view can be made of it. */
const hidden = sql`array['input', 'strays', 'provider_urls', 'output', 'claim_token', 'claim_id', 'notify_url', 'lock_key',
  'idempotency_key', 'request_hash', 'entry', 'booking', 'did', 'work', 'moved']`

/** A step that was done without anybody being asked is told to chats alone. */
const typeOf = sql`case when moves.status = 'waiting_continue' then 'task.waiting'
  when moves.status in ('completed', 'failed', 'canceled') then 'task.' || moves.status
  when moves.did = 'stored' then 'task.step_completed' end`

/**
 * A CTE beside a statement's moves: one row for each event and receiver. `moves` selects whole rows of tasks, with did and entry. Only a
 * change of status is told, not what a finished task still does at its provider. Where nobody listens nothing is written.
 */
export function tell(moves: RawBuilder<unknown>, now: RawBuilder<Date>, notify: NonNullable<Timed['notify']>) {
  return sql`,
  outboxed as (
    insert into outbox (task_id, user_id, type, channel, receiver, at, task, due_at)
    select moves.id, moves.user_id, ${typeOf}, listening.channel, listening.receiver, ${now}, to_jsonb(moves) - ${hidden}, ${now}
    from (${moves}) as moves cross join lateral (${receivers(notify)}) as listening
    where moves.entry is not null and split_part(coalesce(moves.entry ->> 'was', ''), '/', 1) <> moves.status
      and (moves.status in ('waiting_continue', 'completed', 'failed', 'canceled')
        or moves.did = 'stored' and listening.channel = 'telegram')
      -- Who cancels a task in a browser knows it.
      and not (listening.channel = 'push' and moves.did = 'canceled')
    order by moves.id
    returning task_id)`
}

/** Who hears of the row `moves`. */
const receivers = ({ url, channels }: NonNullable<Timed['notify']>) => sql`
  select 'webhook' as channel, 'url' as receiver where ${url}::boolean
  union all select 'webhook', 'task-url' where moves.notify_url is not null and 'webhook' = any(${channels}::text[])
  union all select channel, id::text from listeners where user_id = moves.user_id and channel = any(${channels}::text[])`

/** Select this of a move's row, called `moved`: that there is something to deliver. Added to its report. */
export const hasNews = sql`case when moved.id = any(array(select task_id from outboxed)) then '{"news": true}'::jsonb else '{}' end`

/** Longer than a channel may take, and than any function lives: a claim that ran out has no living holder. */
export const deliveryLeaseSeconds = 90

export interface ClaimNews extends Timed {
  limit: number
  /** Only of these tasks: what a request has just moved. */
  taskIds?: readonly string[] | undefined
}

export interface ClaimedNews {
  /** By it, outcomes are recorded. */
  claim: string
  deliveries: Delivery[]
}

type ClaimedRow = Omit<Delivery, 'task' | 'budget'> & { task: Record<string, unknown>; more: Delivery['budget'] }

/**
 * Claims what is due to be told, receiver by receiver in turns, so that the many events of one that is down delay no other. Of a task and
 * receiver only the oldest event is claimed: the next waits until it is over.
 */
export async function claimNews(db: Db, { limit, taskIds, ...timed }: ClaimNews): Promise<ClaimedNews> {
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
    locked as materialized (
      select o.seq from due join outbox o on o.seq = due.seq
      where o.due_at <= ${now}
      order by due.turn, due.due_at limit ${limit} for update of o skip locked),
    claimed as (
      update outbox o set due_at = ${now} + ${seconds(sql`${deliveryLeaseSeconds}`)}, claim = ${claim}, tries = o.tries + 1
      from locked where o.seq = locked.seq
      returning o.*)
    select id, type, at, user_id, task, more, channel, receiver, tries, case receiver
        when 'url' then null
        when 'task-url' then (select to_jsonb(notify_url) from tasks where tasks.id = claimed.task_id)
        else (select address from listeners where listeners.id = receiver::uuid) end as address
    from claimed order by seq
  `.execute(db)
  const deliveries = rows.map(({ task, more, ...row }) => ({ ...row, task: toldTask(task), budget: more }))
  return { claim, deliveries }
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
  const isLast = sql`(t.kind in ('refused', 'gone') or t.kind = 'later' and ${next} > o.at + ${seconds(sql`${giveUpSeconds}`)})`
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
        due_at = case when t.kind in ('later', 'unsent') and not ${isLast} then ${next} end,
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
