// Writes files part by part: from a stream in one go, or from a source that can be asked again, in as many passes as it takes.
// Part 0 is stored last and makes the file exist. What a pass got done is kept in a small record beside the parts until then. storage/files.ts
// calls it.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { cutParts, type Part, partBytes } from './parts.ts'
import { type BlobStore, recordSchema } from './store.ts'
import { detectType, sampleBytes } from './type.ts'

export interface WriteOptions {
  /** Media types. One without a signature (JSON, octet-stream) is given only where no signature is recognised. */
  accept: readonly string[]
  maxBytes: number
  /** When it fires, the store is waited for no longer. */
  signal?: AbortSignal
}

/** The content itself is at fault, so another try would end the same way. */
export class UnacceptableFile extends Error {
  override name = 'UnacceptableFile'
  readonly reason: 'too_large' | 'wrong_type' | 'empty'

  constructor(reason: UnacceptableFile['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Content as it comes, or is there already. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Content that is fetched from somewhere. */
export interface Source {
  /** The bytes from `start` on; or from an earlier one, where a source can't begin in the middle. */
  open(start: number): Promise<Opened>
}

export interface Opened {
  start: number
  /** The size of the whole, where it is told. */
  total: number | undefined
  body: AsyncIterable<Uint8Array> & { cancel(): void }
}

/** What part 0 carries. `part` is kept with each file, so that files outlive a change of the constant. */
const metadata = recordSchema(() =>
  z.object({ type: z.string(), size: z.number(), etag: z.string(), part: z.number() }),
)
export type Kept = z.infer<ReturnType<typeof metadata>>

/** What part 0 says of a file that exists. */
export async function readKept(store: BlobStore, key: string): Promise<Kept | undefined> {
  const found = await store.head(`${key}/0`)
  return found && metadata().parse(found, { jitless: true })
}

/** What was stored of a file that does not exist yet: the hash of each of its parts, part 0 included though it isn't stored. */
const progress = recordSchema(() =>
  z.object({ part: z.number(), size: z.number(), total: z.number(), hashes: z.array(z.string()).min(2) }),
)
type Progress = z.infer<ReturnType<typeof progress>>

const progressKey = (key: string) => `${key}/progress`

interface Writing {
  size: number
  type: string
  hashes: string[]
  options: WriteOptions
}

const begin = (options: WriteOptions): Writing => ({ size: 0, type: '', hashes: [], options })

export async function writeFile(store: BlobStore, key: string, body: Chunks, options: WriteOptions): Promise<Kept> {
  const writing = begin(options)
  let first: Part | undefined
  try {
    for await (const part of cutParts(checked(body, writing), partBytes)) {
      if (first) await storePart(store, key, part, writing)
      else {
        first = part
        writing.hashes.push(part.hash)
      }
    }
  } catch (error) {
    await removeRefused(store, key, writing, error)
    throw error
  }
  return finish(store, key, first, writing)
}

/**
 * Undefined when `isLate` stopped it: at least one part more is stored then, and the next call goes on after it. The beginning is
 * fetched by each call: part 0 is stored only at the end, and it shows whether the content is still the same.
 */
export async function copyFile(
  store: BlobStore,
  key: string,
  source: Source,
  { isLate, ...options }: WriteOptions & { isLate(): boolean },
): Promise<Kept | undefined> {
  const opened = await source.open(0)
  const { total } = opened
  if (total !== undefined && total > options.maxBytes) {
    opened.body.cancel()
    throw tooLarge(options)
  }
  let writing = begin(options)
  let parts = cutParts(checked(opened.body, writing), partBytes)
  try {
    const { value: first } = await parts.next()
    if (first) writing.hashes.push(first.hash)
    // Of what is told to be small, another copy costs less than to look for the one before.
    const known = total !== undefined && total <= partBytes ? undefined : await readKept(store, key)
    if (known) {
      // By a pass, perhaps, that died before it had removed what is no longer needed.
      if (known.size > partBytes) await Promise.all([removeMerged(store, key, known), store.remove(progressKey(key))])
      return known
    }
    const before = first && total !== undefined && total > partBytes ? await readProgress(store, key) : undefined
    if (before && before.total === total && before.hashes[0] === first?.hash) {
      await parts.return(undefined)
      writing = { ...writing, size: before.size, hashes: before.hashes }
      parts = cutParts(checked(await openAt(source, before.size, total), writing), partBytes)
    }
    for await (const part of parts) {
      await storePart(store, key, part, writing)
      if (total === undefined) continue
      await store.writeJson(progressKey(key), {
        part: partBytes,
        size: sizeOf(writing, total),
        total,
        hashes: writing.hashes,
      })
      if (isLate() && sizeOf(writing, total) < total) return undefined
    }
    if (total !== undefined && writing.size !== total)
      throw new Error(`The file ended at byte ${writing.size} of ${total}`)
    const kept = await finish(store, key, first, writing)
    if (writing.hashes.length > 1) await store.remove(progressKey(key))
    return kept
  } catch (error) {
    await removeRefused(store, key, writing, error)
    throw error
  } finally {
    await parts.return(undefined)
  }
}

/** Of the parts that are done; bytes of the next one may have come already. */
const sizeOf = ({ hashes }: Writing, total: number): number => Math.min(hashes.length * partBytes, total)

/** The bytes from `start` on, whatever the source begins with. */
async function openAt(source: Source, start: number, total: number): Promise<Chunks> {
  if (start === total) return []
  const opened = await source.open(start)
  if (opened.total === total && opened.start <= start) return skip(opened.body, start - opened.start)
  opened.body.cancel()
  throw new Error(`The file was of ${total} bytes, and is of ${opened.total} now`)
}

async function* skip(body: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of body) {
    if (left < chunk.byteLength) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.byteLength)
  }
}

async function readProgress(store: BlobStore, key: string): Promise<Progress | undefined> {
  const found = progress().safeParse(await store.readJson(progressKey(key)), { jitless: true })
  return found.success && found.data.part === partBytes ? found.data : undefined
}

async function storePart(store: BlobStore, key: string, part: Part, writing: Writing): Promise<void> {
  await store.write(`${key}/${writing.hashes.length}`, part.bytes)
  writing.hashes.push(part.hash)
}

/** Where the store can make one blob of the parts, it does: an address of its own then gives the file whole. */
async function finish(store: BlobStore, key: string, first: Part | undefined, writing: Writing): Promise<Kept> {
  if (!first) throw new UnacceptableFile('empty', 'The file is empty')
  const { type, size, hashes } = writing
  // Of the parts' hashes, so that parts of an earlier pass needn't be read again.
  const etag = createHash('sha256').update(hashes.join()).digest('hex').slice(0, 32)
  const kept: Kept = { type, size, etag, part: partBytes }
  if (!store.compose || hashes.length === 1) {
    await store.write(`${key}/0`, first.bytes, kept, type)
    return kept
  }
  const whole: Kept = { ...kept, part: size }
  await store.compose(`${key}/0`, first.bytes, partsOf(key, hashes.length), { metadata: whole, type })
  await removeMerged(store, key, whole)
  return whole
}

/** All but part 0. */
const partsOf = (key: string, count: number): string[] =>
  Array.from({ length: count - 1 }, (_, index) => `${key}/${index + 1}`)

/** The parts that part 0 holds now; those that a pass left which died after it had put them together, as well. */
async function removeMerged(store: BlobStore, key: string, { part, size }: Kept): Promise<void> {
  if (part !== size) return
  await Promise.all(partsOf(key, Math.ceil(size / partBytes)).map((name) => store.remove(name)))
}

/** Passes the bytes on, counted. Throwing ends the loop over the source, and so closes it: no byte more is asked for. */
async function* checked(body: Chunks, writing: Writing) {
  const { options } = writing
  let sample = new Uint8Array()
  for await (const chunk of body) {
    writing.size += chunk.byteLength
    if (writing.size > options.maxBytes) throw tooLarge(options)
    if (!writing.type) {
      sample = Buffer.concat([sample, chunk.subarray(0, sampleBytes - sample.byteLength)])
      if (sample.byteLength >= sampleBytes) writing.type = await requireType(sample, options)
    }
    yield chunk
  }
  if (writing.size > 0) writing.type ||= await requireType(sample, options)
}

const tooLarge = ({ maxBytes }: WriteOptions) =>
  new UnacceptableFile('too_large', `The file is larger than ${maxBytes} bytes`)

async function requireType(sample: Uint8Array, { accept }: WriteOptions): Promise<string> {
  const type = await detectType(sample, accept)
  if (!type)
    throw new UnacceptableFile('wrong_type', `The file's content is not of a type accepted here: ${accept.join(', ')}`)
  return type
}

/** Cut short by a failure, a file keeps its parts: the next pass, or another writer, is to go on with them. */
async function removeRefused(store: BlobStore, key: string, { hashes }: Writing, error: unknown): Promise<void> {
  if (!(error instanceof UnacceptableFile) || hashes.length < 2) return
  for (const name of partsOf(key, hashes.length)) await store.remove(name)
  await store.remove(progressKey(key))
}
