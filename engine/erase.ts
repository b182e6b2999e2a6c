// Erases: deletes rows by a statement that notes what is still to go, then clears the store and asks the providers. The delete endpoint and
// the operator's command begin an erasure; passes and sweeps finish what was begun, also after a crash.
import { randomUUID } from 'node:crypto'
import pLimit from 'p-limit'
import { canBeCalledBack } from '../core/config.ts'
import { shorten } from '../core/decide.ts'
import { askProviderSeconds, isAnonymous, quietSeconds, type Stub } from '../core/erasure.ts'
import type { Deleted } from '../core/privacy-answers.ts'
import type { Task } from '../core/task.ts'
import { copiedUploads } from '../core/upload.ts'
import { type ErasureTerms, eraseTasks, listErasable } from '../db/statements/erase.ts'
import {
  type Erasure,
  type ErasureOutcome,
  eraseTraces,
  noteUpload,
  noteUser,
  readErasures,
  recordErasures,
} from '../db/statements/erasures.ts'
import type { EndedSession } from '../db/statements/sessions.ts'
import { mostParts } from '../storage/files.ts'
import { type Deps, recipeOf } from './deps.ts'
import { isInputOf } from './signed-urls.ts'
import { buildRequest } from './submit.ts'
import { clearUploads, keyOfUpload } from './uploads.ts'

/** So many are read, cleared and struck out together. */
const batch = 50
const atOnce = 8
/** Beside a pass, or before an answer: what is left then is the next pass's. */
export const erasingMs = 8_000

/** What a person is told of their erasure, and the log. */
export type Receipt = Omit<Deleted, 'at'>

export const erasureTerms = ({ providers, now }: Pick<Deps, 'providers' | 'now'>): ErasureTerms => ({
  erasing: [...providers.values()].flatMap(({ name, erase }) => (erase ? [name] : [])),
  quietSeconds,
  now: now?.(),
})

/** With the uploads that it was started with. Undefined: it is not theirs, or gone already. */
export async function eraseTask(deps: Deps, task: Task, endBy = performance.now() + erasingMs) {
  const uploads = await uploadsOf(deps, task)
  const [erased] = await eraseTasks(deps.db, [{ ...(await erasable(deps, task)), uploads }], erasureTerms(deps))
  if (!erased) return undefined
  const ids = [erased.id, ...uploads.map(({ id }) => id)]
  const cleared = await finish(deps, ids, endBy)
  const isCleared = ids.every((id) => cleared.has(id))
  const deleted = { tasks: 1, uploads: uploads.length }
  return logReceipt(deps, { deleted, erased: isCleared && !erased.stays && !erased.copying }, erased)
}

/** Those that it has copied and that are there still: other tasks have copies of their own. */
async function uploadsOf(deps: Deps, { id: task, user_id, input, changes, steps }: Task) {
  const keys = copiedUploads(task, [input, changes, steps]).map((id) => keyOfUpload(user_id, id))
  const isThere = async (key: string) => {
    try {
      return (await deps.files.stat(key)) !== undefined
    } catch (error) {
      deps.log.warn({ err: error, task }, 'an upload that may be there is noted to be deleted')
      return true
    }
  }
  const there = await Promise.all(keys.map(isThere))
  return keys.filter((_, index) => there[index]).map((key) => ({ id: randomUUID(), key }))
}

/** An upload of which somebody has seen that it is there. */
export async function eraseUpload(deps: Deps, key: string): Promise<Receipt> {
  const { id } = await noteUpload(deps.db, { key, now: deps.now?.() })
  const erased = (await finish(deps, [id], performance.now() + erasingMs)).has(id)
  return logReceipt(deps, { deleted: { tasks: 0, uploads: 1 }, erased })
}

/** All that a user has, and the sessions by which they had it. */
export async function eraseUser(
  deps: Deps,
  user_id: string,
  ended: readonly EndedSession[],
  endBy = performance.now() + erasingMs,
): Promise<Receipt> {
  const noted = await noteUser(deps.db, { user_id, ended, quietSeconds, now: deps.now?.() })
  const progress: Progress = { tasks: [], uploads: 0, isWaiting: false }
  const outcome = await outcomeOf(deps, noted, endBy, progress)
  await recordErasures(deps.db, [outcome], erasureTerms(deps))
  const cleared = await finish(deps, progress.tasks, endBy)
  const erased = outcome.cleared && !progress.isWaiting && progress.tasks.every((id) => cleared.has(id))
  return logReceipt(deps, { deleted: { tasks: progress.tasks.length, uploads: progress.uploads }, erased })
}

function logReceipt({ log }: Deps, receipt: Receipt, about: { id?: string } = {}): Receipt {
  log.info({ ...(about.id && { task: about.id }), ...receipt.deleted, erased: receipt.erased }, 'erased')
  return receipt
}

/** Goes on with whatever is due, until nothing is or its time is over. Gives how many are done, and whether the store let all of them go. */
export async function finishErasures(
  deps: Deps,
  endBy = performance.now() + erasingMs,
): Promise<{ done: number; isAll: boolean }> {
  let done = 0
  let isAll = true
  while (performance.now() < endBy) {
    const due = await readErasures(deps.db, { limit: batch, now: deps.now?.() })
    if (due.length === 0) return { done, isAll }
    const some = await finishThese(deps, due, endBy)
    done += some.done
    isAll &&= some.cleared.length === due.length
  }
  return { done, isAll: false }
}

/** Clears these now, due or not. Gives those of which the store holds nothing more. */
async function finish(deps: Deps, ids: readonly string[], endBy: number): Promise<Set<string>> {
  const cleared = new Set<string>()
  for (let from = 0; from < ids.length && performance.now() < endBy; from += batch) {
    const some = await readErasures(deps.db, { limit: batch, ids: ids.slice(from, from + batch), now: deps.now?.() })
    for (const id of (await finishThese(deps, some, endBy)).cleared) cleared.add(id)
    // Another pass has struck it out meanwhile.
    for (const id of ids.slice(from, from + batch)) if (!some.some((one) => one.id === id)) cleared.add(id)
  }
  return cleared
}

async function finishThese(deps: Deps, erasures: readonly Erasure[], endBy: number) {
  const begun = await pLimit(atOnce).map(erasures, async (erasure) =>
    performance.now() < endBy ? [await outcomeOf(deps, erasure, endBy)] : [],
  )
  const outcomes = begun.flat()
  if (outcomes.length === 0) return { done: 0, cleared: [] }
  const done = await recordErasures(deps.db, outcomes, erasureTerms(deps))
  return { done: done.length, cleared: outcomes.flatMap(({ id, cleared }) => (cleared ? [id] : [])) }
}

/** What erasing a user has come to. */
interface Progress {
  tasks: string[]
  uploads: number
  /** A provider is still at work for one of the tasks. */
  isWaiting: boolean
}

/** Never rejects: what can't be done now is noted still. The store comes first: a provider that is silent doesn't keep files from going. */
async function outcomeOf(deps: Deps, erasure: Erasure, endBy: number, progress?: Progress): Promise<ErasureOutcome> {
  const { id, read_at } = erasure
  const cleared = await clear(deps, erasure, endBy, progress).catch((error) => {
    deps.log.error({ err: error, erasure: id }, 'an erasure is not done, and is tried again')
    return false
  })
  return { id, read_at, cleared, asked: await askProviders(deps, erasure, endBy) }
}

/** False: more may be left. */
async function clear(deps: Deps, erasure: Erasure, endBy: number, progress?: Progress): Promise<boolean> {
  if (erasure.kind === 'task') return clearTask(deps, erasure.id)
  if (erasure.kind === 'user') return clearUser(deps, erasure, endBy, progress)
  await deps.files.clear(`${erasure.subject}/`, mostParts)
  return true
}

async function clearTask({ files }: Deps, id: string): Promise<boolean> {
  const removed = await Promise.all([`results/${id}/`, `inputs/${id}/`].map((folder) => files.clear(folder, mostParts)))
  return removed.every((count) => count < mostParts)
}

/** False: its time was over before all was gone. An anonymous user can't come back, so that whatever is found later is of before. */
async function clearUser(
  deps: Deps,
  { subject, noted_at, quiet_at, now }: Erasure,
  endBy: number,
  progress?: Progress,
) {
  const user_id = subject ?? ''
  const before = isAnonymous(user_id) ? undefined : noted_at
  for (;;) {
    if (performance.now() >= endBy) return false
    const tasks = await listErasable(deps.db, { user_id, limit: batch, before })
    if (tasks.length === 0) break
    const erased = await eraseTasks(
      deps.db,
      await Promise.all(tasks.map((task) => erasable(deps, task))),
      erasureTerms(deps),
    )
    progress?.tasks.push(...erased.map(({ id }) => id))
    if (progress && erased.some(({ stays, copying }) => stays || copying)) progress.isWaiting = true
  }
  const uploads = before === undefined || now < quiet_at ? await clearUploads(deps, user_id) : 0
  if (progress) progress.uploads += uploads
  await eraseTraces(deps.db, { user_id, before })
  return true
}

/** What needs no asking any more: it is gone, or its provider has said no, or nothing for days. The rest is asked by a later pass. */
async function askProviders(deps: Deps, { id: task, predictions, noted_at, now }: Erasure, endBy: number) {
  const isLate = now.getTime() - noted_at.getTime() > askProviderSeconds * 1000
  const asked: Erasure['predictions'] = []
  for (const record of predictions) {
    if (performance.now() >= endBy) break
    const answer = await askProvider(deps, record)
    if (answer.kind === 'unreachable' && !isLate) continue
    asked.push(record)
    if (answer.kind === 'gone') continue
    const about = { task, provider: record.provider, prediction: record.id, reason: shorten(answer.reason) }
    deps.log.warn(about, 'the provider keeps what it has of an erased task, by its own rules')
  }
  return asked
}

async function askProvider({ providers }: Deps, { provider, id }: Erasure['predictions'][number]) {
  try {
    return (
      (await providers.get(provider)?.erase?.(id)) ?? ({ kind: 'unreachable', reason: 'it is not configured' } as const)
    )
  } catch (error) {
    return { kind: 'unreachable', reason: (error as Error).message } as const
  }
}

/** What an open attempt, or the next one, is looked for by. It asks for a model that only the input tells, which goes. */
async function erasable(deps: Deps, task: Task) {
  const { id, user_id } = task
  return { id, user_id, stub: await stubFor(deps, task) }
}

async function stubFor(deps: Deps, task: Task): Promise<Stub | null> {
  const recipe = recipeOf(deps, task)
  const isOpen = task.phase === 'submitting' || task.phase === 'unconfirmed' || task.status === 'pending'
  if (!recipe || !isOpen) return null
  const { id, attempt, next_step, current_step, claim_token } = task
  const open = { id, attempt, step: next_step ?? current_step, claim_token: claim_token ?? randomUUID() }
  const isCalledBack = canBeCalledBack(deps.config)
  try {
    // Markers are where linkFor() puts them; nothing is read for it.
    const request = await buildRequest(deps, recipe, task, open, async (reference, { isMarked = false } = {}) => {
      const carries = reference.startsWith('file:') ? isCalledBack : isMarked
      return `https://link.test/${carries ? `#marker=${open.claim_token}` : ''}`
    })
    return { model: request.model, marked: isInputOf(request.input, open.claim_token) }
  } catch (error) {
    deps.log.warn({ err: error, task: id }, 'an erased attempt cannot be looked for')
    return null
  }
}
