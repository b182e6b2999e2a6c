// GET /api/result: a stored file, to its task's owner or by a signed link (which is how providers fetch a step's image).
import * as z from 'zod'
import { answerBytes } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { chosenFile, resultKey, storedAttempt } from '../core/task.ts'
import { fileName } from '../core/view.ts'
import { readTask } from '../db/statements/reads.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { requireSignedLink } from '../engine/signed-urls.ts'
import { serveFile } from '../storage/serve.ts'
import { readQuery, requireMethod } from './http/request.ts'
import { notShown } from './http/task-answer.ts'
import { requireReader } from './http/users.ts'

const number = z.coerce.number('must be a whole number from 1 to 1000').int().min(1).max(1_000)

const signed = z.object({
  file: z.string().max(200),
  expires: z.coerce.number(),
  signature: z.string().max(100),
})

export const resultQuery = z.object({
  task_id: z.uuid(),
  step: number,
  attempt: number.optional(),
  /** By default the one that is chosen; of a named attempt the first, so that an address never changes what it means. */
  file: number.optional(),
  download: z.enum(['0', '1']).default('0'),
})

/** A key's content never changes (a redo has a key of its own), so whoever may keep it may keep it for long. */
const cacheControl = 'private, max-age=31536000, immutable'
/** Whoever has a signed link isn't known here, and gets the file once. */
const linkCacheControl = 'private, no-store'

/** Without an attempt the address means the newest, which a redo changes. */
const newestCacheControl = 'private, no-cache'

export const result: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  if (new URL(request.url).searchParams.has('signature')) {
    const link = readQuery(request, signed)
    const key = requireSignedLink(deps, link)
    return (
      (await serveFile(request, deps.files, key, {
        cacheControl: linkCacheControl,
        maxBytes: answerBytes(deps.config),
      })) ?? gone()
    )
  }
  return serveOwned(request, deps)
}

async function serveOwned(request: Request, deps: Deps): Promise<Response> {
  const asking = await requireReader(request, deps)
  const { task_id: id, step, attempt, download, ...query } = readQuery(request, resultQuery)
  const task = await readTask(deps.db, { id, ...asking, now: deps.now?.() })
  if (!task) throw await notShown(deps, asking, id)
  const stored = storedAttempt(task, step, attempt)
  if (!stored)
    throw new AppError(
      'not_found',
      `Step ${step} has no ${attempt ? `result of attempt ${attempt}` : 'stored result'}.`,
    )
  const { files, prediction_id } = stored
  const file = query.file ?? (attempt ? 1 : chosenFile(task, step))
  if (file > Math.max(files.length, 1))
    throw new AppError('not_found', `Step ${step} has files 1 to ${files.length}, and no file ${file}.`)
  const type = files[file - 1]?.type ?? 'application/octet-stream'
  const response = await serveFile(request, deps.files, resultKey(task.id, step, prediction_id, file - 1), {
    cacheControl: attempt ? cacheControl : newestCacheControl,
    maxBytes: answerBytes(deps.config),
    ...(download === '1' && { download: fileName(task.recipe, step, file, type) }),
  })
  return response ?? gone()
}

function gone(): never {
  throw new AppError('not_found', 'This file is not stored here (any more).')
}
