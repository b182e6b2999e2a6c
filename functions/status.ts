// GET /api/status: one task, one statement. A poll of a due task also runs its pass, so that polling alone is enough.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { TaskView } from '../core/answers.ts'
import { readTask } from '../db/statements/reads.ts'
import type { Endpoint } from '../engine/deps.ts'
import { triggerPass } from '../engine/trigger.ts'
import { json, readQuery, requireMethod } from './http/request.ts'
import { notShown, retryAfter, viewOf } from './http/task-answer.ts'
import { requireReader } from './http/users.ts'

export const statusQuery = z.object({ task_id: z.uuid() })

export const status: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'GET', 'HEAD')
  const asking = await requireReader(request, deps)
  const { task_id } = readQuery(request, statusQuery)
  const task = await readTask(deps.db, { id: task_id, ...asking, now: deps.now?.() })
  if (!task) throw await notShown(deps, asking, task_id)
  if (task.is_due) triggerPass(deps, context, { by: 'status', taskId: task.id })
  return answer(request, viewOf(deps, task))
}

/** Nothing is sent again to whoever has it already. The poll advice changes by itself; a 304 carries it as Retry-After. */
function answer(request: Request, view: TaskView): Response {
  const { poll_after_ms: _, ...shown } = view
  const etag = `W/"${createHash('sha256').update(JSON.stringify(shown)).digest('base64url').slice(0, 22)}"`
  const headers = { ...retryAfter(view), etag, 'cache-control': 'private, no-cache' }
  if (request.headers.get('if-none-match') !== etag) return json(view, 200, headers)
  return new Response(null, { status: 304, headers })
}
