// Cuts a stream of bytes into parts, and puts parts together again. files.ts uses it; at most one part is held in memory at a time.
import { createHash } from 'node:crypto'
import { endsWithin } from '../core/deadline.ts'
import { type BlobStore, type ByteRange, StoreFault } from './store.ts'

/** What one blob holds. A store takes parts of this size in a moment, and a function has room for some of them. */
export const partBytes = 8 * 1024 * 1024

export interface Part {
  /** Not a Blob, which is read in small pieces by turns: that takes longer than all else of a picture's copy. */
  bytes: ArrayBuffer
  hash: string
}

/** All parts but the last have exactly `size` bytes; nothing comes of nothing. */
export async function* cutParts(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Part, undefined> {
  let pieces: Uint8Array<ArrayBuffer>[] = []
  let left = size
  let hash = createHash('sha256')
  const add = (piece: Uint8Array) => {
    hash.update(piece)
    // Copied, because a source may use its buffer again.
    pieces.push(new Uint8Array(piece))
    left -= piece.byteLength
  }
  const close = (): Part => {
    const part = { bytes: joined(pieces, size - left), hash: hash.digest('hex') }
    pieces = []
    left = size
    hash = createHash('sha256')
    return part
  }
  for await (const chunk of chunks) {
    let rest = chunk
    while (rest.byteLength >= left) {
      const piece = rest.subarray(0, left)
      rest = rest.subarray(piece.byteLength)
      add(piece)
      yield close()
    }
    add(rest)
  }
  if (left < size) yield close()
}

function joined(pieces: readonly Uint8Array[], size: number): ArrayBuffer {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.byteLength
  }
  return bytes.buffer
}

/** Between two pieces of a part that is read. A store that answers gives them within milliseconds. */
const silenceMs = 10_000

/** The bytes of `range`, out of those parts alone that hold some of them. A part that is missing or cut short is an error. */
export async function* joinParts(
  store: BlobStore,
  key: string,
  partBytes: number,
  range: ByteRange,
): AsyncGenerator<Uint8Array, void> {
  for (let index = Math.floor(range.start / partBytes); index * partBytes <= range.end; index += 1) {
    const first = index * partBytes
    const from = Math.max(range.start - first, 0)
    const to = Math.min(range.end + 1 - first, partBytes)
    yield* slicePart(store, `${key}/${index}`, from, to)
  }
}

async function* slicePart(store: BlobStore, name: string, from: number, to: number) {
  const part = await store.read(name, { start: from, end: to - 1 })
  if (!part) throw new Error(`Stored part ${name} is gone`)
  let at = from
  for await (const chunk of piecesOf(part)) {
    at += chunk.byteLength
    yield chunk
  }
  if (at !== to) throw new Error(`Stored part ${name} ends at byte ${at}, before ${to}`)
}

/** The clock runs only while a piece is waited for: whoever reads may be slow. */
async function* piecesOf(part: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = part.getReader()
  try {
    for (;;) {
      const next = reader.read()
      if (!(await endsWithin(silenceMs, next))) throw new StoreFault(`The blob store gave nothing for ${silenceMs} ms`)
      const { done, value } = await next
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}

/** A stream of what a generator yields, asked for one chunk at a time as it is read, and closed when its reader leaves. */
export function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await chunks.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: async () => {
        await chunks.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
