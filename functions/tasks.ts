// GET /api/tasks: the user's tasks, newest first, paged by key.
import * as z from 'zod'
import type { TaskPage } from '../core/answers.ts'
import { statuses } from '../core/task.ts'
import { listTasks } from '../db/statements/reads.ts'
import type { Endpoint } from '../engine/deps.ts'
import { json, readQuery, requireMethod } from './http/request.ts'
import { viewOf } from './http/task-answer.ts'
import { requireUser } from './http/users.ts'

export const tasksQuery = z.object({
  status: z.enum(statuses).optional(),
  limit: z.coerce.number('must be a whole number from 1 to 100').int().min(1).max(100).default(20),
  /** The `next_cursor` of the page before. */
  cursor: z.uuid().optional(),
})

export const tasks: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  const user_id = await requireUser(request, deps)
  const { status, limit, cursor } = readQuery(request, tasksQuery)
  // One more than asked for tells whether there is a next page.
  const rows = await listTasks(deps.db, { user_id, status, limit: limit + 1, after: cursor })
  const page = rows.slice(0, limit)
  const answer: TaskPage = {
    tasks: page.map((task) => viewOf(deps, task)),
    next_cursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
  }
  return json(answer)
}
