// Deletes what the database must be asked about: old finished tasks with their history and files, where KEEP_FINISHED_DAYS says so; inputs
// whose task never came to be; and events that were told long ago. Recover calls it, and so do other pings, once an hour beside a pass that looks anyway.
import pLimit from 'p-limit'
import { sweepDelivered } from '../db/statements/deliveries.ts'
import { deleteFinished, dropForgotten, readForgotten, readMissing } from '../db/statements/retention.ts'
import { notifyOf } from '../notify/index.ts'
import type { Deps } from './deps.ts'
import { readOldNotes } from './start-note.ts'

/** Small, so that a claim hardly ever meets it, and that its files go while recover's caller waits. */
const batch = 100
const tasksAtOnce = 8
/** Then the rest is left for the next time: the caller answers within a ping's patience, and tick lives for 30 s. */
const patienceMs = 8_000
/** Far more than a task ever has. */
const mostParts = 10_000

type Needs = Pick<Deps, 'config' | 'db' | 'files' | 'instants' | 'log' | 'now'>

export interface Swept {
  tasks: number
  orphans: number
}

/** How many are gone altogether. A store or database that fails is tried again with the next sweep, which goes on where this one was. */
export async function sweepStored(deps: Needs, ms: number = patienceMs): Promise<Swept> {
  const endBy = performance.now() + ms
  const swept: Swept = { tasks: 0, orphans: 0 }
  try {
    const done = await Promise.all([
      sweepTasks(deps, endBy, swept),
      sweepOrphans(deps, endBy, swept),
      sweepOutbox(deps, endBy),
    ])
    if (!done.includes(false)) await deps.instants.note('sweep')
  } catch (error) {
    deps.log.error({ err: error, ...swept }, 'old tasks were not all deleted')
  }
  return swept
}

/** False: its time was over before all was gone. */
async function sweepTasks(deps: Needs, endBy: number, swept: Swept): Promise<boolean> {
  const { KEEP_FINISHED_DAYS: days } = deps.config
  if (days === undefined) return true
  while (performance.now() < endBy) {
    // What an earlier sweep has noted goes first: nothing more is deleted while files can't be.
    const ids = await readForgotten(deps.db, batch)
    await clearFiles(
      deps,
      ids.flatMap((id) => [`results/${id}/`, `inputs/${id}/`]),
    )
    if (ids.length > 0) await dropForgotten(deps.db, ids)
    swept.tasks += ids.length
    const how = { olderThanSeconds: days * 86_400, limit: batch, now: deps.now?.() }
    if (ids.length < batch && (await deleteFinished(deps.db, how)).length === 0) return true
  }
  return false
}

/** So long an operator can see and repeat what was told. */
const keepToldSeconds = 7 * 86_400
const toldBatch = 1_000

async function sweepOutbox(deps: Needs, endBy: number): Promise<boolean> {
  if (!notifyOf(deps.config)) return true
  while (performance.now() < endBy) {
    const how = { olderThanSeconds: keepToldSeconds, limit: toldBatch, now: deps.now?.() }
    if ((await sweepDelivered(deps.db, how)) < toldBatch) return true
  }
  return false
}

/** A note whose task is there was left by a start that died later, and goes alone. */
async function sweepOrphans(deps: Needs, endBy: number, swept: Swept): Promise<boolean> {
  const notes = await readOldNotes(deps)
  for (let from = 0; from < notes.length; from += batch) {
    if (performance.now() >= endBy) return false
    const some = notes.slice(from, from + batch)
    const missing = await readMissing(
      deps.db,
      some.map(({ id }) => id),
    )
    await clearFiles(
      deps,
      missing.map((id) => `inputs/${id}/`),
    )
    await clearFiles(
      deps,
      some.map(({ key }) => `${key}/`),
    )
    swept.orphans += missing.length
  }
  return true
}

async function clearFiles({ files }: Needs, folders: readonly string[]): Promise<void> {
  const limit = pLimit(tasksAtOnce)
  await Promise.all(folders.map((folder) => limit(() => files.clear(folder, mostParts))))
}
