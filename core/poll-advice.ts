// How soon a page should ask for a task again. Each poll is a function call that somebody pays for: few of them come while nothing can
// have happened, and one when a step is usually ready.
import { type Config, canBeCalledBack } from './config.ts'
import { isFinished, type Task } from './task.ts'

/** Polls of a task whose recipe is no longer here are paced like short steps. */
const unknownStepSeconds = 20

/** The part of a deployment that the advice depends on. */
interface Deployment {
  config: Config
  recipes: ReadonlyMap<string, { stepSeconds: number }>
}

/** The advice for a task of this deployment; functions/http/task-answer.ts and notify/webhook.ts show it. */
export function adviceFor({ config, recipes }: Deployment, task: PollTask, now: Date): number {
  const stepSeconds = recipes.get(task.recipe)?.stepSeconds ?? unknownStepSeconds
  return pollAfterMs(task, { stepSeconds, isReported: canBeCalledBack(config), now })
}

type PollTask = Pick<Task, 'recipe' | 'status' | 'submitted_at' | 'updated_at'>

export interface PollTerms {
  /** What one step of the recipe usually takes. */
  stepSeconds: number
  /** Whether the provider reports by itself. Otherwise polls are what moves the task, and they come closer together. */
  isReported: boolean
  now: Date
}

/** Nothing happens by itself while a person thinks; their own click answers with the task as it is. */
const waitingSeconds = 30
/** A step that takes an hour isn't asked for more often than this. */
const longestSeconds = 60
const shortestSeconds = 2
/** The output still has to be copied. */
const copySeconds = 1

/** A share of the time already waited: short steps are seen soon, long ones cost little. */
const pace = {
  reported: { leastSeconds: 5, share: 1.4 },
  unreported: { leastSeconds: 2, share: 0.5 },
}

export function pollAfterMs(task: Omit<PollTask, 'recipe'>, terms: PollTerms): number {
  if (isFinished(task.status) || task.status === 'waiting_continue') return waitingSeconds * 1000
  const { leastSeconds, share } = terms.isReported ? pace.reported : pace.unreported
  // A pending task has waited since the move that made it pending.
  const since = (task.status === 'processing' && task.submitted_at) || task.updated_at
  const waited = Math.max(0, (terms.now.getTime() - since.getTime()) / 1000)
  const toEnd = terms.stepSeconds + copySeconds - waited
  const next = toEnd > 0 ? Math.min(Math.max(leastSeconds, waited * share), toEnd) : leastSeconds / 2 - toEnd / 2
  return Math.round(Math.min(longestSeconds, Math.max(shortestSeconds, next)) * 1000)
}
