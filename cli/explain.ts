// Says in sentences where a task stands, why, and who moves it next and when. Pure; `show` and `check` print it.
import type { TaskEvent } from '../core/history.ts'
import type { Task } from '../core/task.ts'
import type { TaskStory } from '../db/statements/overview.ts'
import { refusalsOf } from './troubles.ts'
import { distance, duration, instant, sentence } from './words.ts'

/** What is known beside the task. */
export interface Around {
  /** How many predictions may be in flight at its provider; undefined where as many as come. */
  cap: number | undefined
  /** When a ping last came; null where none is on record, undefined where that can't be known from here. */
  pinged_at: Date | null | undefined
}

export function explain(story: TaskStory, now: Date, around: Around): string[] {
  const { task } = story
  const open = task.strays.filter(({ over }) => !over).length
  return [
    where(task),
    ...why(task, now),
    next(story, now, around),
    ...refusals(story, now),
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
        `It was claimed ${since} ago, and the answer to its create was lost. It is searched for at ${task.provider}, never sent again: so far ${times(task.searches)}.`,
      ]
    case 'running':
      return [
        `Prediction ${task.prediction_id} was submitted to ${task.provider} ${since} ago. ${lastCheck(task, now)}`,
        ...(task.misses > 0
          ? [`${task.provider} did not know it ${times(task.misses)} in a row; three times fail it.`]
          : []),
      ]
    case 'storing':
      return [
        `${task.provider} is done with prediction ${task.prediction_id}; its output is being copied into storage.`,
        ...(task.unanswered_reason ? [`Our own store keeps it from being stored: ${task.unanswered_reason}.`] : []),
      ]
    case null:
      return whyResting(task)
  }
}

function lastCheck({ checked_at, unanswered, unanswered_since, unanswered_reason }: Task, now: Date): string {
  if (unanswered > 0) {
    const since = unanswered_since ? ` since ${at(unanswered_since, now)}` : ''
    const checks = unanswered === 1 ? '1 check' : `${unanswered} checks`
    return sentence(`${checks}${since}, none answered: ${unanswered_reason ?? 'no reason is on record'}`)
  }
  return checked_at ? `It was not over at the last check, ${distance(checked_at, now)}.` : 'No pass has checked it yet.'
}

/** Of tasks that a webhook could move on. */
function refusals({ task, webhooks }: TaskStory, now: Date): string[] {
  if (task.status !== 'processing') return []
  return refusalsOf(task.provider, webhooks, now).map(({ says, todo }) => `${sentence(says)} ${todo}`)
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
      return [sentence(`It failed with ${cause}`)]
    default:
      return [cause ? sentence(`It was canceled with ${cause}`) : 'Its owner canceled it. What was stored stays.']
  }
}

function next(story: TaskStory, now: Date, around: Around): string {
  const { status, phase, due_at, deadline_at, finished_at } = story.task
  if (status === 'waiting_continue' && deadline_at)
    return `Its owner moves it on, by continue, redo or cancel; without an answer it is canceled at ${at(deadline_at, now)}.`
  if (status === 'failed') return 'Only its owner moves it on, by redo.'
  if (finished_at && !phase) return 'It is over: nobody moves it on.'
  if (!due_at) return 'Nobody moves it on.'
  const limit = deadline_at && phase ? ` It is given up at ${at(deadline_at, now)}.` : ''
  const takes = status === 'pending' ? 'submits' : 'checks'
  if (due_at > now && !(status === 'pending' && story.paused))
    return `The first pass after ${at(due_at, now)} ${takes} it: a ping, or a poll of its owner.${limit}`
  return `${whyStillDue(story, due_at, now, around)}${limit}`
}

/** Passes come every few minutes at worst. */
const missedMs = 10 * 60_000

/** Why no pass has taken what is due: it has to wait, or passes don't come, or they come and fail. */
function whyStillDue(story: TaskStory, due_at: Date, now: Date, { cap, pinged_at }: Around): string {
  const { paused, in_flight, stopped } = story
  const { status, provider } = story.task
  if (status === 'pending' && stopped)
    return 'Spending is stopped: no step begins. The first pass after npm run tasks -- allow-spending submits it.'
  if (status === 'pending' && paused) {
    const reason = sentence(paused.reason ?? 'no reason was given')
    const until = `${provider} is paused until ${at(paused.until, now)}: ${reason}`
    return `${until} The first pass after that submits it; npm run tasks -- resume ${provider} ends the pause now.`
  }
  if (status === 'pending' && cap !== undefined && in_flight >= cap)
    return `All ${cap} slots of ${provider} are taken: the first pass after one is free submits it.`
  const due = `It has been due since ${at(due_at, now)}: the next pass moves it on.`
  if (now.getTime() - due_at.getTime() < missedMs) return due
  if (pinged_at === undefined) return `${due} Whether pings come is not known here: npm run doctor.`
  if (pinged_at === null) return `${due} No ping is on record: set one up (docs/deploying.md).`
  if (pinged_at < due_at) return `${due} No ping has come since then; the last came ${distance(pinged_at, now)}.`
  return `${due} Pings come, the last ${distance(pinged_at, now)}, so passes leave it or fail: the log says why.`
}

/** What each move means, in the words of its history. */
const words: Record<string, string> = {
  started: 'its owner started it',
  claimed: 'a pass took it, to submit the step',
  created: 'the provider accepted the step',
  unknown: 'the answer to the create was lost',
  died: 'a pass died here, or could not write; the memory is what it took when it claimed',
  ran_out: 'the pass that submitted it did not report back',
  refused: 'the provider asks to wait; nothing was created',
  throttled: 'the provider asks to wait; nothing was created',
  unsent: 'nothing was sent',
  absent: 'the provider has no such prediction; the step is submitted again',
  rejected: 'the provider refuses the request; nothing was created',
  unsettled: 'nobody could tell whether the provider has it',
  strayed: 'a prediction that no step wants is to be canceled',
  succeeded: 'the provider is done',
  stored: 'the result is stored',
  failed: 'the step ended without a result',
  continued: 'its owner goes on',
  chosen: 'its owner chose what the result of the step is',
  redone: 'its owner wants the step once more',
  canceled: 'its owner canceled it',
  expired: 'nobody continued in time',
}

export function moveWords({ move, was, by }: Pick<TaskEvent, 'move' | 'was' | 'by'>): string {
  // Its own create was answered long ago, or never: this one was found.
  if (move === 'created' && by === 'webhook') return "the provider's webhook named the prediction"
  if (move === 'created' && was?.endsWith('/unconfirmed')) return "the prediction was found in the provider's list"
  return words[move] ?? ''
}
