// Fetches a stored file whole: in one answer, or range by range where it is larger than one answer may be.
import { StepgateError, unexpected, unreachable } from './error.ts'
import type { Ask, Read } from './request.ts'

interface Part {
  bytes: Uint8Array<ArrayBuffer>[]
  type: string
  etag: string | null
  /** Where the next part begins; undefined after the last one. */
  next: number | undefined
}

export async function fetchFile(ask: Ask, url: string, signal?: AbortSignal): Promise<Blob> {
  let part: Part
  try {
    part = await ask(url, { signal }, readPart(0))
  } catch (error) {
    const isTooLarge = error instanceof StepgateError && error.status === 416
    if (!isTooLarge) throw error
    part = await askPart(ask, url, 0, signal)
  }
  const { type, etag, bytes } = part
  while (part.next !== undefined) {
    part = await askPart(ask, url, part.next, signal)
    if (part.etag !== etag) throw unreachable('The file changed while it was fetched.')
    bytes.push(...part.bytes)
  }
  return new Blob(bytes, { type })
}

const askPart = (ask: Ask, url: string, from: number, signal: AbortSignal | undefined): Promise<Part> =>
  ask(url, { signal, headers: { range: `bytes=${from}-` } }, readPart(from))

/** A whole file answers to a range as well, where something between doesn't know ranges; then it must be the first. */
function readPart(from: number): Read<Part> {
  return async (response, heard) => {
    const { status, headers } = response
    const type = headers.get('content-type') ?? ''
    if (/^text\/html\b/i.test(type)) throw unexpected(response, 'a page')
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '')
    const [first = 0, last = 0, size = 0] = range ? range.slice(1).map(Number) : []
    const isFitting = status === 206 ? range !== null && first === from && last >= first : status === 200 && from === 0
    if (!isFitting)
      throw unexpected(response, `${headers.get('content-range') ?? 'no range'} to a file from byte ${from}`)
    const bytes: Uint8Array<ArrayBuffer>[] = []
    let count = 0
    for await (const chunk of chunksOf(response)) {
      heard()
      bytes.push(chunk)
      count += chunk.byteLength
    }
    const expected = status === 206 ? last - first + 1 : lengthOf(headers)
    if (expected !== undefined && count !== expected) throw unreachable(`The file broke off after ${count} bytes.`)
    const next = status === 206 && last + 1 < size ? last + 1 : undefined
    return { bytes, type, etag: headers.get('etag'), next }
  }
}

/** Safari can't iterate a stream yet. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (!body) return
  const reader = body.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
}

/** A length counts bytes on the wire, so that of a packed answer says nothing here. */
function lengthOf(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  return length === null || headers.has('content-encoding') ? undefined : Number(length)
}
