// POST /api/continue: the person likes what she sees; the next step is submitted.
import * as z from 'zod'
import { AppError } from '../core/errors.ts'
import { knownFrom } from '../core/price.ts'
import { readTask } from '../db/statements/reads.ts'
import { continueTask, type MovedTask } from '../db/statements/user-moves.ts'
import { claimOf, continueTerms, sendByOf } from '../engine/claim.ts'
import type { Deps, Endpoint, EndpointContext } from '../engine/deps.ts'
import { causedBy } from '../engine/journal.ts'
import { triggerPass } from '../engine/trigger.ts'
import { withinLimits } from './http/limits.ts'
import { readJson, requireMethod } from './http/request.ts'
import { answerTask, notFound } from './http/task-answer.ts'
import { requireUser } from './http/users.ts'

export const continueBody = z.strictObject({
  task_id: z.uuid(),
  /** The step that was seen done: a second click, or a stale page, then changes nothing. */
  step: z.int().min(1).max(1_000).optional(),
  all: z.boolean().default(false),
})

export const continueEndpoint: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const user_id = await requireUser(request, deps)
  const task = await continueAs(deps, context, user_id, await readJson(request, continueBody))
  return answerTask(deps, task, task.moved ? 202 : 200)
}

/** Continues a user's task, whichever door they came through. Not moved: it has moved on from the step that was seen. */
export async function continueAs(
  deps: Deps,
  context: EndpointContext,
  user_id: string,
  { task_id: id, step, all }: z.output<typeof continueBody>,
): Promise<MovedTask> {
  await deps.wake.raise()
  const sendBy = sendByOf(deps)
  const terms = { ...continueTerms(deps), ...causedBy(deps, 'user', context) }
  // What was given back at the gate is reserved again, which may be more than is left today.
  const asks = async () => {
    const { recipe = '', prices = null, current_step = 0 } = (await readTask(deps.db, { id, user_id })) ?? {}
    return { recipe, micros: knownFrom(prices, current_step + 1) }
  }
  const goOn = () => continueTask(deps.db, { id, user_id, step, all, ...terms })
  const task = await withinLimits(deps, { user_id, rivalOf: id, asks, context }, goOn)
  if (!task) throw notFound(id)
  if (task.moved) {
    triggerPass(deps, context, { by: 'continue', taskId: id, claimed: claimOf(task, sendBy) })
    return task
  }
  if (step !== undefined && step <= task.current_step) return task
  const why =
    task.status === 'waiting_continue'
      ? `Step ${task.current_step} waits for continue, not step ${step}.`
      : `The task is ${task.status} and doesn't wait for continue.`
  throw new AppError('not_waiting', why)
}
