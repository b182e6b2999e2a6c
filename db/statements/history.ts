// The history: how a statement that moves tasks also writes down that it did, and tells its caller. No move is made without.
import { type RawBuilder, sql } from 'kysely'
import { erasedUser } from '../../core/erasure.ts'
import type { MoveReport } from '../../core/history.ts'
import { hasEvents, tell } from './outbox.ts'
import type { Timed } from './sql.ts'
import { accepted } from './webhooks.ts'

interface EntryOf {
  /** The row as it was when it was locked. */
  was?: RawBuilder<unknown>
  phase?: RawBuilder<unknown>
  since?: RawBuilder<unknown>
  code?: RawBuilder<unknown>
  reason?: RawBuilder<unknown>
  /** Whether a step ended, and how. */
  failed?: RawBuilder<unknown>
  /** Whether it counts as a move; by default where the state is another than it was. */
  isMove?: RawBuilder<unknown>
  now: RawBuilder<Date>
}

const nothing = sql`null::text`

/**
 * What a move (an UPDATE of `t` from `o`, the locked row) returns beside its result: `entry`, or null where the state is what it
 * was. remember() takes it from there. A provider's words may quote what was asked for: of an erased task they aren't kept.
 */
export function entry(of: EntryOf): RawBuilder<unknown> {
  const { was = sql`o.was`, phase = sql`o.phase`, since = sql`o.since`, code = nothing, reason = nothing } = of
  const { failed = sql`null::boolean`, isMove = sql`(${was}, ${phase}) is distinct from (t.status, t.phase)`, now } = of
  return sql`case when ${isMove} then jsonb_build_object(
    'was', nullif(concat_ws('/', ${was}, ${phase}), ''), 'became', concat_ws('/', t.status, t.phase),
    'step', t.current_step, 'attempt', t.attempt, 'code', ${code}, 'reason', case when t.user_id <> ${erasedUser} then ${reason} end, 'failed', ${failed},
    'ms', round(extract(epoch from ${now} - ${since}) * 1000)) end as entry`
}

/**
 * The last CTEs of a statement: `moves` selects the rows that it moved, with did and entry. They become history, and events where somebody listens.
 * `before` selects id, did and entry of what is to be remembered first, with the memory of another process.
 */
export const remember = (
  moves: RawBuilder<unknown>,
  now: RawBuilder<Date>,
  timed?: Timed,
  { before, isClosing }: { before?: RawBuilder<unknown>; isClosing?: RawBuilder<unknown> } = {},
): RawBuilder<unknown> => sql`
  remembered as (
    insert into task_events (task_id, at, by, rss_mb, heap_mb, move, was, became, step, attempt, code, reason, failed)
    select id, ${now}, ${before ? sql`coalesce(entry ->> 'by', ${timed?.by ?? null})` : sql`${timed?.by ?? null}::text`},
      ${ofMemory(timed?.memory?.rss_mb, before && 'rss_mb')}, ${ofMemory(timed?.memory?.heap_mb, before && 'heap_mb')}, did, entry ->> 'was', entry ->> 'became', (entry ->> 'step')::integer,
      (entry ->> 'attempt')::integer, entry ->> 'code', entry ->> 'reason', (entry ->> 'failed')::boolean
    from ${
      before
        ? sql`(select 0 as place, id, did, entry from (${before}) as before
      union all select 1, id, did, entry from (${moves}) as moves order by id, place)`
        : sql`(${moves})`
    } as moves where entry is not null)${timed?.webhookOf ? accepted(timed.webhookOf, now) : sql``}${
      timed?.notify ? tell(moves, now, timed.notify, isClosing) : sql``
    }`

/** The writing process's own; or that of the entry, where it is another's. */
const ofMemory = (own: number | undefined, of: 'rss_mb' | 'heap_mb' | undefined) =>
  of
    ? sql`case when entry ? 'died' then (entry ->> ${of})::integer else ${own ?? null}::integer end`
    : sql`${own ?? null}::integer`

/** Select this of a move's row, called `moved`: the entry as its caller hears of it. */
export const reported = (timed?: Timed, move: RawBuilder<unknown> = sql`moved.did`): RawBuilder<unknown> =>
  sql`moved.entry || jsonb_build_object('task', moved.id, 'move', ${move})${events(timed)} as report`

const events = (timed?: Timed) => (timed?.notify ? sql` || ${hasEvents}` : sql``)

/** The same where moves may be failures: whether one opens a run, because the newest ending before it was none. Of several, one does. */
export const reportedFailures = (timed?: Timed): RawBuilder<unknown> => sql`
  moved.entry || jsonb_build_object('task', moved.id, 'move', moved.did, 'opens_run', moved.entry -> 'failed' = 'true'
    and moved.id = (select id from moved where entry -> 'failed' = 'true' order by id limit 1) and coalesce((select not failed from task_events where failed is not null order by id desc limit 1), true))${events(timed)} as report`

/**
 * What is told of `told` (id, step, attempt and move of each) once more where the history has it already: of a failure, as an alert hangs on
 * it. Whether it opened a run is seen from where it stands.
 */
export const failuresBefore = (told: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  select o.id, to_jsonb(e) || jsonb_build_object('task', o.id, 'ms', null, 'opens_run', e.failed and coalesce((
    select not failed from task_events where failed is not null and id < e.id order by id desc limit 1), true)) as report
  from (${told}) as o cross join lateral (
    select id, move, was, became, step, attempt, code, reason, failed from task_events e
    where e.task_id = o.id and (e.step, e.attempt, e.move) = (o.step, o.attempt, o.move) order by e.id desc limit 1) as e`

/** The rows without their reports, which go to the caller's `onMoved`. */
export function reportMoves<Row extends object>(rows: readonly Row[], timed?: Timed): Row[] {
  type Reported = Row & { report?: MoveReport | null; entry?: unknown; booking?: unknown }
  const told = rows.map(({ report, entry: _, booking: __, ...row }: Reported) => ({
    row: row as unknown as Row,
    report,
  }))
  const reports = told.flatMap(({ report }) => report ?? [])
  if (reports.length > 0) timed?.onMoved?.(reports)
  return told.map(({ row }) => row)
}
