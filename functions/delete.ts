// POST /api/delete: a task, an upload, or all that a person has goes for good: here, and at the provider as far as it lets us. What isn't
// gone when the answer is sent is noted, and any later pass goes on.
import * as z from 'zod'
import { confirmSeconds, isAnonymous } from '../core/erasure.ts'
import { AppError } from '../core/errors.ts'
import type { Deleted } from '../core/privacy-answers.ts'
import { uploadId } from '../core/upload.ts'
import { readTask } from '../db/statements/reads.ts'
import { clockOf, type Deps, type Endpoint, type EndpointContext } from '../engine/deps.ts'
import type { Receipt } from '../engine/erase.ts'
import { raiseAnyway } from '../engine/journal.ts'
import { isMac, keysOf, mac, userKey } from '../engine/keys.ts'
import { triggerPass } from '../engine/trigger.ts'
import { keyOfUpload } from '../engine/uploads.ts'
import { shortenOwn } from './http/own-addresses.ts'
import { invalid, json, readJson, requireMethod } from './http/request.ts'
import { notFound } from './http/task-answer.ts'
import { type Asking, lastOf, noCookie, requireSession } from './http/users.ts'

/** With it comes all that submits and searches; the API's document, which takes the body's shape from here, has no use for that. */
const erasing = () => import('../engine/erase.ts')

const oneOf = 'must name one thing: task_id, upload, or everything'

export const deleteBody = z
  .strictObject({
    task_id: z.uuid().optional(),
    upload: z.string().max(500).optional().describe('its address, as upload gave it'),
    everything: z.literal(true).optional(),
    confirm: z.string().max(200).optional().describe('with everything: what the first answer gave'),
  })
  .refine(({ task_id, upload, everything }) => [task_id, upload, everything].filter(Boolean).length === 1, oneOf)
  .refine(({ confirm, everything }) => !confirm || everything, 'confirm belongs to everything')

export const deleteEndpoint: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const asking = await requireSession(request, deps)
  const { task_id, upload, confirm } = await readJson(request, deleteBody)
  if (task_id) return answer(deps, await deleteTask(deps, context, asking, task_id))
  if (upload) return answer(deps, await deleteUpload(request, deps, asking, upload))
  if (confirm === undefined) return json({ confirm: confirmationOf(deps, asking) })
  requireConfirmation(deps, asking, confirm)
  return answer(deps, await deleteEverything(deps, context, asking), { 'set-cookie': noCookie(request, deps) })
}

function answer(deps: Deps, receipt: Receipt, headers: Record<string, string> = {}): Response {
  const body: Deleted = { ...receipt, at: clockOf(deps).toISOString() }
  // What the browser has kept of pictures, which never change otherwise, goes as well.
  return json(body, 200, { 'clear-site-data': '"cache"', ...headers })
}

async function deleteTask(deps: Deps, context: EndpointContext, { user_id }: Asking, id: string): Promise<Receipt> {
  const task = await readTask(deps.db, { id, user_id })
  if (!task) throw notFound(id)
  // Whatever is left of it is the passes'.
  await raiseAnyway(deps)
  const receipt = await (await erasing()).eraseTask(deps, task)
  if (!receipt) throw notFound(id)
  if (!receipt.erased) triggerPass(deps, context, { by: 'delete', taskId: id })
  return receipt
}

async function deleteUpload(request: Request, deps: Deps, { user_id }: Asking, address: string): Promise<Receipt> {
  const id = uploadId(String(shortenOwn(request, deps, address)))
  if (!id) throw invalid([{ path: 'upload', message: 'must be the address that an upload gave' }])
  const key = keyOfUpload(user_id, id)
  if (!(await deps.files.stat(key))) throw new AppError('not_found', 'There is no such upload of yours (any more).')
  await raiseAnyway(deps)
  return (await erasing()).eraseUpload(deps, key)
}

/** All that a user has, whichever door they came through. */
export async function deleteEverything(deps: Deps, context: EndpointContext, asking: Asking): Promise<Receipt> {
  await raiseAnyway(deps)
  const { user_id, session } = asking
  // An anonymous person has no other way back: whatever session they have, in whatever browser, is over.
  const keys = isAnonymous(user_id) ? [userKey(user_id)] : session
  const until = lastOf(deps, asking)
  const receipt = await (await erasing()).eraseUser(
    deps,
    user_id,
    keys.map((key) => ({ key, until })),
  )
  if (!receipt.erased) triggerPass(deps, context, { by: 'delete' })
  return receipt
}

/** Good for ten minutes, and for this person alone. */
function confirmationOf(deps: Deps, { user_id }: Asking): string {
  const expires = Math.floor(clockOf(deps).getTime() / 1000) + confirmSeconds
  return `${expires}.${mac(keysOf(deps.config, 'erasure')[0], confirmText(user_id, expires))}`
}

function requireConfirmation(deps: Deps, { user_id }: Asking, given: string): void {
  const [expires = '', signature = ''] = given.split('.')
  const isOurs = isMac(keysOf(deps.config, 'erasure'), confirmText(user_id, Number(expires)), signature)
  if (isOurs && Number(expires) * 1000 >= clockOf(deps).getTime()) return
  throw new AppError(
    'confirm_expired',
    'This confirmation is too old, or was given to somebody else. Ask for another with {"everything": true}.',
  )
}

const confirmText = (userId: string, expires: number): string => `erase everything\n${expires}\n${userId}`
