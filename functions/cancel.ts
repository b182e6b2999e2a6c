// POST /api/cancel: stops a task. What was stored stays downloadable; the provider's job is canceled too, however long it takes.
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { cancelTask } from '../db/moves.ts'
import type { Room } from './deps.ts'
import { readJson, requireMethod } from './http.ts'
import { answerTask, notFound, passAfterAnswer } from './moving.ts'
import { requireUser } from './users.ts'

const body = z.strictObject({ task_id: z.uuid() })

export const cancel: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const user_id = await requireUser(request, deps)
  const { task_id: id } = await readJson(request, body)
  await deps.wake.raise()
  const task = await cancelTask(deps.db, { id, user_id, now: deps.now?.() })
  if (!task) throw notFound(id)
  if (!task.moved) throw new AppError('already_finished', `The task is ${task.status} already.`)
  if (task.due_at) passAfterAnswer(deps, context, id)
  return answerTask(deps, task)
}
