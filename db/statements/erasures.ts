// What was deleted and still has to go: noted here, read by passes when it is due, and struck out when nothing is left. engine/erase.ts
// does what lies between, in the store and at the provider.
import { type RawBuilder, sql } from 'kysely'
import { erasedUser, type ProviderRecord } from '../../core/erasure.ts'
import { repeatable } from '../driver/retries.ts'
import { type ErasureTerms, predictionsOf } from './erase.ts'
import { type EndedSession, end } from './sessions.ts'
import { clock, type Db, jsonb, seconds, type Timed } from './sql.ts'

export interface Erasure {
  id: string
  kind: 'task' | 'upload' | 'user'
  /** An upload's key, or a user's id. */
  subject: string | null
  predictions: ProviderRecord[]
  noted_at: Date
  /** From then on nobody can be writing for it. */
  quiet_at: Date
  /** The database's clock, as the note was read; and exactly. */
  now: Date
  read_at: string
}

/** When the note was read. */
const read = (now: RawBuilder<Date>) => sql`${now} as now, (${now})::text as read_at`

/** Notes an upload whose file is to go. */
export async function noteUpload(db: Db, { key, ...timed }: { key: string } & Timed): Promise<Erasure> {
  const now = clock(timed)
  const { rows } = await sql<Erasure>`
    insert into erasures (kind, subject, noted_at, quiet_at, due_at) values ('upload', ${key}, ${now}, ${now}, ${now})
    returning *, ${read(now)}
  `.execute(db)
  return rows[0] as Erasure
}

export interface UserErasure extends Timed {
  user_id: string
  quietSeconds: number
  /** Ends these sessions by the same stroke. */
  ended: readonly EndedSession[]
}

/** Notes a user with all that is theirs; whoever is noted already is the same again. */
export async function noteUser(db: Db, { user_id, quietSeconds, ended, ...timed }: UserErasure): Promise<Erasure> {
  const now = clock(timed)
  const { rows } = await sql<Erasure>`
    with ended as (${end(ended)})
    insert into erasures (kind, subject, noted_at, quiet_at, due_at)
    values ('user', ${user_id}, ${now}, ${now} + ${seconds(sql`${quietSeconds}::float8`)}, ${now})
    returning *, ${read(now)}
  `.execute(db)
  return rows[0] as Erasure
}

/**
 * Notes a task of which something was written though it is gone, or erased: a webhook that comes late copies before it can know. True where
 * it is so.
 */
export async function noteGone(db: Db, { id, ...timed }: { id: string } & Timed): Promise<boolean> {
  const now = clock(timed)
  const { rows } = await sql`
    insert into erasures (id, kind, noted_at, quiet_at, due_at)
    select ${id}::uuid, 'task', ${now}, ${now}, ${now}
    where not exists (select from tasks where id = ${id}::uuid and user_id <> ${erasedUser})
    -- Whoever searches the store at this moment may have been where it lies already.
    on conflict (id) do update set due_at = excluded.due_at, quiet_at = greatest(erasures.quiet_at, excluded.quiet_at) returning id
  `.execute(repeatable(db))
  return rows.length > 0
}

/**
 * What is due, the longest due first; or these, due or not. Not taken by a lease: whoever dies while they erase leaves it to the very next
 * pass, and what two do at once is done.
 */
export async function readErasures(
  db: Db,
  { limit, ids, ...timed }: { limit: number; ids?: readonly string[] | undefined } & Timed,
): Promise<Erasure[]> {
  const now = clock(timed)
  const { rows } = await sql<Erasure>`
    select *, ${read(now)} from erasures where ${ids ? sql`id = any(${ids}::uuid[])` : sql`due_at <= ${now}`}
    order by due_at, id limit ${limit}
  `.execute(repeatable(db))
  return rows
}

/** What was done for one of them. */
export interface ErasureOutcome {
  id: string
  /** The store was searched, and whatever was found is gone. */
  cleared: boolean
  /** The note's: what was noted since, or could still be written then, this outcome doesn't know. */
  read_at: string
  /** What no provider is to be asked for any more. */
  asked: readonly ProviderRecord[]
}

/**
 * Strikes out what is done: nothing is left in table and store, no provider is to be asked, and nobody could be writing any more when the
 * store was searched. Deletes a stub whose provider has ended, and comes back for what that leaves. All else is looked at again after a
 * quarter of its age, between 20 s and an hour. Answers with those that were struck out.
 */
export async function recordErasures(
  db: Db,
  told: readonly ErasureOutcome[],
  terms: Pick<ErasureTerms, 'erasing' | 'now'>,
): Promise<string[]> {
  const now = clock(terms)
  const { rows } = await sql<{ id: string }>`
    with told as materialized (
      select * from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, cleared boolean, read_at timestamptz, asked jsonb)),
    -- A stub waits for its provider. What is to be asked may have become more since.
    target as materialized (
      select e.id, e.noted_at, e.quiet_at, t.id is not null as stands, t.phase is null and t.due_at is null as is_over,
        ${predictionsOf(terms.erasing)} as known, open.predictions as open,
        told.cleared and t.id is null and open.predictions = '[]' as is_clear, e.quiet_at <= told.read_at as is_quiet
      from told join erasures e on e.id = told.id left join tasks t on t.id = e.id and t.user_id = ${erasedUser}
        cross join lateral (select coalesce(jsonb_agg(one), '[]') as predictions from jsonb_array_elements(e.predictions) as noted (one)
          where not told.asked @> jsonb_build_array(one)) as open
      order by e.id for update of e),
    over as (
      delete from tasks where id = any(array(select id from target where stands and is_over)) and user_id = ${erasedUser}
        and phase is null and due_at is null
      returning id),
    done as (
      delete from erasures where id in (select id from target where is_clear and is_quiet) returning id),
    later as (
      update erasures e set
        predictions = case when over.id is null then o.open else o.open || o.known end,
        due_at = case
          when over.id is not null then ${now}
          when o.is_clear then greatest(o.quiet_at, ${now})
          else ${now} + ${seconds(sql`least(3600, greatest(20, extract(epoch from ${now} - o.noted_at) / 4))`)} end
      from target o left join over on over.id = o.id
      where e.id = o.id and not (o.is_clear and o.is_quiet))
    select id from done order by id
  `.execute(db)
  return rows.map(({ id }) => id)
}

/**
 * What is still named after a user loses the name, or goes: who hears of their tasks and what is still to be told, their starts of a day, and
 * what they spent, which stays in the sums. With `before`, what came later stays: of somebody who has come back since. Counters of the day
 * that both lie on go once only, and never with what a task of theirs has reserved since.
 */
export async function eraseTraces(db: Db, { user_id, before }: { user_id: string; before?: Date | undefined }) {
  const [own, nobodys] = [`user:${user_id}`, `user:${erasedUser}`]
  const isOld = (at: 'created_at' | 'at') => (before ? sql`${sql.ref(at)} < ${before}` : sql`true`)
  const day = sql`(${before}::timestamptz at time zone 'UTC')::date`
  const isOldDay = before
    ? sql`(day < ${day} or day = ${day} and not exists (
        select from tasks where tasks.user_id = ${user_id} and tasks.created_at >= ${before}))`
    : sql`true`
  await sql`
    with listening as (delete from listeners where user_id = ${user_id} and ${isOld('created_at')}),
    events as (delete from outbox where user_id = ${user_id} and ${isOld('at')}),
    chats as (delete from telegram_chats where user_id = ${user_id} and ${isOld('created_at')}),
    links as (delete from telegram_links where user_id = ${user_id}),
    days as (delete from daily_starts where user_id = ${user_id} and ${isOldDay}),
    -- Locked as whoever spends locks them: by day, then scope.
    locked as materialized (
      select scope, day, spent_micros from spending s
      where scope in (${own}, ${nobodys}) and day in (select day from spending where scope = ${own}) and ${isOldDay}
      order by day, scope for update),
    gone as (delete from spending s using locked where s.scope = ${own} and s.day = locked.day and locked.scope = ${own})
    insert into spending as s (scope, day, spent_micros)
    select ${nobodys}, day, spent_micros from locked where scope = ${own} order by day
    on conflict (scope, day) do update set spent_micros = s.spent_micros + excluded.spent_micros, ceiling_micros = null
  `.execute(repeatable(db))
}

/** How much is still to go, for the operator. */
export async function countErasures(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from erasures`.execute(repeatable(db))
  return rows[0]?.n ?? 0
}
