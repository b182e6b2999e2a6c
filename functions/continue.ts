// POST /api/continue: the person likes what she sees; the next step is submitted.
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { continueTask } from '../db/moves.ts'
import { causedBy } from './causing.ts'
import { claimableOf, sendByOf } from './claims.ts'
import type { Room } from './deps.ts'
import { readJson, requireMethod } from './http.ts'
import { answerTask, notFound, passAfterAnswer } from './moving.ts'
import { requireUser } from './users.ts'

export const continueBody = z.strictObject({
  task_id: z.uuid(),
  /** The step that was seen done: a second click, or a stale page, then changes nothing. */
  step: z.int().min(1).max(1_000).optional(),
  all: z.boolean().default(false),
})

export const continueRoom: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const user_id = await requireUser(request, deps)
  const { task_id: id, step, all } = await readJson(request, continueBody)
  await deps.wake.raise()
  const sendBy = sendByOf(deps)
  const claims = claimableOf(deps)
  const { SUBMIT_LEASE_SECONDS: submitLeaseSeconds } = deps.config
  const timed = causedBy(deps, 'user', context)
  const task = await continueTask(deps.db, { id, user_id, step, all, claims, submitLeaseSeconds, ...timed })
  if (!task) throw notFound(id)
  if (task.moved) {
    const tasks = [{ ...task, work: 'submit' as const, claimed_at: task.updated_at }]
    passAfterAnswer(deps, context, {
      by: 'continue',
      taskId: id,
      begun: task.claim_token ? { tasks, sendBy } : undefined,
    })
    return answerTask(deps, task, 202)
  }
  if (step !== undefined && step <= task.current_step) return answerTask(deps, task)
  throw new AppError('not_waiting', `The task is ${task.status} and doesn't wait for continue.`)
}
