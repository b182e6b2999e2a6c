// Where a task stands, why, and who moves it next and when, in sentences. Pure; `show` and `check` print it.
import type { Task } from '../core/task.ts'
import type { TaskStory } from '../db/statements/overview.ts'
import { distance, duration, instant } from './words.ts'

export function explain({ task, paused }: TaskStory, now: Date): string[] {
  const open = task.strays.filter(({ over }) => !over).length
  return [
    where(task),
    ...why(task, now),
    ...(task.status === 'pending' && paused
      ? [`${task.provider} is paused until ${at(paused.until, now)}: ${paused.reason ?? 'no reason was given'}`]
      : []),
    next(task, now),
    ...task.strays
      .filter((stray) => stray.given_up)
      .map(
        (stray) =>
          `Nobody knows whether unwanted prediction ${stray.prediction_id} was ever canceled at ${task.provider}.`,
      ),
    ...(open > 0 ? [`Passes cancel ${open} unwanted prediction${open === 1 ? '' : 's'} at ${task.provider}.`] : []),
  ]
}

const at = (instantOf: Date, now: Date) => `${instant(instantOf)} UTC (${distance(instantOf, now)})`

function where({ id, recipe, user_id, status, phase, current_step, total_steps, attempt }: Task): string {
  const step = current_step === 0 ? `before step 1 of ${total_steps}` : `step ${current_step} of ${total_steps}`
  const tries = attempt > 1 ? `, attempt ${attempt}` : ''
  return `Task ${id} (${recipe}, of user ${user_id}) is ${status}${phase ? `/${phase}` : ''}: ${step}${tries}.`
}

function why(task: Task, now: Date): string[] {
  const since = duration(now.getTime() - (task.submitted_at ?? task.updated_at).getTime())
  switch (task.phase) {
    case 'submitting':
      return [`A pass claimed it ${since} ago; its create may be on its way to ${task.provider}.`]
    case 'unconfirmed':
      return [
        `It was claimed ${since} ago, and the answer to its create was lost. It is searched for at ${task.provider}, never sent again.`,
      ]
    case 'running':
      return [
        `Prediction ${task.prediction_id} was submitted to ${task.provider} ${since} ago and was not over when last looked at.`,
        ...(task.misses > 0
          ? [`${task.provider} did not know it ${times(task.misses)} in a row; three times fail it.`]
          : []),
      ]
    case 'storing':
      return [
        `${task.provider} is done with prediction ${task.prediction_id}; its output is being copied into storage.`,
      ]
    case null:
      return whyResting(task)
  }
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`)

function whyResting(task: Task): string[] {
  const cause = task.error_message ? `${task.error_code ?? 'error'}: ${task.error_message}` : task.error_code
  switch (task.status) {
    case 'pending':
      return [`Step ${task.next_step} is to be submitted to ${task.provider}.`]
    case 'waiting_continue':
      return [`The result of step ${task.current_step} is stored, and its owner has not answered yet.`]
    case 'completed':
      return ['Every step is done, and the result is stored.']
    case 'failed':
      return [`It failed with ${cause}`]
    default:
      return [cause ? `It was canceled with ${cause}` : 'Its owner canceled it. What was stored stays.']
  }
}

function next({ status, phase, due_at, deadline_at, finished_at }: Task, now: Date): string {
  if (status === 'waiting_continue' && deadline_at)
    return `Its owner moves it on, by continue, redo or cancel; without an answer it is canceled at ${at(deadline_at, now)}.`
  if (status === 'failed') return 'Only its owner moves it on, by redo.'
  if (finished_at && !phase) return 'It is over: nobody moves it on.'
  if (!due_at) return 'Nobody moves it on.'
  const limit = deadline_at && phase ? ` It is given up at ${at(deadline_at, now)}.` : ''
  if (due_at > now)
    return `The first pass after ${at(due_at, now)} looks at it: a ping, or a poll of its owner.${limit}`
  return `It has been due since ${at(due_at, now)}: the next pass moves it on. If it stays, no ping comes.${limit}`
}
