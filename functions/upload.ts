// POST /api/upload: takes one image, or a zip file of images, as the body or in a form, and gives an address that start accepts from the same user.
// GET /api/upload?id=: the image as it was kept, to its owner.
import * as z from 'zod'
import type { Uploaded } from '../core/answers.ts'
import { withDeadline } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import { archiveType, imageTypes, maxImageBytes, maxStoredBytes, uploadId, uploadUrl } from '../core/upload.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { keyOfUpload, newUploadId } from '../engine/uploads.ts'
import { cleanArchive } from '../storage/archive.ts'
import { cleanImage } from '../storage/image.ts'
import { serveFile } from '../storage/serve.ts'
import { detectType, sampleBytes } from '../storage/type.ts'
import { UnacceptableFile } from '../storage/write.ts'
import { invalid, json, readBytes, readQuery, requireMethod } from './http/request.ts'
import { requireUser } from './http/users.ts'

/** What a form adds around its one file. */
const formBytes = 16 * 1024
/** Together less than a function's life of 60 s. */
const cleanMs = 30_000
const writeMs = 20_000
/** An id never names another content. */
const cacheControl = 'private, max-age=86400, immutable'

export const uploadQuery = z.object({
  id: z.string().refine((id) => uploadId(uploadUrl(id)) !== undefined, 'must be the id of an upload'),
})

export const upload: Endpoint = async (request, deps) => {
  requireMethod(request, 'POST', 'GET', 'HEAD')
  const userId = await requireUser(request, deps)
  if (request.method !== 'POST') return serveUpload(request, deps, userId)
  const answer: Uploaded = { url: await uploadAs(deps, userId, await readImage(request)) }
  return json(answer, 201)
}

/** Keeps an image, or a zip file of them, for a user, whichever door it came through; gives its address. */
export async function uploadAs(deps: Deps, userId: string, bytes: Uint8Array): Promise<string> {
  const id = newUploadId(deps)
  await store(deps, keyOfUpload(userId, id), bytes)
  return uploadUrl(id)
}

async function serveUpload(request: Request, deps: Deps, userId: string): Promise<Response> {
  const { id } = readQuery(request, uploadQuery)
  const response = await serveFile(request, deps.files, keyOfUpload(userId, id), { cacheControl })
  if (response) return response
  throw new AppError('not_found', 'There is no such upload of yours (any more).')
}

async function store(deps: Deps, key: string, bytes: Uint8Array): Promise<void> {
  try {
    const isArchive = (await detectType(bytes.subarray(0, sampleBytes), [archiveType])) !== undefined
    const clean = await (isArchive ? cleanArchive(bytes, cleanMs) : cleanImage(bytes))
    const options = { accept: [...imageTypes, archiveType], maxBytes: maxStoredBytes }
    await withDeadline(writeMs, (signal) => deps.files.write(key, [clean], { ...options, signal }))
  } catch (error) {
    if (!(error instanceof UnacceptableFile)) throw error
    if (error.reason === 'too_large') throw new AppError('body_too_large', `${error.message}; send a smaller one.`)
    throw new AppError(
      'unsupported_media_type',
      `${error.message}; send a PNG, JPEG, WebP or AVIF image, or a zip file of them.`,
      { cause: error },
    )
  }
}

/** What the type in the header says of an image isn't believed, and so isn't read. */
async function readImage(request: Request): Promise<Uint8Array> {
  const type = request.headers.get('content-type') ?? ''
  const tooLarge = 'A file may have at most 4 MB; send a smaller one.'
  if (!/^multipart\/form-data\b/i.test(type)) return readBytes(request, maxImageBytes, tooLarge)
  const bytes = await readBytes(request, maxImageBytes + formBytes, tooLarge)
  const file = await readFormFile(bytes, type)
  if (file.size > maxImageBytes) throw new AppError('body_too_large', tooLarge)
  return file.bytes()
}

async function readFormFile(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<File> {
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData().catch((cause: unknown) => {
    throw invalid([{ path: '', message: 'must be a whole multipart form, as its header says' }], { cause })
  })
  const files = [...form].flatMap(([, value]) => (value instanceof File ? [value] : []))
  const [file] = files
  if (file && files.length === 1) return file
  throw invalid([{ path: 'image', message: 'must be the one file of the form' }])
}
