// POST /api/cancel: stops a task. What was stored stays downloadable; the provider's job is canceled too, however long it takes.
import * as z from 'zod'
import { AppError } from '../core/errors.ts'
import { cancelTask } from '../db/moves.ts'
import { causedBy } from './causing.ts'
import type { Room } from './deps.ts'
import { readJson, requireMethod } from './http.ts'
import { answerTask, notFound, passAfterAnswer } from './moving.ts'
import { requireUser } from './users.ts'
import { raiseAnyway } from './waking.ts'

export const cancelBody = z.strictObject({ task_id: z.uuid() })

export const cancel: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const user_id = await requireUser(request, deps)
  const { task_id: id } = await readJson(request, cancelBody)
  await raiseAnyway(deps)
  const task = await cancelTask(deps.db, { id, user_id, ...causedBy(deps, 'user', context) })
  if (!task) throw notFound(id)
  if (!task.moved) throw new AppError('already_finished', `The task is ${task.status} already.`)
  if (task.due_at) passAfterAnswer(deps, context, { by: 'cancel', taskId: id })
  return answerTask(deps, task)
}
