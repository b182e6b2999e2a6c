// The task view: the one shape in which a task is shown. functions/http/task-answer.ts makes answers of it, notify/webhook.ts tells it to apps, and
// the bot draws its messages from it.
import type { AttemptView, StepView, TaskView } from './answers.ts'
import type { ToldTask } from './event.ts'
import { sumOf } from './price.ts'
import { attemptSeed } from './recipe.ts'
import {
  askedOf,
  attemptsOf,
  chosenFile,
  isFinished,
  type StepRecord,
  type StoredAttempt,
  storedAttempt,
  type Task,
} from './task.ts'

export const resultPath = '/api/result'

/** Where a stored result is downloaded. It names the attempt, so that its content never changes and is kept for long. */
export function resultUrl(id: string, step: number, attempt: number, file = 1): string {
  const more = file > 1 ? `&file=${file}` : ''
  return `${resultPath}?task_id=${id}&step=${step}&attempt=${attempt}${more}`
}

/** Types whose files don't end as the type is called. */
const endings: Readonly<Record<string, string>> = { 'audio/mpeg': 'mp3', 'audio/mp4': 'm4a', 'video/quicktime': 'mov' }

/** How the name of a file of this MIME type ends, without the dot. */
export function fileEnding(type: string): string {
  const plain = type.replace(/;.*$/, '')
  return endings[plain] ?? plain.replace(/^.*\/(x-)?/, '')
}

/** What a downloaded file is called. Files of a step are numbered from 1. */
export function fileName(recipe: string, step: number, file: number, type: string): string {
  return `${recipe}-step-${step}${file > 1 ? `-${file}` : ''}.${fileEnding(type)}`
}

/** What the view is made of. Only a row has the token, which gives the open attempt's seed: events never show an open attempt. */
type Shown = ToldTask & Partial<Pick<Task, 'claim_token'>>

/** The row as its owner sees it; `pollAfterMs` is the recipe's advice while the task is unfinished. */
export function taskView(task: Shown, pollAfterMs: number): TaskView {
  return {
    task_id: task.id,
    recipe: task.recipe,
    status: task.status,
    current_step: task.current_step,
    total_steps: task.total_steps,
    intermediate_result: task.intermediate_result,
    result_url: task.result_url,
    error_code: task.error_code,
    error_message: task.error_message,
    gate_reason: task.status === 'waiting_continue' ? task.gate_reason : null,
    cost: {
      estimated_micros: task.prices && sumOf(task.prices),
      steps_micros: task.prices,
      settled_micros: task.settled_micros,
    },
    steps: shownSteps(task).map((record) => stepView(task, record)),
    created_at: task.created_at.toISOString(),
    updated_at: task.updated_at.toISOString(),
    finished_at: task.finished_at?.toISOString() ?? null,
    poll_after_ms: isFinished(task.status) ? null : pollAfterMs,
  }
}

/** Closed attempts are in `steps`; the open one is still in the row's columns and shows in front of an earlier attempt. */
function shownSteps(task: Shown): StepRecord[] {
  if (task.status !== 'processing') return task.steps
  const { change, candidates } = askedOf(task, task.current_step)
  const open: StepRecord = {
    step: task.current_step,
    status: 'processing',
    attempt: task.attempt,
    prediction_id: task.prediction_id,
    submitted_at: task.submitted_at?.toISOString() ?? null,
    finished_at: null,
    seed: attemptSeed(task.claim_token ?? ''),
    ...{ change, candidates },
    past: attemptsOf(task.steps[task.current_step - 1]),
  }
  return [...task.steps.slice(0, task.current_step - 1), open]
}

function stepView(task: Shown, record: StepRecord): StepView {
  const stored = storedAttempt(task, record.step)
  const file = chosenFile(task, record.step)
  return {
    step: record.step,
    status: record.status,
    attempt: record.attempt,
    result_url: stored ? resultUrl(task.id, record.step, stored.attempt, file) : null,
    files: stored ? filesOf(task, stored) : [],
    prediction_id: record.prediction_id,
    submitted_at: record.submitted_at,
    finished_at: record.finished_at,
    attempts: attemptsOf(record).map((one) => attemptView(task, one, one.attempt === stored?.attempt ? file : null)),
  }
}

function attemptView(task: Shown, record: StepRecord, chosen_file: number | null): AttemptView {
  const { step, attempt, status, submitted_at, finished_at } = record
  const stored = storedAttempt(task, step, attempt)
  return {
    ...{ attempt, status, chosen: chosen_file !== null, chosen_file },
    files: stored ? filesOf(task, stored) : [],
    result_url: stored ? resultUrl(task.id, step, attempt, chosen_file ?? 1) : null,
    cost_micros: record.cost_micros ?? null,
    seed: record.seed ?? null,
    change: shownChange(record.change),
    candidates: record.candidates ?? 1,
    ...{ submitted_at, finished_at },
  }
}

/** Files of the task's own have no address that its owner could open. */
function shownChange(change: unknown): AttemptView['change'] {
  if (change === undefined) return null
  const hide = (_key: string, value: unknown) =>
    typeof value === 'string' && /^file:(inputs|results)\//.test(value) ? 'a picture' : value
  return JSON.parse(JSON.stringify(change, hide)) as AttemptView['change']
}

function filesOf({ id, recipe }: Shown, { step, attempt, files }: StoredAttempt): StepView['files'] {
  return files.map(({ type, size }, index) => {
    const file = index + 1
    return { name: fileName(recipe, step, file, type), type, size, url: resultUrl(id, step, attempt, file) }
  })
}
