// Images that come inside a start request (data URIs) or were uploaded before it become files of the task's own, at once: rows and
// provider requests carry links, and uploads may be deleted.
import { AppError } from '../../core/errors.ts'
import { imageTypes, maxImageBytes as maxBytes, uploadId } from '../../core/upload.ts'
import type { Deps } from '../../engine/deps.ts'
import { fileReference } from '../../engine/signed-urls.ts'
import { keyOfUpload } from '../../engine/sweep.ts'
import { UnacceptableFile } from '../../storage/files.ts'
import { invalid } from './request.ts'

/** A text may begin like this too; a file field's value is one of these as a whole. */
const inlineFile = /^data:(?:image\/(?:png|jpeg|webp)|application\/zip);base64,/

/** What is written out with our own address in front means the same as without it: one upload, one request, one hash. */
export function shortenUploads(request: Request, deps: Deps, fields: unknown): unknown {
  const { PUBLIC_URL } = deps.config
  const origins = [new URL(request.url).origin, ...(PUBLIC_URL ? [new URL(PUBLIC_URL).origin] : [])]
  const shorten = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const origin = origins.find((own) => value.startsWith(own))
      const path = origin && value.slice(origin.length)
      return path && uploadId(path) ? path : value
    }
    if (Array.isArray(value)) return value.map(shorten)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]))
  }
  return shorten(fields)
}

export interface KeptInput {
  /** Every data URI and every upload's address is replaced by a reference to a file. */
  input: unknown
  /** Takes the files away again: the task did not come to be. */
  discard(): Promise<void>
}

/** Throws `invalid_request` naming the field; nothing stays stored then. */
export async function keepImages(
  deps: Deps,
  task: { id: string; user_id: string },
  input: unknown,
  accept: readonly string[] = imageTypes,
): Promise<KeptInput> {
  const keys: string[] = []
  const discard = async () => {
    for (const key of keys) await deps.files.remove(key)
  }
  const keep = async (value: unknown, path: string): Promise<unknown> => {
    if (typeof value === 'string') {
      const upload = uploadId(value)
      if (!upload && !inlineFile.test(value)) return value
      const key = `inputs/${task.id}/${keys.length + 1}`
      keys.push(key)
      if (upload) await copy(deps, { from: keyOfUpload(task.user_id, upload), to: key, path, accept })
      else await store(deps, { dataUri: value, to: key, path, accept })
      return fileReference(key)
    }
    if (typeof value !== 'object' || value === null) return value
    // One after the other, so that none is still being written when another is refused.
    const kept: [string, unknown][] = []
    for (const [key, inner] of Object.entries(value)) kept.push([key, await keep(inner, join(path, key))])
    return Array.isArray(value) ? kept.map(([, inner]) => inner) : Object.fromEntries(kept)
  }
  try {
    return { input: await keep(input, ''), discard }
  } catch (error) {
    await discard()
    throw error
  }
}

interface Keeping {
  to: string
  path: string
  accept: readonly string[]
}

/** Another user's upload is answered like one that never was. */
async function copy(deps: Deps, { from, ...keeping }: Keeping & { from: string }): Promise<void> {
  const found = await deps.files.read(from)
  const { path } = keeping
  if (!found) throw invalid([{ path, message: 'there is no such upload of yours (any more); upload the file again' }])
  await write(deps, found.body, keeping)
}

async function store(deps: Deps, { dataUri, ...keeping }: Keeping & { dataUri: string }): Promise<void> {
  await write(deps, one(Buffer.from(dataUri.slice(dataUri.indexOf(',') + 1), 'base64')), keeping)
}

async function write(deps: Deps, body: AsyncIterable<Uint8Array>, { to, path, accept }: Keeping): Promise<void> {
  try {
    await deps.files.write(to, body, { accept, maxBytes })
  } catch (error) {
    if (!(error instanceof UnacceptableFile)) throw error
    if (error.reason === 'too_large') {
      throw new AppError('body_too_large', `${path}: must be at most 4 MB as a file; send a URL instead.`)
    }
    throw invalid([{ path, message: `must be a real file of one of these types: ${accept.join(', ')}` }])
  }
}

async function* one(bytes: Uint8Array) {
  yield bytes
}

const join = (path: string, key: string) => (path ? `${path}.${key}` : key)
