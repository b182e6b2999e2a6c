// Every read outside a transition. A status poll is `readTask`: one statement, by primary key and owner.
import { sql } from 'kysely'
import type { Status, Task } from '../../core/task.ts'
import { batched } from '../driver/batches.ts'
import { repeatable } from '../driver/retries.ts'
import { inPages } from './pages.ts'
import { isSessionEnded } from './sessions.ts'
import { clock, type Db, jsonb, type Timed } from './sql.ts'
import type { Started } from './start.ts'

/** A task, and whether a pass over it has something to do now. */
export interface ReadTask extends Task {
  is_due: boolean
}

/** `session`: the asking session's names. One that was ended is shown nothing; who asks with it is told why by `isEnded`. */
export async function readTask(
  db: Db,
  of: Mine & { session?: readonly string[] | undefined } & Timed,
): Promise<ReadTask | undefined> {
  const { id, user_id, session = [], now } = of
  const [task] = await readTasks(db, [{ id, user_id, session }], { now })
  return task
}

interface Mine {
  id: string
  user_id: string
}

const readTasks = batched(async (db, told: readonly (Mine & { session: readonly string[] })[], timed) => {
  const { rows } = await sql<ReadTask>`
    select t.*, coalesce(t.due_at <= ${clock(timed)}, false) as is_due
    from jsonb_to_recordset(${jsonb(told)}) as told (id uuid, user_id text, session jsonb)
      cross join lateral (select * from tasks where id = told.id and user_id = told.user_id limit 1) as t
    where not ${isSessionEnded}
  `.execute(repeatable(db))
  return rows
})

interface StartedOf {
  user_id: string
  idempotency_key: string
  /** The asking session's names: one that was ended is shown nothing. */
  session?: readonly string[] | undefined
}

/** The task that a start with this key has made before. */
export async function readStarted(
  db: Db,
  { user_id, idempotency_key, session = [] }: StartedOf,
): Promise<Started | undefined> {
  const { rows } = await sql<Started>`
    select *, false as created from tasks where user_id = ${user_id} and idempotency_key = ${idempotency_key}
      and not exists (select from ended_sessions e where e.key = any(${session}::text[]))
  `.execute(repeatable(db))
  return rows[0]
}

/** Since when a task's step waits to be submitted: its last move that was none of our tries. Null where its history doesn't tell. */
export async function readWaitsSince(db: Db, id: string): Promise<Date | null> {
  const { rows } = await sql<{ at: Date }>`
    select at from task_events where task_id = ${id} and move not in ('claimed', 'unsent') order by id desc limit 1
  `.execute(repeatable(db))
  return rows[0]?.at ?? null
}

export interface ListParams {
  user_id: string
  status?: Status | undefined
  limit: number
  /** The last id of the page before. */
  after?: string | undefined
}

/** Newest first, paged by key: a page costs the same wherever it is. */
export async function listTasks(db: Db, p: ListParams): Promise<Task[]> {
  return inPages<Task>(p.limit, async ({ limit, after = p.after && { id: p.after } }) => {
    const { rows } = await sql<Task>`
      select * from tasks
      where user_id = ${p.user_id}
        and ${after ? sql`id < ${after.id}` : sql`true`}
        and ${p.status ? sql`status = ${p.status}` : sql`true`}
      order by id desc limit ${limit}
    `.execute(repeatable(db))
    return rows
  })
}

/** The unfinished tasks of these users, newest first. */
export async function listOpen(db: Db, of: { user_ids: readonly string[]; limit: number }): Promise<Task[]> {
  return inPages<Task>(of.limit, async ({ limit, after }) => {
    const { rows } = await sql<Task>`
      select * from tasks
      where user_id = any(${of.user_ids}::text[]) and status in ('pending', 'processing', 'waiting_continue')
        and ${after ? sql`id < ${after.id}` : sql`true`}
      order by id desc limit ${limit}
    `.execute(repeatable(db))
    return rows
  })
}

export interface LockHolder {
  id: string
  user_id: string
  recipe: string
  current_step: number
  total_steps: number
  status: Status
}

/** The unfinished task that holds an exclusive recipe's lock: by the lock's key, or by a task that wants it back. */
export async function readLockHolder(
  db: Db,
  lock: { lock_key: string | null } | { rivalOf: string },
): Promise<LockHolder | undefined> {
  const key = 'rivalOf' in lock ? sql`(select lock_key from tasks where id = ${lock.rivalOf})` : sql`${lock.lock_key}`
  const { rows } = await sql<LockHolder>`
    select id, user_id, recipe, current_step, total_steps, status from tasks
    where lock_key = ${key} and status in ('pending', 'processing', 'waiting_continue')
  `.execute(repeatable(db))
  return rows[0]
}

/** Those of the ids that are no task's. */
export async function readMissing(db: Db, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${ids}::uuid[]) as named (id) where not exists (select from tasks where tasks.id = named.id)
  `.execute(repeatable(db))
  return rows.map(({ id }) => id)
}

/** Answers when the database does. */
export async function probeDatabase(db: Db): Promise<void> {
  await sql`select 1`.execute(repeatable(db))
}
