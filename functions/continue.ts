// POST /api/continue: the person likes what they see, or chooses what they like better; the next step is submitted.
// The door calls continueEndpoint(), and the bot continueAs().
import * as z from 'zod'
import type { AppError } from '../core/errors.ts'
import { knownFrom } from '../core/price.ts'
import { type Choice, chosenFile, storedAttempt, type Task } from '../core/task.ts'
import { readTask } from '../db/statements/reads.ts'
import { continueTask, type MovedTask } from '../db/statements/user-moves.ts'
import { begunAttempt, continueTerms, sendByOf } from '../engine/claim.ts'
import type { Deps, Endpoint, EndpointContext } from '../engine/deps.ts'
import { causedBy } from '../engine/journal.ts'
import { triggerPass } from '../engine/trigger.ts'
import { isChosen, requireChoosable } from './http/choice.ts'
import { withinLimits } from './http/limits.ts'
import { shortenOwn } from './http/own-addresses.ts'
import { fieldRefusal, readJson, requireMethod } from './http/request.ts'
import { changeField, moveWith, type TakenChange, takeChange } from './http/step-change.ts'
import { answerTask, notShown } from './http/task-answer.ts'
import { requireReader, type Who } from './http/users.ts'

export const continueBody = z.strictObject({
  task_id: z.uuid(),
  /** The step that was seen done: a second click, or a stale page, then changes nothing. */
  step: z.int().min(1).max(1_000).optional(),
  /** Whose picture the next step is made of, and which of its files: what was chosen, or the newest, where they are left out. */
  attempt: z.int().min(1).max(1_000_000).optional(),
  file: z.int().min(1).max(1_000).optional(),
  /** What the next step is to be made of otherwise. */
  change: changeField,
  all: z.boolean().default(false),
})

type Body = z.output<typeof continueBody>

export const continueEndpoint: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const who = await requireReader(request, deps)
  const { change, ...body } = await readJson(request, continueBody)
  const task = await continueAs(deps, context, who, { ...body, change: change && shortenOwn(request, deps, change) })
  return answerTask(deps, task, task.moved ? 202 : 200)
}

/** Continues a user's task, whichever door they came through. Not moved: it has moved on from the step that was seen. */
export async function continueAs(deps: Deps, context: EndpointContext, who: Who, body: Body): Promise<MovedTask> {
  const { user_id, session } = who
  const { task_id: id, step, change, all } = body
  const choice = choiceOf(body)
  await deps.wake.raise()
  let taken: TakenChange = {}
  // What is more than a click is looked at first, so that a refusal says what is wrong with it.
  if (choice || change) {
    const before = await readTask(deps.db, { id, user_id, session })
    if (!before) throw await notShown(deps, who, id)
    if (!isAtGate(before, step)) return { ...unmoved(before, body), moved: false }
    if (choice) await requireChoosable(deps, before, before.current_step, choice)
    if (change) taken = await takeChange(deps, before, before.current_step + 1, { change, otherwise: {} })
  }
  const sendBy = sendByOf(deps)
  const terms = { ...continueTerms(deps), ...causedBy(deps, 'user', context) }
  // What was given back at the gate is reserved again, which may be more than is left today.
  const asks = async () => {
    const { recipe = '', prices = null, current_step = 0 } = (await readTask(deps.db, { id, user_id, session })) ?? {}
    return { recipe, micros: knownFrom(taken.prices ?? prices, current_step + 1) }
  }
  const { asked, prices } = taken
  const goOn = () => continueTask(deps.db, { id, user_id, session, step, all, choice, asked, prices, ...terms })
  const task = await moveWith(taken, () => withinLimits(deps, { user_id, rivalOf: id, asks, context }, goOn))
  if (!task) throw await notShown(deps, who, id)
  if (!task.moved) return { ...unmoved(task, body), moved: false }
  triggerPass(deps, context, { by: 'continue', taskId: id, claimed: begunAttempt(task, sendBy) })
  return task
}

/** Whose picture is meant, and which of its files. Undefined: the request says nothing of it. */
const choiceOf = ({ attempt, file }: Pick<Body, 'attempt' | 'file'>): Partial<Choice> | undefined =>
  attempt || file ? { ...(attempt && { attempt }), ...(file && { file }) } : undefined

const isAtGate = ({ status, current_step }: Task, step = current_step): boolean =>
  status === 'waiting_continue' && current_step === step

/** The task as it is, to a second click or a stale page. Throws `not_waiting` where the click wants what didn't happen. */
function unmoved(task: Task, { step, ...body }: Body): Task {
  const { status, current_step } = task
  const isPast = step !== undefined && (step < current_step || (status === 'pending' && (task.next_step ?? 0) > step))
  const choice = choiceOf(body)
  if (isPast && !isChosen(task, step, choice ?? {})) throw goneOn(task, step, choice ?? {})
  if (isPast || (step !== undefined && step <= current_step && !choice)) return task
  throw fieldRefusal(
    'not_waiting',
    'step',
    isAtGate(task)
      ? `step ${current_step} waits for continue, not step ${step}`
      : `only a task that is waiting_continue goes on, and this one is ${status}`,
  )
}

function goneOn(task: Task, step: number, { attempt: wished }: Partial<Choice>): AppError {
  const attempt = storedAttempt(task, step)?.attempt
  const path = wished === undefined || wished === attempt ? 'file' : 'attempt'
  const message = `step ${step} has gone on with attempt ${attempt}, file ${chosenFile(task, step)}`
  return fieldRefusal('not_waiting', path, message)
}
