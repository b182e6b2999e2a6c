// POST /api/redo: runs the step just shown, or the one that failed, once more. The only way to a second payment for a step.
import * as z from 'zod'
import { AppError } from '../core/errors.ts'
import { type Move, type MovedTask, redoTask } from '../db/statements/user-moves.ts'
import type { Deps, Room } from '../engine/deps.ts'
import { causedBy } from '../engine/journal.ts'
import { whenUnlocked } from './http/lock.ts'
import { readJson, requireMethod } from './http/request.ts'
import { answerTask, notFound, passAfterAnswer } from './http/task-answer.ts'
import { requireUser } from './http/users.ts'

export const redoBody = z.strictObject({ task_id: z.uuid(), step: z.int().min(1).max(1_000).optional() })

export const redo: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const user_id = await requireUser(request, deps)
  const { task_id: id, step } = await readJson(request, redoBody)
  await deps.wake.raise()
  const task = await redoUnlocked(deps, { id, user_id, step, ...causedBy(deps, 'user', context) })
  if (!task) throw notFound(id)
  if (task.moved) {
    passAfterAnswer(deps, context, { by: 'redo', taskId: id })
    return answerTask(deps, task, 202)
  }
  if (task.status === 'completed' || task.status === 'canceled') {
    throw new AppError(
      'already_finished',
      `The task is ${task.status}; only a failed step or the one just shown is redone.`,
    )
  }
  // A second click, or a page that shows an earlier step: the redo is under way, or the moment has passed.
  if (step !== undefined && step <= task.current_step) return answerTask(deps, task)
  const shown = `The task is ${task.status} at step ${task.current_step}; only a failed step or the one just shown is redone.`
  throw new AppError('not_waiting', shown)
}

/** A failed task of an exclusive recipe takes its lock again, unless another task holds it by now. */
function redoUnlocked(deps: Deps, move: Move): Promise<MovedTask | undefined> {
  return whenUnlocked(deps, { user_id: move.user_id, rivalOf: move.id }, () => redoTask(deps.db, move))
}
