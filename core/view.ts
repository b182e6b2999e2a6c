// The task view: the one shape in which start, status, continue, redo, cancel and tasks show a task.
import { isFinished, type StepRecord, storedAttempt, type Task } from './task.ts'

export interface StepView {
  step: number
  status: StepRecord['status']
  attempt: number
  result_url: string | null
  prediction_id: string | null
  submitted_at: string | null
  finished_at: string | null
}

export interface TaskView {
  task_id: string
  recipe: string
  status: Task['status']
  current_step: number
  total_steps: number
  intermediate_result: string | null
  result_url: string | null
  error_code: Task['error_code']
  error_message: string | null
  steps: StepView[]
  created_at: string
  updated_at: string
  finished_at: string | null
  poll_after_ms: number | null
}

/** Where a stored result is downloaded. The attempt is named from the second on, because links are cached for long. */
export function resultUrl(id: string, step: number, attempt: number): string {
  return `/api/result?task_id=${id}&step=${step}${attempt > 1 ? `&attempt=${attempt}` : ''}`
}

/** The row as its owner sees it; `pollAfterMs` is the recipe's advice while the task is unfinished. */
export function taskView(task: Task, pollAfterMs: number): TaskView {
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
    steps: shownSteps(task).map((record) => stepView(task, record)),
    created_at: task.created_at.toISOString(),
    updated_at: task.updated_at.toISOString(),
    finished_at: task.finished_at?.toISOString() ?? null,
    poll_after_ms: isFinished(task.status) ? null : pollAfterMs,
  }
}

/** Closed attempts are in `steps`; the open one is still in the row's columns and shows in front of an earlier attempt. */
function shownSteps(task: Task): StepRecord[] {
  if (task.status !== 'processing') return task.steps
  const open: StepRecord = {
    step: task.current_step,
    status: 'processing',
    attempt: task.attempt,
    prediction_id: task.prediction_id,
    submitted_at: task.submitted_at?.toISOString() ?? null,
    finished_at: null,
  }
  return [...task.steps.slice(0, task.current_step - 1), open]
}

function stepView(task: Task, record: StepRecord): StepView {
  const stored = storedAttempt(task, record.step)
  return {
    step: record.step,
    status: record.status,
    attempt: record.attempt,
    result_url: stored ? resultUrl(task.id, record.step, stored.attempt) : null,
    prediction_id: record.prediction_id,
    submitted_at: record.submitted_at,
    finished_at: record.finished_at,
  }
}
