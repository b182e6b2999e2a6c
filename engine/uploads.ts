// A user's uploads: where they lie (under their hour, so that a sweep finds what is old, and under their owner, so that nobody else's request
// finds them), how all of them are removed, and how they pass to another user.
import { createHash, randomBytes } from 'node:crypto'
import pLimit from 'p-limit'
import { makeUploadId, uploadKey } from '../core/upload.ts'
import { mostParts } from '../storage/files.ts'
import type { WriteOptions } from '../storage/write.ts'
import { clockOf, type Deps } from './deps.ts'

const foldersAtOnce = 8

export const newUploadId = (deps: Pick<Deps, 'now'>): string =>
  makeUploadId(clockOf(deps), randomBytes(16).toString('hex'))

/** Another user's upload has another key, and so does not exist for this one. An identity provider's user ids may be long, and hold anything. */
export const keyOfUpload = (userId: string, id: string): string => uploadKey(uploaderOf(userId), id)

/** As keys name a user. */
export const uploaderOf = (userId: string): string => createHash('sha256').update(userId).digest('hex').slice(0, 32)

/** The folders of a user's uploads, one an hour. */
async function foldersOf(deps: Pick<Deps, 'files'>, userId: string): Promise<string[]> {
  const hours = await deps.files.folders('uploads/')
  return hours.toSorted().map((hour) => `uploads/${hour}/${uploaderOf(userId)}/`)
}

/** Deletes all uploads of a user. Gives how many. */
export async function clearUploads(deps: Pick<Deps, 'files'>, userId: string): Promise<number> {
  const counts = await pLimit(foldersAtOnce).map(await foldersOf(deps, userId), async (folder) => {
    const keys = await deps.files.keys(folder)
    if (keys.length > 0) await deps.files.clear(folder, mostParts)
    return keys.length
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Another user has them then, under the same addresses. */
export async function moveUploads(
  deps: Pick<Deps, 'files'>,
  { from, to, options }: { from: string; to: string; options: WriteOptions },
): Promise<void> {
  for (const folder of await foldersOf(deps, from)) {
    for (const key of await deps.files.keys(folder)) {
      const found = await deps.files.read(key)
      if (!found) continue
      await deps.files.write(key.replace(uploaderOf(from), uploaderOf(to)), found.body, options)
      await deps.files.remove(key)
    }
  }
}
