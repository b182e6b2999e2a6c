// POST /api/redo: runs the step just shown, or the one that failed, once more. The only way to a second payment for a step.
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { DatabaseError } from '../db/errors.ts'
import { type Move, type MovedTask, redoTask } from '../db/moves.ts'
import type { Deps, Room } from './deps.ts'
import { readJson, requireMethod } from './http.ts'
import { answerTask, notFound, passAfterAnswer } from './moving.ts'
import { alreadyRunning } from './start.ts'
import { requireUser } from './users.ts'

const body = z.strictObject({ task_id: z.uuid(), step: z.int().min(1).max(1_000).optional() })

export const redo: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const user_id = await requireUser(request, deps)
  const { task_id: id, step } = await readJson(request, body)
  await deps.wake.raise()
  const task = await redoUnlocked(deps, { id, user_id, step, now: deps.now?.() })
  if (!task) throw notFound(id)
  if (task.moved) {
    passAfterAnswer(deps, context, id)
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
  throw new AppError('not_waiting', `The task is ${task.status}; only a failed step or the one just shown is redone.`)
}

/** A failed task of an exclusive recipe takes its lock again, unless another task holds it by now. */
async function redoUnlocked(deps: Deps, move: Move): Promise<MovedTask | undefined> {
  try {
    return await redoTask(deps.db, move)
  } catch (error) {
    if (!(error instanceof DatabaseError && error.constraint === 'tasks_lock')) throw error
    throw alreadyRunning('task of this kind', undefined)
  }
}
