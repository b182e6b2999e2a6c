// POST /api/cancel: stops a task. What was stored stays downloadable; the provider's job is canceled too, however long it takes.
import * as z from 'zod'
import { AppError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import { cancelTask } from '../db/statements/user-moves.ts'
import type { Deps, Endpoint, EndpointContext } from '../engine/deps.ts'
import { causedBy, raiseAnyway } from '../engine/journal.ts'
import { triggerPass } from '../engine/trigger.ts'
import { readJson, requireMethod } from './http/request.ts'
import { answerTask, notShown } from './http/task-answer.ts'
import { requireReader, type Who } from './http/users.ts'

export const cancelBody = z.strictObject({ task_id: z.uuid() })

export const cancel: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const who = await requireReader(request, deps)
  return answerTask(deps, await cancelAs(deps, context, who, await readJson(request, cancelBody)))
}

/** Cancels a user's task, whichever door they came through. */
export async function cancelAs(
  deps: Deps,
  context: EndpointContext,
  who: Who,
  { task_id: id }: z.output<typeof cancelBody>,
): Promise<Task> {
  const { user_id, session } = who
  await raiseAnyway(deps)
  const task = await cancelTask(deps.db, { id, user_id, session, ...causedBy(deps, 'user', context) })
  if (!task) throw await notShown(deps, who, id)
  if (!task.moved) throw new AppError('already_finished', `The task is ${task.status} already.`)
  if (task.due_at) triggerPass(deps, context, { by: 'cancel', taskId: id })
  return task
}
