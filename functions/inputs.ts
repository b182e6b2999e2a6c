// Images that come inside a start request (data URIs) are stored as files at once: rows and provider requests carry links.
import { AppError } from '../core/errors.ts'
import { UnacceptableFile } from '../storage/files.ts'
import type { Deps } from './deps.ts'
import { invalid } from './http.ts'
import { fileReference } from './links.ts'

const accept = ['image/png', 'image/jpeg', 'image/webp']
const maxBytes = 4 * 1024 * 1024

export interface KeptInput {
  /** Every data URI is replaced by a reference to its file. */
  input: unknown
  /** Takes the files away again: the task did not come to be. */
  discard(): Promise<void>
}

/** Throws `invalid_request` naming the field; nothing stays stored then. */
export async function keepInlineImages(deps: Deps, taskId: string, input: unknown): Promise<KeptInput> {
  const keys: string[] = []
  const discard = async () => {
    for (const key of keys) await deps.files.remove(key)
  }
  const keep = async (value: unknown, path: string): Promise<unknown> => {
    if (typeof value === 'string') {
      if (!value.startsWith('data:')) return value
      const key = `inputs/${taskId}/${keys.length + 1}`
      keys.push(key)
      return store(deps, key, value, path)
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

async function store(deps: Deps, key: string, dataUri: string, path: string): Promise<string> {
  const bytes = Buffer.from(dataUri.slice(dataUri.indexOf(',') + 1), 'base64')
  try {
    await deps.files.write(key, one(bytes), { accept, maxBytes })
  } catch (error) {
    if (!(error instanceof UnacceptableFile)) throw error
    if (error.reason === 'too_large') {
      throw new AppError('body_too_large', `${path}: must be at most 4 MB as an image; send a URL instead.`)
    }
    throw invalid([{ path, message: 'must be a data URI of a real PNG, JPEG or WebP image' }])
  }
  return fileReference(key)
}

async function* one(bytes: Uint8Array) {
  yield bytes
}

const join = (path: string, key: string) => (path ? `${path}.${key}` : key)
