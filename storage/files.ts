// Stored files: results and uploads, kept in a blob store in parts of 8 MiB. Rooms and passes call it. It promises that memory stays
// bounded whatever the size, that a half-written file does not exist, and that a file's type is what its content says.
import { createHash, type Hash } from 'node:crypto'
import type { Store } from '@netlify/blobs'
import { z } from 'zod'
import { type ByteRange, cutParts, joinParts, streamOf } from './parts.ts'
import { detectType, sampleBytes } from './type.ts'

export interface StoredFile {
  key: string
  type: string
  size: number
  etag: string
}

export interface WriteOptions {
  /** Media types. One without a signature (JSON, octet-stream) is given only where no signature is recognised. */
  accept: readonly string[]
  maxBytes: number
}

export interface Files {
  /** A key is written once. Writing it again is right only for the same content, as after a crash. */
  write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<StoredFile>
  stat(key: string): Promise<StoredFile | undefined>
  /** Nothing is fetched before the body is read. `range` lies within the file. */
  read(key: string, range?: ByteRange): Promise<{ file: StoredFile; body: ReadableStream<Uint8Array> } | undefined>
  remove(key: string): Promise<void>
}

/** The content itself is at fault, so another try would end the same way. */
export class UnacceptableFile extends Error {
  override name = 'UnacceptableFile'
  readonly reason: 'too_large' | 'wrong_type' | 'empty'

  constructor(reason: UnacceptableFile['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

// `part` is kept with each file, so that files outlive a change of the constant.
const metadata = z.object({ type: z.string(), size: z.number(), etag: z.string(), part: z.number() })
type Kept = z.infer<typeof metadata>

const partBytes = 8 * 1024 * 1024

/** `store` must read with strong consistency: a result is shown the moment it is written. */
export function openFiles(store: Store): Files {
  return {
    write: (key, body, options) => writeFile(store, key, body, options),
    stat: async (key) => {
      const kept = await look(store, key)
      return kept && fileOf(key, kept)
    },
    read: async (key, range) => {
      const kept = await look(store, key)
      if (!kept) return undefined
      const chunks = joinParts(store, key, kept.part, range ?? { start: 0, end: kept.size - 1 })
      return { file: fileOf(key, kept), body: streamOf(chunks) }
    },
    remove: async (key) => {
      // Part 0 goes first: from then on the file does not exist, whatever happens to the rest.
      await store.delete(`${key}/0`)
      const { blobs } = await store.list({ prefix: `${key}/` })
      for (const blob of blobs) await store.delete(blob.key)
    },
  }
}

const fileOf = (key: string, { type, size, etag }: Kept): StoredFile => ({ key, type, size, etag })

async function look(store: Store, key: string): Promise<Kept | undefined> {
  const found = await store.getMetadata(`${key}/0`)
  return found ? metadata.parse(found.metadata) : undefined
}

async function writeFile(store: Store, key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions) {
  const hash = createHash('sha256')
  const kept: Kept = { type: '', size: 0, etag: '', part: partBytes }
  let first: Blob | undefined
  let parts = 0
  try {
    for await (const part of cutParts(checked(body, options, hash, kept), partBytes)) {
      // Part 0 makes the file exist, so it waits until all others are there.
      if (parts === 0) first = part
      else await store.set(`${key}/${parts}`, part)
      parts += 1
    }
  } catch (error) {
    // Cut short by a failure, it keeps its parts: another writer may be at work on the same ones.
    if (error instanceof UnacceptableFile) await removeRefused(store, key, parts)
    throw error
  }
  if (!first) throw new UnacceptableFile('empty', 'The file is empty')
  kept.etag = hash.digest('hex').slice(0, 32)
  await store.set(`${key}/0`, first, { metadata: kept })
  return fileOf(key, kept)
}

/** Passes the bytes on, counted and hashed. Throwing ends the loop over the source, and so closes it: no byte more is asked for. */
async function* checked(body: AsyncIterable<Uint8Array>, { accept, maxBytes }: WriteOptions, hash: Hash, kept: Kept) {
  let sample = new Uint8Array()
  for await (const chunk of body) {
    kept.size += chunk.byteLength
    if (kept.size > maxBytes) throw new UnacceptableFile('too_large', `The file is larger than ${maxBytes} bytes`)
    hash.update(chunk)
    if (!kept.type) {
      sample = Buffer.concat([sample, chunk.subarray(0, sampleBytes - sample.byteLength)])
      if (sample.byteLength >= sampleBytes) kept.type = await requireType(sample, accept)
    }
    yield chunk
  }
  if (kept.size > 0) kept.type ||= await requireType(sample, accept)
}

async function requireType(sample: Uint8Array, accept: readonly string[]): Promise<string> {
  const type = await detectType(sample, accept)
  if (!type)
    throw new UnacceptableFile('wrong_type', `The file's content is not of a type accepted here: ${accept.join(', ')}`)
  return type
}

async function removeRefused(store: Store, key: string, parts: number): Promise<void> {
  for (let index = 1; index < parts; index += 1) await store.delete(`${key}/${index}`)
}
