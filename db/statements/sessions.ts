// Sessions that were ended before their time, and the one move of all that an anonymous user has to the account that they sign in to. Who asks
// is checked with it (functions/http/users.ts), and engine/adopt.ts makes the move.
import { type RawBuilder, sql } from 'kysely'
import { batched } from '../driver/batches.ts'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, jsonb, type Timed } from './sql.ts'

export interface EndedSession {
  key: string
  until: Date
}

/** Ends them, as a statement of its own or as part of another. */
export const end = (ended: readonly EndedSession[]): RawBuilder<unknown> => sql`
  insert into ended_sessions (key, until)
  select key, until from jsonb_to_recordset(${jsonb(ended)}) as told (key text, until timestamptz)
  order by key on conflict (key) do nothing`

export async function endSessions(db: Db, ended: readonly EndedSession[]): Promise<void> {
  await end(ended).execute(repeatable(db))
}

/** Whether the session was ended whose names are in the row `told`. */
export const isSessionEnded = sql`exists (
  select from ended_sessions e where e.key in (select jsonb_array_elements_text(told.session)))`

/**
 * A CTE for calls that start something: which of their sessions were ended, up to this very moment. Nobody signs in with one of them until
 * the statement is over.
 */
export const askedEnded = sql`
    asked_ended as materialized (
      select ended_of(array(select user_id from told where session is not null),
        array(select jsonb_array_elements_text(session) from told)) as keys)`

/** Of the same. Asked before the first row is written: whoever waits for a sign-in holds nothing that it needs. */
export const isAskedEnded = sql`coalesce(told.session ?| (select keys from asked_ended), false)`

/** Whether one of these was ended. Requests of one moment share the statement. */
export async function isEnded(db: Db, keys: readonly string[], timed?: Pick<Timed, 'now'>): Promise<boolean> {
  const [id = ''] = keys
  const [answer] = await readEnded(db, [{ id, session: keys }], timed)
  return answer?.ended === true
}

const readEnded = batched(async (db, told: readonly { id: string; session: readonly string[] }[]) => {
  const { rows } = await sql<{ id: string; ended: boolean }>`
    select id, ${isSessionEnded} as ended from jsonb_to_recordset(${jsonb(told)}) as told (id text, session jsonb)
  `.execute(repeatable(db))
  return rows
})

export interface Adoption {
  from: string
  to: string
  /** The anonymous sessions, which are over then. */
  ended: readonly EndedSession[]
}

const unfinished = sql`('pending', 'processing', 'waiting_continue')`

/**
 * Gives all that an anonymous user has to an account: tasks keep their ids, what was spent and started counts for the account, and what is
 * still to be told comes to the same receivers. An exclusive recipe's task that runs beside one of the account's own goes on without the
 * lock. What is being started is waited for, and comes along. Whose sessions are over already, because another request was first or all is
 * being erased, gives nothing. Gives how many tasks were moved.
 */
export async function adoptTasks(db: Db, { from, to, ended }: Adoption): Promise<number> {
  const leaving = sql`(select user_id from leaving)`
  const [ours, theirs] = [sql`(select 'user:' || user_id from leaving)`, `user:${to}`]
  const { rows } = await sql<{ n: number; has_missed: boolean }>`
    with ending as materialized (
      select key, until from jsonb_to_recordset(${jsonb(ended)}) as told (key text, until timestamptz)),
    present as materialized (select tasks_of_leaving(${from}, array(select key from ending)) as ids),
    -- Only where this statement sees them all, too: what it has waited for, it can't.
    leaving as materialized (
      select ${from}::text as user_id from present
      where cardinality(ids) = (select count(*) from tasks where user_id = ${from} and id = any(ids))),
    locked as materialized (select id from tasks where user_id = ${leaving} order by id for update),
    adopted as (
      update tasks t set user_id = ${to},
        lock_key = case when t.lock_key is distinct from t.recipe || ' ' || ${from} then t.lock_key
          when t.status in ${unfinished} and exists (
            select from tasks o where o.lock_key = t.recipe || ' ' || ${to} and o.status in ${unfinished}) then null
          else t.recipe || ' ' || ${to} end,
        idempotency_key = case when not exists (
          select from tasks o where o.user_id = ${to} and o.idempotency_key = t.idempotency_key) then t.idempotency_key end
      where t.id = any(array(select id from locked)) returning id),
    -- The account may listen there already.
    listening as materialized (
      select l.id, twin.id as twin from listeners l left join listeners twin
        on twin.user_id = ${to} and twin.channel = l.channel and twin.key = l.key
      where l.user_id = ${leaving}),
    doubled as (delete from listeners where user_id = ${leaving} and id in (select id from listening where twin is not null)),
    kept as (update listeners set user_id = ${to} where user_id = ${leaving} and id in (select id from listening where twin is null)),
    events as (
      update outbox set user_id = ${to},
        receiver = coalesce((select twin::text from listening where listening.id::text = outbox.receiver), receiver)
      where user_id = ${leaving}),
    links as (update telegram_links set user_id = ${to} where user_id = ${leaving}),
    starts as (delete from daily_starts where user_id = ${leaving} returning *),
    counted as (
      insert into daily_starts as d (user_id, day, started, quota) select ${to}, day, started, quota from starts
      on conflict (user_id) do update set day = greatest(d.day, excluded.day),
        started = case when d.day = excluded.day then d.started + excluded.started when d.day > excluded.day then d.started
          else excluded.started end,
        -- What was started is a fact; the next start is measured anew.
        quota = d.started + excluded.started + d.quota),
    -- Locked as whoever spends locks them: by day, then scope.
    days as materialized (
      select scope, day, spent_micros from spending
      where scope in (${ours}, ${theirs}) and day in (select day from spending where scope = ${ours})
      order by day, scope for update),
    emptied as (delete from spending s using days where s.scope = ${ours} and s.day = days.day and days.scope = ${ours}),
    spent as (
      insert into spending as s (scope, day, spent_micros) select ${theirs}, day, spent_micros from days where scope = ${ours} order by day
      on conflict (scope, day) do update set spent_micros = s.spent_micros + excluded.spent_micros,
        ceiling_micros = greatest(s.ceiling_micros, s.spent_micros + excluded.spent_micros)),
    ended as (
      insert into ended_sessions (key, until) select key, until from ending, leaving order by key on conflict (key) do nothing)
    select count(*)::int as n, (select ids from present) is not null and not exists (select from leaving) as has_missed from adopted
  `.execute(repeatable(db))
  // What it has waited for, the next one sees.
  return rows[0]?.has_missed ? adoptTasks(db, { from, to, ended }) : (rows[0]?.n ?? 0)
}

/** What no token can be good for any more. */
export async function dropEndedSessions(db: Db, timed: Timed = {}): Promise<void> {
  await sql`delete from ended_sessions where until < ${clock(timed)}`.execute(repeatable(db))
}
