// Whether a person's choice of a picture can be made. Continue and choose ask before they write; their statements look once more, but can't
// see whether a file is still there.
import { attemptsOf, type Choice, chosenFile, resultKey, storedAttempt, type Task } from '../../core/task.ts'
import type { Deps } from '../../engine/deps.ts'
import { fieldRefusal } from './request.ts'

/** Throws `not_choosable`, naming the field, where no such picture of the step is stored. */
export async function requireChoosable(deps: Deps, task: Task, step: number, wish: Partial<Choice>): Promise<void> {
  const now = storedAttempt(task, step)
  const record = attemptsOf(task.steps[step - 1]).find(({ attempt }) => attempt === (wish.attempt ?? now?.attempt))
  if (!record) throw fieldRefusal('not_choosable', 'attempt', `step ${step} has no attempt ${wish.attempt ?? ''}`)
  const { attempt, status, files = [], prediction_id } = record
  if (status !== 'completed')
    throw fieldRefusal('not_choosable', 'attempt', `attempt ${attempt} is ${status}, and made nothing to choose`)
  const isChosen = attempt === now?.attempt
  const file = wish.file ?? (isChosen ? chosenFile(task, step) : 1)
  if (file > files.length)
    throw fieldRefusal(
      'not_choosable',
      'file',
      `attempt ${attempt} made files 1 to ${files.length}, and no file ${file}`,
    )
  if (isChosen && file === chosenFile(task, step)) return
  const stored = await deps.files.stat(resultKey(task.id, step, prediction_id ?? '', file - 1))
  if (!stored) throw fieldRefusal('not_choosable', 'attempt', `what attempt ${attempt} made is no longer stored here`)
}

/** Whether what a stale page chose is what went on. */
export function isChosen(task: Task, step: number, { attempt, file }: Partial<Choice>): boolean {
  const now = { attempt: storedAttempt(task, step)?.attempt, file: chosenFile(task, step) }
  return (attempt ?? now.attempt) === now.attempt && (file ?? now.file) === now.file
}
