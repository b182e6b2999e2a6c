// Reads what a person wants otherwise in a step's next attempt: another garment, other words, more candidates. Redo and continue call it: it
// checks the change as the recipe describes it, takes its pictures, and says what the steps will cost with it.
import * as z from 'zod'
import { priceOf } from '../../core/price.ts'
import { candidatesOf, mostCandidates, type Recipe } from '../../core/recipe.ts'
import type { StepChange, Task } from '../../core/task.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import type { Asked, MovedTask } from '../../db/statements/user-moves.ts'
import { type Deps, recipeOf } from '../../engine/deps.ts'
import { type TakenInput, takeFiles } from './input-files.ts'
import { invalid, requireValid } from './request.ts'

export const changeField = z.looseObject({}).optional().meta({
  description:
    'in the words of the recipe’s own changes, said against what the task was started with; {} takes it back',
})
export const candidatesField = z.int().min(1).max(mostCandidates).optional()

export interface TakenChange extends Asked {
  files?: TakenInput
}

/** What the request says, and what holds where it says nothing. */
interface WantedChange {
  change?: unknown
  candidates?: number | undefined
  otherwise: StepChange
}

/**
 * Throws `invalid_request` with the field where the recipe can't do it. Nothing is stored before `moveWith`. A recipe that isn't known here is
 * asked for nothing new.
 */
export async function takeChange(
  deps: Deps,
  task: Task,
  step: number,
  { otherwise, ...wanted }: WantedChange,
): Promise<TakenChange> {
  const recipe = recipeOf(deps, task)
  if (!recipe) return {}
  const candidates = wanted.candidates ?? otherwise.candidates ?? task.candidates
  if (wanted.candidates) requireCandidates(recipe, candidates, candidatesOf(recipe, task.input, step, mostCandidates))
  const files = isNone(wanted.change) ? undefined : await takePictures(deps, task, recipe, wanted.change)
  const taken = files ? (files.input as { change: unknown }).change : (wanted.change ?? otherwise.change)
  const asked = {
    ...(!isNone(taken) && { change: taken }),
    ...(candidates !== task.candidates && { candidates }),
  }
  return { asked, prices: pricesWith(task, recipe, step, asked, candidates), ...(files && { files }) }
}

const isNone = (change: unknown): boolean =>
  change === undefined || (typeof change === 'object' && change !== null && Object.keys(change).length === 0)

/** Throws `invalid_request` naming `candidates`. */
export function requireCandidates({ name, candidates }: Recipe, count: number, mostOfStep = mostCandidates): void {
  const most = Math.min(candidates?.max ?? 1, mostOfStep)
  if (count <= most) return
  const message =
    most === 1 ? `${name} makes one file at a time here` : `${name} makes at most ${most} pictures at a time`
  throw invalid([{ path: 'candidates', message }])
}

function takePictures(deps: Deps, task: Task, recipe: Recipe, change: unknown): Promise<TakenInput> {
  if (!recipe.changes) throw invalid([{ path: 'change', message: `${recipe.name} takes no changes; leave it out` }])
  const read = requireValid(z.object({ change: recipe.changes }), { change })
  const { id, user_id } = task
  // An earlier change's pictures are another attempt's, and stay.
  return takeFiles(deps, { id, user_id, folder: `inputs/${id}/${deps.newId()}` }, read, {
    ...(recipe.inputTypes && { inputTypes: recipe.inputTypes }),
  })
}

/** What the task's steps are expected to cost with it. Tells at once where the change doesn't go with the input. */
function pricesWith(task: Task, recipe: Recipe, step: number, { change }: StepChange, candidates: number) {
  try {
    const input = change === undefined ? task.input : recipe.applyChange?.(task.input, step, change)
    return task.prices?.with(step - 1, priceOf(recipe, input, step, candidates))
  } catch (cause) {
    throw invalid([{ path: 'change', message: (cause as Error).message }], { cause })
  }
}

/**
 * Stores the pictures, then moves the task; takes them away again where it didn't move. A move that was sent again after a lost answer may
 * find the task in another's hands already: it is the one that names these pictures.
 */
export async function moveWith(
  { files }: TakenChange,
  move: () => Promise<MovedTask | undefined>,
): Promise<MovedTask | undefined> {
  try {
    await files?.write()
    const task = await move()
    const moved = task !== undefined && (task.moved || files?.isNamedIn([task.changes, task.steps]) === true)
    await (moved ? files?.settle() : files?.discard())
    return task && { ...task, moved }
  } catch (error) {
    // The answer of a statement that moved the task may have been lost.
    if (!(error instanceof DatabaseError)) await files?.discard()
    throw error
  }
}
