// Where uploads are kept: under their hour and their owner, until a day is over. A task that uses one gets a copy of its own at start, so
// whatever is here and old is used by no task. Pings call `sweepIfDue` beside their pass; recover sweeps in any case.
import { createHash, randomBytes } from 'node:crypto'
import pLimit from 'p-limit'
import { isHourOver, keptUploadHours, makeUploadId, uploadKey } from '../core/upload.ts'
import type { WriteOptions } from '../storage/write.ts'
import { clockOf, type Deps, type LightDeps } from './deps.ts'

/** Of one sweep: beside a pass, within a ping's patience. What is left then is the next trigger's. */
const sweepMs = 8_000
/** Between two looks at the clock. */
const batch = 100
const foldersAtOnce = 8
/** Far more than a user uploads in an hour. */
const mostParts = 100_000
/** After a sweep that left nothing. */
const restMs = 55 * 60_000

export const newUploadId = (deps: Pick<Deps, 'now'>): string =>
  makeUploadId(clockOf(deps), randomBytes(16).toString('hex'))

/** Another user's upload has another key, and so does not exist for this one. An identity provider's user ids may be long, and hold anything. */
export const keyOfUpload = (userId: string, id: string): string => uploadKey(uploaderOf(userId), id)

/** As keys name a user. */
export const uploaderOf = (userId: string): string => createHash('sha256').update(userId).digest('hex').slice(0, 32)

/** The folders of a user's uploads, one an hour. */
async function foldersOf(deps: Pick<Deps, 'files' | 'now'>, userId: string): Promise<string[]> {
  const hours = new Set([...(await deps.files.folders('uploads/')), ...keptUploadHours(clockOf(deps))])
  return [...hours].toSorted().map((hour) => `uploads/${hour}/${uploaderOf(userId)}/`)
}

/** Deletes all uploads of a user. Gives how many. */
export async function clearUploads(deps: Pick<Deps, 'files' | 'now'>, userId: string): Promise<number> {
  const limit = pLimit(foldersAtOnce)
  const counts = (await foldersOf(deps, userId)).map((folder) =>
    limit(async () => {
      const keys = await deps.files.keys(folder)
      if (keys.length > 0) await deps.files.clear(folder, mostParts)
      return keys.length
    }),
  )
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

interface Move {
  from: string
  to: string
  options: WriteOptions
}

/** Another user has them then, under the same addresses. */
export async function moveUploads(deps: Pick<Deps, 'files' | 'now'>, { from, to, options }: Move): Promise<void> {
  for (const folder of await foldersOf(deps, from)) {
    for (const key of await deps.files.keys(folder)) {
      const found = await deps.files.read(key)
      if (!found) continue
      await deps.files.write(key.replace(uploaderOf(from), uploaderOf(to)), found.body, options)
      await deps.files.remove(key)
    }
  }
}

type Needs = Pick<LightDeps, 'files' | 'instants' | 'log' | 'now'>

/**
 * Sweeps an hour after the last sweep that left nothing: uploads by every ping, without the database, so that idle stays free;
 * `sweepStored` too where a pass asks the database anyway. Never rejects.
 */
export async function sweepIfDue(deps: Deps | LightDeps, { looks }: { looks: boolean }): Promise<void> {
  try {
    if (await isDue(deps, 'upload sweep')) await sweepUploads(deps)
    if (!looks || !(await isDue(deps, 'sweep'))) return
    const [{ sweepStored }, whole] = await Promise.all([import('./sweep.ts'), 'whole' in deps ? deps.whole() : deps])
    await sweepStored(whole)
  } catch (error) {
    deps.log.warn({ err: error }, 'it is not known what is to be swept')
  }
}

async function isDue(deps: Pick<LightDeps, 'instants' | 'now'>, name: 'upload sweep' | 'sweep'): Promise<boolean> {
  const last = await deps.instants.last(name)
  return !last || Math.abs(clockOf(deps).getTime() - last.getTime()) >= restMs
}

/** Deletes uploads of a day ago until none is left or its time is over. Gives how many; a store that fails is tried again with the next sweep. */
export async function sweepUploads(deps: Needs, patienceMs: number = sweepMs): Promise<number> {
  const endBy = performance.now() + patienceMs
  let swept = 0
  try {
    const hours = await deps.files.folders('uploads/')
    for (const hour of hours.filter((hour) => isHourOver(hour, clockOf(deps))).toSorted()) {
      for (;;) {
        if (performance.now() >= endBy) return swept
        const removed = await deps.files.clear(`uploads/${hour}/`, batch)
        swept += removed
        if (removed < batch) break
      }
    }
    await deps.instants.note('upload sweep')
  } catch (error) {
    deps.log.error({ err: error, swept }, 'expired uploads were not all deleted')
  }
  return swept
}
