// Images that come inside a start request (data URIs) are stored as files at once: rows and provider requests carry links.
import { AppError } from '../core/errors.ts'
import { UnacceptableFile } from '../storage/files.ts'
import type { Deps } from './deps.ts'
import { invalid } from './http.ts'
import { fileReference } from './links.ts'

const accept = ['image/png', 'image/jpeg', 'image/webp']
const maxBytes = 4 * 1024 * 1024

/** The input with every data URI replaced by a reference to its file. Throws `invalid_request` naming the field. */
export async function keepInlineImages(deps: Deps, taskId: string, input: unknown): Promise<unknown> {
  let count = 0
  const keep = async (value: unknown, path: string): Promise<unknown> => {
    if (typeof value === 'string') {
      if (!value.startsWith('data:')) return value
      count += 1
      return store(deps, `inputs/${taskId}/${count}`, value, path)
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return Promise.all(value.map((item, index) => keep(item, join(path, String(index)))))
    const fields = Object.entries(value).map(async ([key, inner]) => [key, await keep(inner, join(path, key))] as const)
    return Object.fromEntries(await Promise.all(fields))
  }
  return keep(input, '')
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
