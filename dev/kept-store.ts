// The folder in which the files of `npm start` outlive restarts. What an earlier version kept in Netlify's local blob server is moved there.
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { copyStore } from '../storage/copy.ts'
import { openFolderStore } from '../storage/folder/store.ts'
import { startBlobs } from './blobs.ts'
import type { RouterLog } from './run.ts'

/** Gives the value of STORAGE_DIR. A move that is interrupted goes on with the next start. */
export async function keptStore(data: string, log: Pick<RouterLog, 'info'>): Promise<string> {
  const [older, folder] = [join(data, 'blobs'), join(data, 'storage')]
  if (!(await stat(older).catch(() => undefined))) return folder
  const blobs = await startBlobs(older)
  try {
    const { copied } = await copyStore(blobs.store, (name) => openFolderStore(folder, name))
    log.info({ files: copied }, 'moved the stored files of an earlier version')
  } finally {
    await blobs.stop()
  }
  await rm(older, { recursive: true })
  return folder
}
