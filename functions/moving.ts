// What start, continue, redo, cancel and status share: the task view as an answer, and the task's own pass after it.
import { AppError } from '../core/errors.ts'
import { isFinished, type Task } from '../core/task.ts'
import { taskView } from '../core/view.ts'
import type { Deps, RoomContext } from './deps.ts'
import { json } from './http.ts'
import { runPass } from './pass.ts'

/** How soon a page should ask again: often while something is being made, seldom while a person thinks. */
export function pollAfterMs(task: Pick<Task, 'status'>): number {
  return task.status === 'waiting_continue' ? 10_000 : 2_000
}

export function answerTask(task: Task, status = 200): Response {
  const pollMs = pollAfterMs(task)
  const headers: Record<string, string> = isFinished(task.status) ? {} : { 'retry-after': String(pollMs / 1000) }
  return json(taskView(task, pollMs), status, headers)
}

/** The request's own trigger: cron and webhooks may be missing, and the task still moves. */
export function passAfterAnswer(deps: Deps, context: RoomContext, taskId: string): void {
  context.waitUntil(
    runPass(deps, { taskId }).catch((error) =>
      deps.log.error({ err: error, task: taskId }, 'pass after answer failed'),
    ),
  )
}

/** Another user's task is answered like one that never was. */
export function notFound(taskId: string): AppError {
  return new AppError('not_found', `There is no task ${taskId} of yours.`)
}
