// The task view as an answer, and the 404 for a task that is not the asker's. Status, tasks, continue, choose, redo and cancel show the view; delete,
// result and share take the 404 alone.

import type { TaskView } from '../../core/answers.ts'
import { AppError } from '../../core/errors.ts'
import { adviceFor } from '../../core/poll-advice.ts'
import type { Task } from '../../core/task.ts'
import { taskView } from '../../core/view.ts'
import { clockOf, type Deps } from '../../engine/deps.ts'
import { json } from './request.ts'
import { requireNotEnded, type Who } from './users.ts'

export const viewOf = (deps: Deps, task: Task): TaskView => taskView(task, adviceFor(deps, task, clockOf(deps)))

export function answerTask(deps: Deps, task: Task, status = 200): Response {
  const view = viewOf(deps, task)
  return json(view, status, retryAfter(view))
}

/** The poll advice in the standard's own words. */
export function retryAfter({ poll_after_ms }: TaskView): Record<string, string> {
  return poll_after_ms === null ? {} : { 'retry-after': String(Math.ceil(poll_after_ms / 1000)) }
}

/** Another user's task is answered like one that never was. */
export function notFound(taskId: string): AppError {
  return new AppError('not_found', `There is no task ${taskId} of yours.`)
}

/** The same to who may ask with a session that was ended: they are told so. */
export async function notShown(deps: Deps, asking: Who, taskId: string): Promise<AppError> {
  await requireNotEnded(deps, asking)
  return notFound(taskId)
}
