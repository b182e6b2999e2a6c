// Everything that lies in the blob store, opened when one of it is first used. lazy.ts loads this.
import { getStore } from '@netlify/blobs'
import { AppError } from '../core/errors.ts'
import { openFiles } from '../storage/files.ts'
import { openInstants } from '../storage/instants.ts'
import { sendBlob } from '../storage/send.ts'
import { openWakeMark } from '../storage/wake.ts'

/** A result is shown the moment it is stored, and a mark is looked for right after it was set. */
const store = (name: string) => {
  try {
    return getStore({ name, consistency: 'strong', fetch: sendBlob })
  } catch (cause) {
    throw new AppError('not_configured', 'The blob store is not known: NETLIFY_BLOBS_CONTEXT is not set.', { cause })
  }
}
const now = () => new Date()

export const openStores = () => ({
  files: openFiles(store('files')),
  wake: openWakeMark(store('wake'), { now }),
  instants: openInstants(store('instants'), now),
})
