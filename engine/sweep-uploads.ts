// Where uploads are kept: under their hour and their owner, until a day is over. A task that uses one gets a copy of its own at start, so
// whatever is here and old is used by no task.
import { createHash, randomBytes } from 'node:crypto'
import { isHourOver, makeUploadId, uploadKey } from '../core/upload.ts'
import { clockOf, type Deps } from './deps.ts'

/** Of one sweep: recover comes again in an hour, and answers within a ping's patience. */
const sweepLimit = 500

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
      if (swept >= sweepLimit) break
      swept += await deps.files.clear(`uploads/${hour}/`, sweepLimit - swept)
    }
  } catch (error) {
    deps.log.error({ err: error, swept }, 'expired uploads were not all deleted')
  }
  return swept
}
