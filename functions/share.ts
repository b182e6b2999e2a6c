// POST /api/share: the owner of a task makes a link to one picture of it, or revokes its links; GET with `task_id` lists them. GET with `id`:
// the page behind a link, for anybody; with `picture` the pictures themselves. Nothing else of the task is shown.
import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { answerBytes } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { shareAddress, shareIdPattern } from '../core/own-result.ts'
import type { Shared as Answer, Links } from '../core/privacy-answers.ts'
import { storeOrigin } from '../core/store-choice.ts'
import { chosenFile, resultKey, storedAttempt, type Task } from '../core/task.ts'
import { readTask } from '../db/statements/reads.ts'
import { listShares, readShare, revokeShares, type Shared, shareTask } from '../db/statements/shares.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { storedKey } from '../engine/signed-urls.ts'
import { serveFile } from '../storage/serve.ts'
import { invalid, json, readJson, readQuery, requireMethod } from './http/request.ts'
import { endedPage, sharePage } from './http/share-page.ts'
import { notFound } from './http/task-answer.ts'
import { requireUser } from './http/users.ts'

const number = z.int().min(1).max(1_000)

export const shareBody = z
  .strictObject({
    task_id: z.uuid(),
    step: number.optional().describe('the newest one with a picture, if left out'),
    attempt: number.optional(),
    file: number.optional().describe('of several candidates; the chosen one, if left out'),
    before: z.boolean().default(false).describe('also show the picture that the task began with'),
    revoke: z.literal(true).optional().describe('ends the links of this task, or of this step'),
  })
  .refine(
    ({ revoke, attempt, before }) => !revoke || (attempt === undefined && !before),
    'revoke goes with task_id and step alone',
  )

export const shareQuery = z.object({
  id: z.string().regex(shareIdPattern, 'must be the id of a shared picture').optional(),
  picture: z.enum(['after', 'before']).optional(),
  task_id: z.uuid().optional().describe('instead of id, by its owner: which links there are'),
})

const mostLinks = 100

/** Revoked, it is gone for whoever asks again. */
const cacheControl = 'private, no-cache'

export const share: Endpoint = async (request, deps) => {
  requireMethod(request, 'POST', 'GET', 'HEAD')
  if (request.method !== 'POST') {
    return answerGet(request, deps).catch((error: unknown) => {
      const showsNothing = error instanceof AppError && ['not_found', 'invalid_request'].includes(error.code)
      if (!showsNothing || !isVisited(request)) throw error
      return endedPage(languageOf(request), error.status)
    })
  }
  const user_id = await requireUser(request, deps)
  const { task_id, step, attempt, file, before, revoke } = await readJson(request, shareBody)
  if (revoke) {
    const revoked = await revokeShares(deps.db, { task_id, user_id, step })
    if (revoked === undefined) throw notFound(task_id)
    return json({ revoked })
  }
  const task = await readTask(deps.db, { id: task_id, user_id })
  if (!task) throw notFound(task_id)
  const shown = requirePicture(task, { step, attempt, file })
  if (before && !(await beforeOf(deps, task))) {
    throw invalid([{ path: 'before', message: 'the picture that this task began with is not stored here' }])
  }
  const wanted = { task_id, user_id, ...shown, with_before: before }
  const id = await shareTask(deps.db, { id: randomBytes(16).toString('base64url'), ...wanted, now: deps.now?.() })
  if (!id) throw notFound(task_id)
  const answer: Answer = { url: addressOf(request, deps, id) }
  return json(answer, 201)
}

interface Wanted {
  step: number | undefined
  attempt: number | undefined
  file: number | undefined
}

/** What was named, or else the newest step's result as it was chosen. */
function requirePicture(task: Task, { step, attempt, file }: Wanted): { step: number; attempt: number; file: number } {
  const steps = step === undefined ? task.steps.map((record) => record.step).toReversed() : [step]
  const [stored] = steps.flatMap((one) => storedAttempt(task, one, attempt) ?? [])
  const isResult = stored && storedAttempt(task, stored.step)?.attempt === stored.attempt
  const place = file ?? (isResult ? chosenFile(task, stored.step) : 1)
  const type = stored?.files[place - 1]?.type
  if (!stored || !type) throw new AppError('not_found', 'There is no such stored picture.')
  if (type.startsWith('image/')) return { step: stored.step, attempt: stored.attempt, file: place }
  throw invalid([
    { path: step === undefined ? 'task_id' : 'step', message: 'must be a step whose result is a picture' },
  ])
}

/** The picture that the recipe begins with, where it lies here: an address elsewhere isn't ours to show, and an avatar's weights are nobody's. */
async function beforeOf(deps: Deps, { recipe, input }: Pick<Task, 'recipe' | 'input'>): Promise<string | undefined> {
  const { from } = deps.recipes.get(recipe) ?? {}
  const value = from && (input as Record<string, unknown> | null)?.[from.field]
  const key = typeof value === 'string' ? storedKey(value) : undefined
  const found = key === undefined ? undefined : await deps.files.stat(key)
  return found?.type.startsWith('image/') ? key : undefined
}

/** Somebody has opened a link to a page. */
function isVisited(request: Request): boolean {
  const { searchParams } = new URL(request.url)
  const isPage = searchParams.has('id') && !searchParams.has('picture') && !searchParams.has('task_id')
  return isPage && /\btext\/html\b/i.test(request.headers.get('accept') ?? '')
}

const languageOf = (request: Request): string => request.headers.get('accept-language') ?? ''

async function answerGet(request: Request, deps: Deps): Promise<Response> {
  const { id, picture, task_id } = readQuery(request, shareQuery)
  if (id !== undefined && task_id === undefined) return show(request, deps, id, picture)
  if (task_id !== undefined && id === undefined) return list(request, deps, task_id)
  throw invalid([
    { path: 'id', message: 'must be the id of a shared picture; to list the links of a task, give task_id instead' },
  ])
}

async function list(request: Request, deps: Deps, task_id: string): Promise<Response> {
  const user_id = await requireUser(request, deps)
  const shares = await listShares(deps.db, { task_id, user_id, limit: mostLinks })
  if (!shares) throw notFound(task_id)
  const links = shares.map(({ id, with_before: before, ...of }) => ({
    url: addressOf(request, deps, id),
    ...of,
    before,
  }))
  const answer: Links = { links }
  return json(answer)
}

type Picture = z.infer<typeof shareQuery>['picture']

async function show(request: Request, deps: Deps, id: string, picture: Picture): Promise<Response> {
  const shared = await readShare(deps.db, id)
  if (!shared) throw gone()
  if (picture) return showPicture(request, deps, shared, picture)
  const page = addressOf(request, deps, id)
  return sharePage({
    after: `${page}&picture=after`,
    before: shared.with_before ? `${page}&picture=before` : undefined,
    page,
    language: languageOf(request),
    storeOrigin: storeOrigin(deps.config),
  })
}

async function showPicture(request: Request, deps: Deps, shared: Shared, which: 'after' | 'before'): Promise<Response> {
  const key = which === 'after' ? afterOf(shared) : shared.with_before ? await beforeOf(deps, shared) : undefined
  const response =
    key && (await serveFile(request, deps.files, key, { cacheControl, maxBytes: answerBytes(deps.config) }))
  if (!response) throw gone()
  response.headers.set('x-robots-tag', 'noindex')
  return response
}

function afterOf(shared: Shared): string | undefined {
  const { task_id, step, attempt, file } = shared
  const stored = storedAttempt(shared, step, attempt)
  return stored && resultKey(task_id, step, stored.prediction_id, file - 1)
}

const gone = () => new AppError('not_found', 'This picture is not shared (any more).')

/** Whole, as chat programs need it. */
const addressOf = (request: Request, { config }: Deps, id: string): string =>
  `${config.PUBLIC_URL ?? new URL(request.url).origin}${shareAddress(id)}`
