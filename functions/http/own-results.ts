// A stored result of a person's own as the input of another task, or of another step: `from` at start, and its address or a link that they
// share in any field that takes a picture. It is paid already, and is copied; another person's is answered like one that never was.
import type { ProblemCode } from '../../core/errors.ts'
import { type OwnResult, ownResultAddress, parseShared } from '../../core/own-result.ts'
import type { Recipe } from '../../core/recipe.ts'
import { chosenFile, resultKey, storedAttempt, type Task } from '../../core/task.ts'
import { imageTypes } from '../../core/upload.ts'
import { readTask } from '../../db/statements/reads.ts'
import { readShare } from '../../db/statements/shares.ts'
import type { Deps } from '../../engine/deps.ts'
import { passableBytes } from '../../engine/signed-urls.ts'
import { fieldRefusal, invalid } from './request.ts'

interface Wanting {
  deps: Deps
  user_id: string
  /** Of the field, for a refusal. */
  path: string
  recipe: Pick<Recipe, 'inputTypes' | 'from'>
  /** The field was said as `from`. */
  isFrom: boolean
}

interface TakenResult {
  key: string
  /** The task that made it. */
  source: Task
  open(): Promise<AsyncIterable<Uint8Array>>
}

/** The fields of a start with what `from` means among them. Throws `invalid_request` where the recipe doesn't begin from a result. */
export function withFrom({ name, from: takes }: Recipe, from: OwnResult | undefined, fields: Record<string, unknown>) {
  if (!from) return fields
  const wrong = (message: string) => invalid([{ path: 'from', message }])
  if (!takes) throw wrong(`${name} takes no earlier result; leave it out`)
  if (fields[takes.field] !== undefined) throw wrong(`give from or ${takes.field}, not both`)
  return { ...fields, [takes.field]: ownResultAddress(from) }
}

/** What a link shows that the person shares. Undefined where it is no such link; throws `not_found` where it is nobody's, or somebody else's. */
export async function readShared(
  { deps, user_id, path }: Pick<Wanting, 'deps' | 'user_id' | 'path'>,
  address: string,
): Promise<OwnResult | undefined> {
  const id = parseShared(address)
  if (id === undefined) return undefined
  const shared = await readShare(deps.db, id)
  if (shared?.user_id === user_id) return shared
  throw fieldRefusal('not_found', path, 'there is no such shared picture of yours (any more)')
}

/** Throws `not_found`, `not_choosable` or `invalid_request`, each with the field. */
export async function takeResult(wanting: Wanting, own: OwnResult): Promise<TakenResult> {
  const { deps, user_id, recipe } = wanting
  const isFirst = recipe.from?.field === wanting.path
  const path = isFirst && wanting.isFrom ? 'from' : wanting.path
  const refuse = (code: ProblemCode, message: string) => fieldRefusal(code, path, message)
  const source = await readTask(deps.db, { id: own.task_id, user_id })
  if (!source) throw refuse('not_found', `there is no task ${own.task_id} of yours`)
  if (path === 'from' && (source.status === 'pending' || source.status === 'processing')) {
    throw refuse('not_choosable', 'that task is still running; wait for its gate or its end')
  }
  const stored = storedAttempt(source, own.step, own.attempt)
  if (!stored) throw refuse('not_choosable', `step ${own.step} has no such result stored`)
  const file = own.file ?? (own.attempt ? 1 : chosenFile(source, own.step))
  const found = stored.files[file - 1]
  if (!found)
    throw refuse(
      'not_choosable',
      `attempt ${stored.attempt} made files 1 to ${stored.files.length}, and no file ${file}`,
    )
  const { recipe: only, types = recipe.inputTypes ?? imageTypes, staysThere } = (isFirst && recipe.from) || {}
  if (only && source.recipe !== only)
    throw invalid([{ path, message: `must be a result of ${only}; it is of ${source.recipe}` }])
  if (!types.includes(found.type))
    throw invalid([{ path, message: `must be ${types.join(' or ')}; it is ${found.type}` }])
  const most = staysThere ? Number.POSITIVE_INFINITY : passableBytes(deps.config)
  if (found.size > most) {
    throw invalid([{ path, message: `must be at most ${Math.floor(most / 1_000_000)} MB, to be given to a provider` }])
  }
  const key = resultKey(source.id, own.step, stored.prediction_id, file - 1)
  const gone = () => refuse('not_choosable', 'its file is no longer stored here')
  if (!(await deps.files.stat(key))) throw gone()
  const open = async () => {
    const read = await deps.files.read(key)
    if (!read) throw gone()
    return read.body
  }
  return { key, source, open }
}
