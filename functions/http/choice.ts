// Whether a person's choice of a picture can be made. Continue and choose ask before they write; their statements look once more, but can't
// see whether a file is still there.
import { AppError } from '../../core/errors.ts'
import { type Choice, chosenFile, resultKey, type StepRecord, storedAttempt, type Task } from '../../core/task.ts'
import type { Deps } from '../../engine/deps.ts'

/** Throws `not_choosable`, naming the field, where no such picture of the step is stored. */
export async function requireChoosable(deps: Deps, task: Task, step: number, wish: Partial<Choice>): Promise<void> {
  const now = storedAttempt(task, step)
  const record = attemptsOf(task, step).find(({ attempt }) => attempt === (wish.attempt ?? now?.attempt))
  if (!record) throw notChoosable('attempt', `step ${step} has no attempt ${wish.attempt ?? ''}`)
  const { attempt, status, files = [], prediction_id } = record
  if (status !== 'completed')
    throw notChoosable('attempt', `attempt ${attempt} is ${status}, and made nothing to choose`)
  const isChosen = attempt === now?.attempt
  const file = wish.file ?? (isChosen ? chosenFile(task, step) : 1)
  if (file > files.length) throw notChoosable('file', `attempt ${attempt} made ${files.length} file(s)`)
  if (isChosen && file === chosenFile(task, step)) return
  const stored = await deps.files.stat(resultKey(task.id, step, prediction_id ?? '', file - 1))
  if (!stored) throw notChoosable('attempt', `what attempt ${attempt} made is no longer stored here`)
}

/** Whether what a stale page chose is what went on. */
export function isChosen(task: Task, step: number, { attempt, file }: Partial<Choice>): boolean {
  const now = { attempt: storedAttempt(task, step)?.attempt, file: chosenFile(task, step) }
  return (attempt ?? now.attempt) === now.attempt && (file ?? now.file) === now.file
}

function notChoosable(path: string, message: string): AppError {
  return new AppError('not_choosable', `${path}: ${message}.`, { errors: [{ path, message }] })
}

const attemptsOf = ({ steps }: Task, step: number): StepRecord[] => {
  const newest = steps[step - 1]
  return newest ? [newest, ...(newest.past ?? [])] : []
}
