// What a store of blobs can do, whichever kind it is, and how it fails. files.ts, wake.ts and instants.ts work on this. The kinds are
// netlify/, s3/ and folder/; one conformance suite holds for all of them.

/** Both ends included, as in HTTP. */
export interface ByteRange {
  start: number
  end: number
}

export interface Page {
  /** `size` where the kind's listing tells it. */
  blobs: { key: string; size?: number }[]
  /** With `directories`: what follows the prefix up to the next slash, prefix included. */
  directories: string[]
}

export interface AddressOptions {
  /** The `content-disposition` of the answer. */
  disposition?: string | undefined
  cacheControl?: string | undefined
}

/** It must read with strong consistency: a result is shown the moment it is written. No write depends on what was there before. */
export interface BlobStore {
  /** The blob's metadata; undefined where there is no such blob. */
  head(key: string): Promise<Record<string, unknown> | undefined>
  /** Undefined where there is no such blob. Without a range, all of it. */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  readJson(key: string): Promise<unknown>
  /** Whole or not at all. `type` is what a link to it answers with. */
  write(key: string, bytes: ArrayBuffer, metadata?: Record<string, unknown>, type?: string): Promise<void>
  writeJson(key: string, value: unknown): Promise<void>
  /** Whether it was there or not, and with what a writer that died has left of it. */
  remove(key: string): Promise<void>
  /**
   * One page after the other, so that nobody holds the names of all that is stored. A kind that keeps what a dead writer has begun
   * lists it under its key, so that whoever removes what is listed removes that too.
   */
  list(options: { prefix: string; directories?: boolean }): AsyncIterable<Page>
  /**
   * Makes one blob of bytes and of blobs that are stored already, in this order; those stay. All but the last are of one size, 5 MiB
   * at least. A kind that leaves it out keeps files in parts.
   */
  compose?(key: string, first: ArrayBuffer, others: readonly string[], how: ComposeOptions): Promise<void>
  /** An address at which anybody can fetch the blob for so many seconds. A kind that has none leaves it out. */
  link?(key: string, seconds: number, options?: AddressOptions): Promise<string>
  /** The same store, for a caller who gives up when the signal fires. A kind may leave it out. */
  until?(signal: AbortSignal): BlobStore
}

interface ComposeOptions {
  metadata: Record<string, unknown>
  type: string
}

/** Opens the store of a name; all of a deployment's lie beside each other. `patienceMs`: for a call with a small answer. */
export type OpenStore = (name: string, options?: { patienceMs?: number }) => BlobStore

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

/** The schema of a record, made when the first is read, and kept: few functions that start read any, and to make it takes a hundred reads' time. */
export function recordSchema<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined
  return () => (made ??= make())
}
