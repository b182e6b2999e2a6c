// GET /api/status: one task, one statement. A poll of a due task also runs its pass, so that polling alone is enough.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { readTask } from '../db/reads.ts'
import type { Room } from './deps.ts'
import { readQuery, requireMethod } from './http.ts'
import { answerTask, notFound, passAfterAnswer } from './moving.ts'
import { requireUser } from './users.ts'

const query = z.object({ task_id: z.uuid() })

export const status: Room = async (request, deps, context) => {
  requireMethod(request, 'GET', 'HEAD')
  const userId = await requireUser(request, deps)
  const { task_id } = readQuery(request, query)
  const task = await readTask(deps.db, { id: task_id, user_id: userId, now: deps.now?.() })
  if (!task) throw notFound(task_id)
  if (task.is_due) passAfterAnswer(deps, context, task.id)
  return withEtag(request, answerTask(task))
}

/** The same view is answered without a body to whoever has it already. */
async function withEtag(request: Request, response: Response): Promise<Response> {
  const body = await response.text()
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const headers = new Headers(response.headers)
  headers.set('etag', etag)
  headers.set('cache-control', 'private, no-cache')
  if (request.headers.get('if-none-match') !== etag) return new Response(body, { headers })
  headers.delete('content-type')
  return new Response(null, { status: 304, headers })
}
