// POST /api/choose: another attempt's picture, or another candidate, becomes the result of the step at its gate, or of a completed task. It is
// paid already, so this costs nothing.
import * as z from 'zod'
import { AppError } from '../core/errors.ts'
import type { Task } from '../core/task.ts'
import { readTask } from '../db/statements/reads.ts'
import { chooseTask } from '../db/statements/user-moves.ts'
import type { Deps, Endpoint, EndpointContext } from '../engine/deps.ts'
import { causedBy } from '../engine/journal.ts'
import { isChosen, requireChoosable } from './http/choice.ts'
import { fieldRefusal, readJson, requireMethod } from './http/request.ts'
import { answerTask, notShown } from './http/task-answer.ts'
import { requireReader, type Who } from './http/users.ts'

export const chooseBody = z.strictObject({
  task_id: z.uuid(),
  step: z.int().min(1).max(1_000),
  attempt: z.int().min(1).max(1_000_000),
  /** 1 is the first. */
  file: z.int().min(1).max(1_000).default(1),
})

export const choose: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const who = await requireReader(request, deps)
  return answerTask(deps, await chooseAs(deps, context, who, await readJson(request, chooseBody)))
}

/** Chooses for a user, whichever door they came through. The same choice again changes nothing. */
export async function chooseAs(
  deps: Deps,
  context: EndpointContext,
  who: Who,
  { task_id: id, step, ...choice }: z.output<typeof chooseBody>,
): Promise<Task> {
  const { user_id, session } = who
  const before = await readTask(deps.db, { id, user_id, session })
  if (!before) throw await notShown(deps, who, id)
  // Where nothing can be chosen, the statement refuses: it alone sees the task as it is.
  if (isChoiceOpen(before, step)) await requireChoosable(deps, before, step, choice)
  const task = await chooseTask(deps.db, { id, user_id, session, step, choice, ...causedBy(deps, 'user', context) })
  if (!task) throw await notShown(deps, who, id)
  if (task.moved) return task
  requireOpen(task, step)
  if (isChosen(task, step, choice)) return task
  throw new AppError('unavailable', 'The task was changed at the same moment. Look at it, and choose again.')
}

/** Whether the step's result may still be chosen. */
export const isChoiceOpen = ({ status, current_step }: Task, step: number): boolean =>
  step === current_step && (status === 'waiting_continue' || status === 'completed')

/** Throws `not_waiting` where the step's result is settled, or is just being made. */
function requireOpen(task: Task, step: number): void {
  if (isChoiceOpen(task, step)) return
  const { status, current_step, total_steps } = task
  const isThere = status === 'waiting_continue' || status === 'completed'
  const message = isThere
    ? `the choice is of step ${current_step} of ${total_steps}, not of step ${step}`
    : `the task is ${status} at step ${current_step}, where nothing can be chosen`
  throw fieldRefusal('not_waiting', 'step', message)
}
