// Every read outside a transition. A status poll is `readTask`: one statement, by primary key and owner.
import { sql } from 'kysely'
import type { Status, Task } from '../core/task.ts'
import { clock, type Db, type Timed } from './sql.ts'

/** A task, and whether a pass over it has something to do now. */
export interface ReadTask extends Task {
  is_due: boolean
}

export async function readTask(db: Db, of: { id: string; user_id: string } & Timed): Promise<ReadTask | undefined> {
  const { rows } = await sql<ReadTask>`
    select *, coalesce(due_at <= ${clock(of)}, false) as is_due from tasks where id = ${of.id} and user_id = ${of.user_id}
  `.execute(db)
  return rows[0]
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
  const { rows } = await sql<Task>`
    select * from tasks
    where user_id = ${p.user_id}
      and ${p.after ? sql`id < ${p.after}` : sql`true`}
      and ${p.status ? sql`status = ${p.status}` : sql`true`}
    order by id desc limit ${p.limit}
  `.execute(db)
  return rows
}

/** The unfinished task that holds an exclusive recipe's lock. */
export async function readLockHolder(db: Db, lockKey: string): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from tasks where lock_key = ${lockKey} and status in ('pending', 'processing', 'waiting_continue')
  `.execute(db)
  return rows[0]?.id
}

/** Answers when the database does. */
export async function ping(db: Db): Promise<void> {
  await sql`select 1`.execute(db)
}
