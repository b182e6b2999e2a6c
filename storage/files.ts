// Stored files: results and uploads, written to a store in parts of 8 MiB. Endpoints and passes call it. It promises that memory stays
// bounded whatever the size, that a half-written file does not exist, and that a file's type is what its content says.
import { joinParts, streamOf } from './parts.ts'
import { type AddressOptions, type BlobStore, type ByteRange, bound, type Page } from './store.ts'
import { type Chunks, copyFile, type Kept, readKept, type Source, type WriteOptions, writeFile } from './write.ts'

export interface StoredFile {
  key: string
  type: string
  size: number
  etag: string
}

export interface Files {
  /** A key is written once. Writing it again is right only for the same content, as after a crash. */
  write(key: string, body: Chunks, options: WriteOptions): Promise<StoredFile>
  /**
   * The same from a source that is fetched, with its content whole or not at all. Undefined when `isLate` stopped it: what is done is
   * kept, and the same call goes on later. Each call gets something done, however late it is.
   */
  copy(key: string, source: Source, options: WriteOptions & { isLate(): boolean }): Promise<StoredFile | undefined>
  stat(key: string): Promise<StoredFile | undefined>
  /** Nothing is fetched before the body is read. `range` lies within the file. */
  read(key: string, range?: ByteRange): Promise<{ file: StoredFile; body: ReadableStream<Uint8Array> } | undefined>
  /** An address at which anybody can fetch the whole file from the store itself, for so many seconds; undefined where it has none. */
  link(key: string, seconds: number, options?: AddressOptions): Promise<string | undefined>
  remove(key: string): Promise<void>
  /** The next parts of the keys that begin with `prefix`, which ends with a slash. */
  folders(prefix: string): Promise<string[]>
  /** The keys of all files that begin with `prefix`, where they are few. */
  keys(prefix: string): Promise<string[]>
  /** Removes files whose keys begin with `prefix`, at most about `limit` of them. Gives how many parts went. */
  clear(prefix: string, limit: number): Promise<number>
}

/** Far more parts than a task ever has, or a user uploads in an hour. */
export const mostParts = 100_000

const removeAtOnce = 10

/** `store` must read with strong consistency: a result is shown the moment it is written. */
export function openFiles(store: BlobStore): Files {
  return {
    write: async (key, body, options) => fileOf(key, await writeFile(bound(store, options.signal), key, body, options)),
    copy: async (key, source, options) => {
      const kept = await copyFile(bound(store, options.signal), key, source, options)
      return kept && fileOf(key, kept)
    },
    stat: async (key) => {
      const kept = await readKept(store, key)
      return kept && fileOf(key, kept)
    },
    read: async (key, range) => {
      const kept = await readKept(store, key)
      if (!kept) return undefined
      const chunks = joinParts(store, key, kept.part, range ?? { start: 0, end: kept.size - 1 })
      return { file: fileOf(key, kept), body: streamOf(chunks) }
    },
    // Where a store has addresses, it makes one blob of each file.
    link: async (key, seconds, options) => store.link?.(`${key}/0`, seconds, options),
    remove: async (key) => {
      // Part 0 goes first: from then on the file does not exist, whatever happens to the rest.
      await store.remove(`${key}/0`)
      for await (const { blobs } of store.list({ prefix: `${key}/` }))
        for (const blob of blobs) await store.remove(blob.key)
    },
    folders: async (prefix) => {
      const names: string[] = []
      for await (const { directories } of store.list({ prefix, directories: true }))
        names.push(...directories.map((path) => path.slice(prefix.length).replace(/\/.*$/, '')))
      return names
    },
    keys: async (prefix) => {
      const keys: string[] = []
      for await (const { blobs } of store.list({ prefix })) keys.push(...filesAmong(blobs))
      return keys
    },
    clear: (prefix, limit) => clearFolder(store, prefix, limit),
  }
}

/** The file that exists with this blob, its part 0; undefined where the blob is another part, or a record beside them. */
export const fileOfPart = (key: string): string | undefined => (key.endsWith('/0') ? key.slice(0, -2) : undefined)

/** The keys of the files that a listing shows. */
export const filesAmong = (blobs: Page['blobs']): string[] => blobs.flatMap(({ key }) => fileOfPart(key) ?? [])

const fileOf = (key: string, { type, size, etag }: Kept): StoredFile => ({ key, type, size, etag })

/** Reads no more of the listing than it removes: a folder may hold very many. */
async function clearFolder(store: BlobStore, prefix: string, limit: number): Promise<number> {
  let removed = 0
  for await (const { blobs } of store.list({ prefix })) {
    for (let from = 0; from < blobs.length && removed < limit; from += removeAtOnce) {
      const some = blobs.slice(from, from + Math.min(removeAtOnce, limit - removed))
      await Promise.all(some.map(({ key }) => store.remove(key)))
      removed += some.length
    }
    if (removed >= limit) break
  }
  return removed
}
