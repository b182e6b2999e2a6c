// Deletes what is kept no longer: uploads of a day ago, and, where KEEP_FINISHED_DAYS says so, old finished tasks with their history and
// files. Called by recover and tick. Upload and start take from here where an upload lies.
import { createHash, randomBytes } from 'node:crypto'
import pLimit from 'p-limit'
import { isHourOver, makeUploadId, uploadKey } from '../core/upload.ts'
import { deleteFinished, dropForgotten, readForgotten } from '../db/statements/retention.ts'
import { clockOf, type Deps } from './deps.ts'

/** Small, so that a claim hardly ever meets it, and that its files go while recover's caller waits. */
const batch = 100
const tasksAtOnce = 8
/** Then the rest is left for the next time: recover answers within a ping's patience. */
const patienceMs = 10_000
/** Far more than a task ever has. */
const mostParts = 10_000

type Needs = Pick<Deps, 'config' | 'db' | 'files' | 'log' | 'now'>

/** How many are gone altogether. A store or database that fails is tried again with the next sweep, which goes on where this one was. */
export async function sweepTasks(deps: Needs): Promise<number> {
  const { KEEP_FINISHED_DAYS: days } = deps.config
  if (days === undefined) return 0
  const started = performance.now()
  let forgotten = 0
  try {
    while (performance.now() - started < patienceMs) {
      // What an earlier sweep has noted goes first: nothing more is deleted while files can't be.
      const ids = await readForgotten(deps.db, batch)
      await clearFiles(deps, ids)
      if (ids.length > 0) await dropForgotten(deps.db, ids)
      forgotten += ids.length
      const how = { olderThanSeconds: days * 86_400, limit: batch, now: deps.now?.() }
      if (ids.length < batch && (await deleteFinished(deps.db, how)).length === 0) break
    }
  } catch (error) {
    deps.log.error({ err: error, forgotten }, 'old tasks were not all deleted')
  }
  return forgotten
}

async function clearFiles({ files }: Needs, ids: readonly string[]): Promise<void> {
  const limit = pLimit(tasksAtOnce)
  const folders = ids.flatMap((id) => [`results/${id}/`, `inputs/${id}/`])
  await Promise.all(folders.map((folder) => limit(() => files.clear(folder, mostParts))))
}

/** Of uploads, in one sweep: recover comes again in an hour, and answers within a ping's patience. */
const uploadPartsAtOnce = 500

export const newUploadId = (deps: Pick<Deps, 'now'>): string =>
  makeUploadId(clockOf(deps), randomBytes(16).toString('hex'))

/** Another user's upload has another key, and so does not exist for this one. An identity provider's user ids may be long, and hold anything. */
export function keyOfUpload(userId: string, id: string): string {
  return uploadKey(createHash('sha256').update(userId).digest('hex').slice(0, 32), id)
}

/** Deletes uploads of a day ago, some hundreds at a time. Gives how many; a store that fails is tried again with the next sweep. */
export async function sweepUploads(deps: Pick<Deps, 'files' | 'log' | 'now'>): Promise<number> {
  let swept = 0
  try {
    const hours = await deps.files.folders('uploads/')
    for (const hour of hours.filter((hour) => isHourOver(hour, clockOf(deps))).toSorted()) {
      if (swept >= uploadPartsAtOnce) break
      swept += await deps.files.clear(`uploads/${hour}/`, uploadPartsAtOnce - swept)
    }
  } catch (error) {
    deps.log.error({ err: error, swept }, 'expired uploads were not all deleted')
  }
  return swept
}
