// POST /api/redo: runs the step just shown, or the one that failed, once more. It is the only way to a second payment for a step.
import * as z from 'zod'
import { AppError } from '../core/errors.ts'
import { knownFrom } from '../core/price.ts'
import { askedAgain, type Task } from '../core/task.ts'
import { readTask } from '../db/statements/reads.ts'
import { type MovedTask, redoTask } from '../db/statements/user-moves.ts'
import { type Deps, type Endpoint, type EndpointContext, recipeOf } from '../engine/deps.ts'
import { causedBy } from '../engine/journal.ts'
import { triggerPass } from '../engine/trigger.ts'
import { lockOf, spendingStopped, withinLimits } from './http/limits.ts'
import { shortenOwn } from './http/own-addresses.ts'
import { fieldRefusal, readJson, requireMethod } from './http/request.ts'
import { candidatesField, changeField, moveWith, takeChange } from './http/step-change.ts'
import { answerTask, notShown } from './http/task-answer.ts'
import { requireReader, type Who } from './http/users.ts'

export const redoBody = z.strictObject({
  task_id: z.uuid(),
  step: z.int().min(1).max(1_000).optional(),
  /** The newest attempt of the step that was seen: the same request delivered twice starts one. */
  attempt: z.int().min(1).max(1_000_000).optional(),
  change: changeField,
  candidates: candidatesField,
})

type Body = z.output<typeof redoBody>
/** What the person saw when they asked. */
type Seen = Pick<Body, 'step' | 'attempt'>

export const redo: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const who = await requireReader(request, deps)
  const { change, ...body } = await readJson(request, redoBody)
  const task = await redoAs(deps, context, who, { ...body, change: change && shortenOwn(request, deps, change) })
  return answerTask(deps, task, task.moved ? 202 : 200)
}

/** Redoes a step of a user's task, whichever door they came through. Not moved: it has moved on from what was seen. */
export async function redoAs(
  deps: Deps,
  context: EndpointContext,
  who: Who,
  { task_id: id, change, candidates, ...seen }: Body,
): Promise<MovedTask> {
  const { user_id, session } = who
  await deps.wake.raise()
  const before = await readTask(deps.db, { id, user_id, session })
  if (!before) throw await notShown(deps, who, id)
  // Whether it is what the person saw, the statement judges.
  if (!isRedoable(before)) return unmoved(deps, before, seen)
  const step = Math.max(before.current_step, 1)
  const taken = await takeChange(deps, before, step, { change, candidates, otherwise: askedAgain(before, step) })
  const { DAILY_TASKS_PER_USER: daily_quota, MAX_ATTEMPTS_PER_STEP: maxAttempts } = deps.config
  const { asked, prices } = taken
  const limits = { daily_quota, maxAttempts, ...causedBy(deps, 'user', context) }
  const recipe = recipeOf(deps, before)
  const lock = recipe ? lockOf(recipe, user_id) : null
  const move = { id, user_id, session, ...seen, lock, asked, prices, ...limits }
  // A failed task of an exclusive recipe takes its lock again, unless another task holds it by now.
  const asks = async () => ({ recipe: before.recipe, micros: knownFrom(prices ?? before.prices, step) })
  const write = () => redoTask(deps.db, move)
  const task = await moveWith(taken, () => withinLimits(deps, { user_id, lock_key: lock, asks, context }, write))
  if (!task) throw await notShown(deps, who, id)
  if (!task.moved) return unmoved(deps, task, seen)
  triggerPass(deps, context, { by: 'redo', taskId: id })
  return task
}

const isRedoable = ({ status }: Task): boolean => status === 'waiting_continue' || status === 'failed'

/** A redo may be made of it, and it is where the person saw it. */
const isSeen = (task: Task, seen: Seen): boolean =>
  isRedoable(task) &&
  (seen.step ?? task.current_step) === task.current_step &&
  (seen.attempt ?? task.attempt) === task.attempt

function unmoved(deps: Deps, task: Task, seen: Seen): MovedTask {
  if (isRepeat(task, seen)) return { ...task, moved: false }
  throw refusalOf(deps, task, seen)
}

/** A second delivery, a second click, or a page that shows an earlier step or attempt: nothing is left to do. */
function isRepeat(task: Task, { step, attempt }: Seen): boolean {
  const { status, current_step } = task
  const isUnderWay = status === 'pending' || status === 'processing'
  if (attempt === undefined) {
    return step !== undefined && !isEnded(task) && (step < current_step || (step === current_step && isUnderWay))
  }
  if (step !== undefined && step !== current_step) return step < current_step
  return attempt < task.attempt || (attempt === task.attempt && isUnderWay)
}

function refusalOf({ config }: Deps, task: Task, seen: Seen): AppError {
  const { status, current_step } = task
  const redone = 'only a failed step or the one just shown is redone'
  if (isEnded(task)) return new AppError('already_finished', `The task is ${status}; ${redone}.`)
  if (isSeen(task, seen)) {
    const most = config.MAX_ATTEMPTS_PER_STEP
    // Nothing else keeps a step that may be redone from it.
    if (task.attempt < most) return spendingStopped()
    return new AppError(
      'attempts_exceeded',
      `A step is made in at most ${most} attempts, and step ${current_step} has had them.`,
    )
  }
  const isOtherStep = seen.step !== undefined && seen.step !== current_step
  const isOtherAttempt = seen.attempt !== undefined && seen.attempt !== task.attempt
  const where = `at step ${current_step}, attempt ${task.attempt}`
  return fieldRefusal(
    'not_waiting',
    isOtherAttempt && !isOtherStep ? 'attempt' : 'step',
    `the task is ${status} ${where}; ${redone}`,
  )
}

const isEnded = ({ status }: Task): boolean => status === 'completed' || status === 'canceled'
