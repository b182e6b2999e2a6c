// The table that an application around a plain job queue keeps of its tasks, and its moves: pg-boss.ts and graphile-worker.ts make
// the same chain of jobs of it (submit, keep) and add a job in the statement, or the transaction, that moves the row.
import type { Pool } from 'pg'
import type { View } from './doors.ts'

export interface Step {
  task: string
  step: number
}

export const table = `create table tasks (
  id uuid primary key,
  status text not null,
  current_step integer not null,
  prediction_id text,
  results jsonb not null default '[]')`

export const insert = `insert into tasks (id, status, current_step) values ($1, 'processing', 0)`
export const open = `update tasks set status = 'processing' where id = $1 and status = 'waiting_continue' and current_step = $2`
const submitted = `update tasks set prediction_id = $2 where id = $1`
const kept = `update tasks set status = $2, current_step = $3, prediction_id = null, results = results || to_jsonb($4::text)
  where id = $1 and current_step = $3 - 1`

export const recordSubmitted = (pool: Pool, task: string, prediction: string) =>
  pool.query(submitted, [task, prediction])

export const recordKept = (pool: Pool, { task, step }: Step, isLast: boolean, key: string) =>
  pool.query(kept, [task, isLast ? 'completed' : 'waiting_continue', step, key])

export async function readView(pool: Pool, task: string): Promise<View> {
  const { rows } = await pool.query<View>('select status, current_step from tasks where id = $1', [task])
  return rows[0] ?? { status: 'processing', current_step: 0 }
}
