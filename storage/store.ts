// What a store of blobs can do, whichever kind it is, and how it fails. files.ts, wake.ts and instants.ts work on this; netlify.ts is
// the kind that a deployment on Netlify has.
import type { Store } from '@netlify/blobs'

export interface Page {
  blobs: { key: string }[]
  /** With `directories`: what follows the prefix up to the next slash, prefix included. */
  directories: string[]
}

/** The part of a store that is used here, in the words of Netlify's client. It must read with strong consistency. */
export interface BlobStore extends Pick<Store, 'get' | 'getWithMetadata' | 'set' | 'setJSON' | 'delete'> {
  /** One page after the other, so that nobody holds the names of all that is stored. */
  list(options: { prefix: string; directories?: boolean; paginate: true }): AsyncIterable<Page>
  /** The same store, for a caller who gives up when the signal fires. A kind may leave it out. */
  until?(signal: AbortSignal): BlobStore
}

/** The store gave no answer, or a bad one. Says nothing of what is stored: the same call may succeed later. */
export class StoreFault extends Error {
  override name = 'StoreFault'
}

/** The store answered 401 or 403: our credentials are at fault, never the file. Lasting until somebody mends them, or the next invocation brings a token. */
export class StoreRefusal extends StoreFault {
  override name = 'StoreRefusal'
}

export const bound = (store: BlobStore, signal: AbortSignal | undefined): BlobStore =>
  (signal && store.until?.(signal)) ?? store
