// What an operator asks: how things stand as a whole, what is in flight, and everything about one task. One statement each, and
// none of them of any user's own; health and the operator's command call them.
import { sql } from 'kysely'
import type { TaskEvent } from '../../core/history.ts'
import type { Health } from '../../core/operator-answers.ts'
import type { Status, Task } from '../../core/task.ts'
import { repeatable } from '../driver/retries.ts'
import { dayOf, isStopped } from './money.ts'
import { type Cap, overdueSince, overdueTasks } from './overdue.ts'
import { clock, type Db, firstIdAt, type Timed } from './sql.ts'

/** Who waits for a slot is not overdue. */
interface Capped {
  caps?: readonly Cap[]
}

export interface Figures extends Pick<Health, 'locks_held' | 'oldest_due_age_seconds' | 'last_problem' | 'outbox'> {
  counts: { recipe: string; status: Status; count: number }[]
  providers: (Omit<Health['providers'][string], 'cap'> & { name: string })[]
  /** Reserved and paid today (UTC) by the whole deployment. */
  spent_micros: number
  stopped: boolean
}

export type WebhookFigures = Health['providers'][string]['webhooks']

/**
 * Unfinished tasks, and of the finished ones those that were started within a day: ids are UUIDv7, which begin with their instant, so
 * both are found by an index, however long the history. The last problem is the newest failure, whatever became of its task since; or our
 * own store that keeps a paid result from being stored; or a pass that died.
 */
export async function readFigures(db: Db, { caps = [], ...timed }: Capped & Timed = {}): Promise<Figures> {
  const now = clock(timed)
  const { rows } = await sql<Figures>`
    with counted as materialized (
      select recipe, status, provider, phase, lock_key, due_at, id, current_step, attempt,
        unanswered, unanswered_since, unanswered_reason
      from tasks
      where due_at is not null or id >= ${firstIdAt(sql`now() - interval '1 day'`)})
    select
      (select coalesce(jsonb_agg(c), '[]') from (
        select recipe, status, count(*)::int as count from counted group by recipe, status order by recipe, status) as c) as counts,
      (select coalesce(jsonb_agg(p), '[]') from (
        select name, coalesce(in_flight, 0) as in_flight, case when paused_until > ${now} then paused_until end as paused_until,
          case when paused_until > ${now} then paused_for end as paused_for, ${webhooks} as webhooks,
          case when silent > 0 then jsonb_build_object('tasks', silent, 'checks', checks, 'since', since, 'reason', reason) end as silent
        from providers full join (
          select provider as name, count(*)::int as in_flight, count(*) filter (where ${isSilent})::int as silent,
            max(unanswered) filter (where ${isSilent}) as checks, min(unanswered_since) filter (where ${isSilent}) as since,
            (array_agg(unanswered_reason order by unanswered desc) filter (where ${isSilent}))[1] as reason
          from counted where phase in ('submitting', 'unconfirmed', 'running') group by provider) as flying using (name)
        order by name) as p) as providers,
      (select count(*)::int from counted where lock_key is not null and status in ('pending', 'processing', 'waiting_continue')) as locks_held,
      round(extract(epoch from ${now} - ${overdueSince(now, caps, 0)}))::float8 as oldest_due_age_seconds,
      (select to_jsonb(problem) from (
        (select task_id, step, attempt, code, reason as message, at, by, ${memory} as memory
        from task_events where failed order by id desc limit 1)
        union all
        (select task_id, step, attempt, 'pass_died', 'A pass died here, or could not write: its claim ran out without an answer.',
          at, by, ${memory}
        from task_events where move = 'died' order by id desc limit 1)
        union all
        (select id, current_step, attempt, 'store_fault', unanswered_reason, unanswered_since, null, '{"rss_mb": null, "heap_mb": null}'
        from counted where phase = 'storing' and unanswered_reason is not null order by unanswered_since limit 1)
        order by at desc limit 1) as problem) as last_problem,
      coalesce((select spent_micros from spending where scope = 'all' and day = ${dayOf(now)}), 0) as spent_micros,
      ${isStopped} as stopped,
      jsonb_build_object('undelivered', (select count(*) from outbox where due_at is not null),
        'given_up', (select count(*) from outbox where given_up_at is not null),
        'oldest_seconds', (select round(extract(epoch from ${now} - min(at))) from outbox where due_at is not null)) as outbox
  `.execute(repeatable(db))
  return rows[0] as Figures
}

const memory = sql`jsonb_build_object('rss_mb', rss_mb, 'heap_mb', heap_mb)`

const webhooks = sql`jsonb_build_object('accepted_at', webhook_accepted_at, 'refused', coalesce(webhooks_refused, 0),
  'refused_at', webhook_refused_at, 'last_reason', webhook_refused_for)`

/** Only what runs is checked; other phases may still show what came before them. */
const isSilent = sql`phase = 'running' and unanswered > 0`

export interface FlightFilter extends Capped {
  status?: Status | undefined
  recipe?: string | undefined
  user_id?: string | undefined
  /** Finished tasks too, the newest first. */
  all?: boolean | undefined
  /** Only what passes have missed. */
  overdue?: boolean | undefined
  limit: number
}

/** Unfinished tasks, and finished ones with something left to do; with a status, all of that status. The next due first. */
export async function listInFlight(db: Db, filter: FlightFilter & Timed): Promise<Task[]> {
  const { status, recipe, user_id, all, overdue, caps = [], limit } = filter
  const scope = status ? sql`status = ${status}` : all ? sql`true` : sql`due_at is not null`
  const { rows } = await sql<Task>`
    select * from ${overdue ? overdueTasks(clock(filter), caps) : sql`tasks`} as t
    where ${scope} and ${recipe ? sql`recipe = ${recipe}` : sql`true`} and ${user_id ? sql`user_id = ${user_id}` : sql`true`}
    order by ${status || all ? sql`id desc` : sql`due_at, id`} limit ${limit}
  `.execute(repeatable(db))
  return rows
}

/** A task, its history, and what holds everybody's back. */
export interface TaskStory {
  task: Task
  history: TaskEvent[]
  paused: { until: Date; reason: string | null } | null
  /** What became of its provider's webhooks. */
  webhooks: WebhookFigures
  /** How many predictions are in flight at its provider, its own included. */
  in_flight: number
  /** Spending is stopped: no step begins. */
  stopped: boolean
}

/**
 * The task of a prediction, newest first: of an open attempt, of a closed one, or one that nobody wanted. No index serves this: it reads
 * the tasks from the newest on, until it finds one.
 */
export async function findTaskOf(db: Db, prediction_id: string): Promise<string | undefined> {
  const named = sql`jsonb_build_array(jsonb_build_object('prediction_id', ${prediction_id}::text))`
  const { rows } = await sql<{ id: string }>`
    select id from tasks
    where prediction_id = ${prediction_id} or strays @> ${named} or steps @> ${named}
      or steps @> jsonb_build_array(jsonb_build_object('past', ${named}))
    order by id desc limit 1
  `.execute(repeatable(db))
  return rows[0]?.id
}

export async function readStory(db: Db, id: string, timed?: Timed): Promise<TaskStory | undefined> {
  type Around = Pick<TaskStory, 'webhooks' | 'in_flight' | 'stopped'> & {
    paused_until: Date | null
    paused_for: string | null
  }
  type Row = Task & Around & { history: EventAsJson[] }
  const { rows } = await sql<Row>`
    select t.*, case when p.paused_until > ${clock(timed)} then p.paused_until end as paused_until, p.paused_for, ${webhooks} as webhooks, (
      select coalesce(jsonb_agg(e order by e.id), '[]') from task_events e where e.task_id = t.id) as history, (
      select count(*)::int from tasks f where f.due_at is not null and f.provider = t.provider
        and f.phase in ('submitting', 'unconfirmed', 'running')) as in_flight, ${isStopped} as stopped
    from tasks t left join providers p on p.name = t.provider
    where t.id = ${id}
  `.execute(repeatable(db))
  if (!rows[0]) return undefined
  const { history, paused_until, paused_for, webhooks: figures, in_flight, stopped, ...task } = rows[0]
  return {
    ...{ task, webhooks: figures, in_flight, stopped },
    history: history.map(({ task_id: _, id: __, at, ...event }) => ({ ...event, at: new Date(at) })),
    paused: paused_until && { until: paused_until, reason: paused_for },
  }
}

/** As jsonb tells it. */
type EventAsJson = Omit<TaskEvent, 'at'> & { at: string; task_id: string; id: number }

/** Whose these tasks are. Ids that are no task's, or no ids, are left out; a batch at a time, however many they are. */
export async function readOwners(db: Db, ids: readonly string[]): Promise<Map<string, string>> {
  const owners = new Map<string, string>()
  for (let from = 0; from < ids.length; from += ownersAtOnce) {
    const some = ids.slice(from, from + ownersAtOnce)
    const { rows } = await sql<{ id: string; user_id: string }>`
      select t.id, t.user_id from unnest(${some}::text[]) as named (id)
      join tasks t on t.id = case when pg_input_is_valid(named.id, 'uuid') then named.id::uuid end
    `.execute(repeatable(db))
    for (const { id, user_id } of rows) owners.set(id, user_id)
  }
  return owners
}

const ownersAtOnce = 1_000
