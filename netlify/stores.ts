// Everything that lies in the blob store, opened when one of it is first used. lazy.ts loads this.
import { AppError } from '../core/errors.ts'
import { openFiles } from '../storage/files.ts'
import { openInstants } from '../storage/instants.ts'
import { openNetlifyStore } from '../storage/netlify.ts'
import { openWakeMark } from '../storage/wake.ts'

const now = () => new Date()
/** Of a mark or an instant: a ping, and a person who cancels, can't wait as long as a file can. */
const patienceMs = 4_000

export function openStores() {
  if (!process.env['NETLIFY_BLOBS_CONTEXT']) {
    throw new AppError('not_configured', 'The blob store is not known: NETLIFY_BLOBS_CONTEXT is not set.')
  }
  return {
    files: openFiles(openNetlifyStore('files')),
    wake: openWakeMark(openNetlifyStore('wake', { patienceMs }), { now }),
    instants: openInstants(openNetlifyStore('instants', { patienceMs }), now),
  }
}
