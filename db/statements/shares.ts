// Pictures that their owner shows to anybody who has the link: made, listed, found by their link, and revoked. A share goes with its task.
// The share endpoint runs these statements.
import { sql } from 'kysely'
import type { Task } from '../../core/task.ts'
import { repeatable } from '../driver/retries.ts'
import { clock, type Db, type Timed } from './sql.ts'

export interface NewShare extends Timed {
  /** Not to be guessed: whoever knows it sees the picture. */
  id: string
  task_id: string
  user_id: string
  step: number
  attempt: number
  file: number
  with_before: boolean
}

/** The share's id: that of the same picture's earlier share, if there is one. Undefined: the task isn't theirs (any more). */
export async function shareTask(db: Db, { id, task_id, user_id, ...shown }: NewShare) {
  const { rows } = await sql<{ id: string }>`
    with own as materialized (select id from tasks where id = ${task_id} and user_id = ${user_id} for key share)
    insert into shares (id, task_id, step, attempt, file, with_before, created_at)
    select ${id}, own.id, ${shown.step}, ${shown.attempt}, ${shown.file}, ${shown.with_before}, ${clock(shown)} from own
    on conflict on constraint shares_once do update set step = excluded.step returning id
  `.execute(repeatable(db))
  return rows[0]?.id
}

export type Link = Pick<NewShare, 'id' | 'step' | 'attempt' | 'file' | 'with_before'>

/** A task's links, the newest first. Undefined: the task isn't theirs. */
export async function listShares(
  db: Db,
  { task_id, user_id, limit }: { task_id: string; user_id: string; limit: number },
): Promise<Link[] | undefined> {
  const { rows } = await sql<Link | { id: null }>`
    select s.id, s.step, s.attempt, s.file, s.with_before
    from tasks t left join shares s on s.task_id = t.id where t.id = ${task_id} and t.user_id = ${user_id}
    order by s.created_at desc, s.id limit ${limit}
  `.execute(repeatable(db))
  return rows.length === 0 ? undefined : rows.flatMap((row) => (row.id === null ? [] : row))
}

/** Gives how many links are dead now. Undefined: the task isn't theirs. */
export async function revokeShares(
  db: Db,
  { task_id, user_id, step }: { task_id: string; user_id: string; step?: number | undefined },
): Promise<number | undefined> {
  const { rows } = await sql<{ found: boolean; n: number }>`
    with own as materialized (select id from tasks where id = ${task_id} and user_id = ${user_id}),
    gone as (
      delete from shares where task_id in (select id from own) and step = coalesce(${step ?? null}::integer, step) returning id)
    select exists (select from own) as found, (select count(*)::int from gone) as n
  `.execute(repeatable(db))
  return rows[0]?.found ? rows[0].n : undefined
}

export interface Shared extends Pick<Task, 'user_id' | 'recipe' | 'input' | 'steps'> {
  task_id: string
  step: number
  attempt: number
  file: number
  with_before: boolean
}

export async function readShare(db: Db, id: string): Promise<Shared | undefined> {
  const { rows } = await sql<Shared>`
    select s.task_id, s.step, s.attempt, s.file, s.with_before, t.user_id, t.recipe, t.input, t.steps
    from shares s join tasks t on t.id = s.task_id where s.id = ${id}
  `.execute(repeatable(db))
  return rows[0]
}
