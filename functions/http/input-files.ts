// Makes the files of a start request the task's own: data URIs inside it, uploads, and results of earlier tasks. So rows and provider
// requests carry links, and an upload may be deleted. start.ts and step-change.ts call takeFiles(), which refuses what is wrong and stores
// nothing, and write() once all else has been found right.
import { decodeDataUri, parseDataUri, unknownType } from '../../core/data-uri.ts'
import { withDeadline } from '../../core/deadline.ts'
import { AppError } from '../../core/errors.ts'
import { parseOwnResult } from '../../core/own-result.ts'
import type { Recipe } from '../../core/recipe.ts'
import type { Task } from '../../core/task.ts'
import { archiveType, copyName, imageTypes, maxImageBytes, maxStoredBytes, uploadId } from '../../core/upload.ts'
import type { Deps } from '../../engine/deps.ts'
import { fileReference, passableBytes } from '../../engine/signed-urls.ts'
import { noteStart } from '../../engine/start-note.ts'
import { keyOfUpload } from '../../engine/uploads.ts'
import { cleanArchive, countPhotos } from '../../storage/archive.ts'
import { cleanImage } from '../../storage/image.ts'
import { type Chunks, UnacceptableFile } from '../../storage/write.ts'
import { readShared, takeResult } from './own-results.ts'
import { invalid } from './request.ts'

/** Each half of a start's files has this long: a function lives for 60 s. */
const patienceMs = 24_000
/** Of that, for a zip file's photos. */
const cleanMs = 18_000

export interface TakenInput {
  /** Every data URI and every upload's address is replaced by a reference to a file. */
  input: unknown
  count: number
  write(): Promise<void>
  /** The task is there: its note goes. Never rejects. */
  settle(): Promise<void>
  /** Whether a value names one of the files. */
  isNamedIn(value: unknown): boolean
  /** Takes the files away again, as far as the store lets it: the task did not come to be. What stays is swept. */
  discard(): Promise<void>
}

type Accepting = Pick<Recipe, 'inputTypes' | 'leastPhotos' | 'from'>

interface Taking {
  deps: Deps
  user_id: string
  path: string
  recipe: Accepting
  leastPhotos: number
}

/** Whose files they become. */
interface Taker {
  id: string
  user_id: string
  /** Within the task's own; there they are numbered. */
  folder?: string
  /** The field that the recipe begins from was said as `from`. */
  isFrom?: boolean
}

/** Throws `invalid_request` naming the field. Nothing is stored before `write`. */
export async function takeFiles(deps: Deps, task: Taker, input: unknown, recipe: Accepting): Promise<TakenInput> {
  const files = new Map<string, () => Promise<Chunks>>()
  const sources = new Map<string, Task>()
  const { folder = `inputs/${task.id}` } = task
  const leastPhotos = recipe.leastPhotos?.(input) ?? 1
  const keep = (open: () => Promise<Chunks>, upload?: string) => {
    const number = files.size + 1
    const key = `${folder}/${upload ? copyName(number, upload) : number}`
    files.set(key, open)
    return fileReference(key)
  }
  const take = async (value: unknown, path: string): Promise<unknown> => {
    if (typeof value === 'string') {
      const taking = { deps, user_id: task.user_id, path, recipe, leastPhotos }
      const own = parseOwnResult(value) ?? (await readShared(taking, value))
      if (own) {
        const taken = await takeResult({ ...taking, isFrom: task.isFrom === true }, own)
        sources.set(path, taken.source)
        if (recipe.from?.staysThere && path === recipe.from.field) return fileReference(taken.key)
        return keep(taken.open)
      }
      const upload = uploadId(value)
      const open = upload ? await takeUpload(taking, upload) : await takeInline(taking, value)
      return open ? keep(open, upload) : value
    }
    if (typeof value !== 'object' || value === null) return value
    // One after the other, so that one image at a time is unfolded in memory.
    const taken: [string, unknown][] = []
    for (const [key, inner] of Object.entries(value)) taken.push([key, await take(inner, join(path, key))])
    return Array.isArray(value) ? taken.map(([, inner]) => inner) : Object.fromEntries(taken)
  }
  const replaced = await withDeadline(patienceMs, () => take(input, ''))
  const accept = [...typesOf(recipe), ...(recipe.from?.types ?? [])]
  const source = recipe.from && sources.get(recipe.from.field)
  const adopted = source && recipe.from?.adopt ? recipe.from.adopt(replaced, source) : replaced
  return { input: adopted, count: files.size, ...keeping(deps, task.id, files, accept) }
}

function keeping(
  deps: Deps,
  id: string,
  files: ReadonlyMap<string, () => Promise<Chunks>>,
  accept: readonly string[],
): Omit<TakenInput, 'input' | 'count'> {
  let note: string | undefined
  const remove = async (keys: Iterable<string>) => {
    try {
      await Promise.all([...keys].map((key) => deps.files.remove(key)))
      if (note) await deps.files.remove(note)
    } catch (error) {
      deps.log.warn({ err: error, task: id }, 'what a start has written stays until the sweep')
    }
  }
  return {
    write: () =>
      withDeadline(patienceMs, async (signal) => {
        if (files.size > 0) note = await noteStart(deps, id, signal)
        for (const [key, open] of files)
          await deps.files.write(key, await open(), {
            accept,
            maxBytes: Math.max(maxStoredBytes, mostCopied(deps)),
            signal,
          })
      }),
    settle: () => remove([]),
    isNamedIn: (value) => [...files.keys()].some((key) => JSON.stringify(value).includes(fileReference(key))),
    discard: () => remove(files.keys()),
  }
}

/** Of a result that is copied: what a provider can be given, and no more than a start may take time for. */
const mostCopied = ({ config }: Deps) => Math.min(passableBytes(config), 25_000_000)

const typesOf = ({ inputTypes = imageTypes }: Pick<Recipe, 'inputTypes'>): readonly string[] => inputTypes

/** Another user's upload is answered like one that never was. */
async function takeUpload(taking: Taking, id: string) {
  const { deps, user_id, path, leastPhotos, recipe } = taking
  const key = keyOfUpload(user_id, id)
  const missing = () =>
    invalid([{ path, message: 'there is no such upload of yours (any more); upload the file again' }])
  const read = async () => {
    const found = await deps.files.read(key)
    if (!found) throw missing()
    return found
  }
  const { file, body } = await read()
  await refuseByField(path, async () => {
    if (!typesOf(recipe).includes(file.type)) throw new UnacceptableFile('wrong_type', `it is ${file.type}`)
    if (file.type === archiveType) requirePhotos(await countPhotos(await new Response(body).bytes()), leastPhotos)
  })
  return async () => (await read()).body
}

async function takeInline({ path, recipe, leastPhotos }: Taking, value: string) {
  const types = typesOf(recipe)
  const uri = parseDataUri(value)
  // A text may begin like this too; a file field's value is one of these as a whole.
  if (!uri || !(types.includes(uri.type) || uri.type === unknownType || /^image\//.test(uri.type))) return undefined
  const bytes = decodeDataUri(uri)
  if (!bytes) throw invalid([{ path, message: 'must be a data URI whose data is whole, in base64 or percent-encoded' }])
  if (bytes.byteLength > maxImageBytes)
    throw new AppError('body_too_large', `${path}: must be at most 4 MB as a file; send a URL instead.`)
  const clean = await refuseByField(path, async () => {
    if (!types.includes(archiveType)) return cleanImage(bytes)
    requirePhotos(await countPhotos(bytes), leastPhotos)
    return cleanArchive(bytes, cleanMs)
  })
  return async () => [clean]
}

function requirePhotos(count: number, least: number): void {
  if (count >= least) return
  throw new UnacceptableFile(
    'wrong_type',
    `the zip file holds ${count} photo${count === 1 ? '' : 's'}, at least ${least} are needed`,
  )
}

async function refuseByField<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof UnacceptableFile)) throw cause
    throw invalid([{ path, message: `must be a file that can be used: ${cause.message}` }], { cause })
  }
}

const join = (path: string, key: string) => (path ? `${path}.${key}` : key)
