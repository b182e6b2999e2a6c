// Answers GET and HEAD with a stored file: ranges, conditional requests, downloads; or sends to the store itself, where it has addresses of
// its own. The result, share and upload endpoints call it.
// It promises that no browser takes a stored file for a page, and that a file vanishing midway breaks the answer instead of ending it.
import { AppError } from '../core/errors.ts'
import type { Files } from './files.ts'
import type { ByteRange } from './store.ts'

interface ServeOptions {
  /** A file name: the answer is then something to save, not to show. */
  download?: string
  cacheControl: string
  /** What one answer may carry on this platform. A larger file is given in ranges: a longer range ends early, none at all is refused. */
  maxBytes?: number | undefined
}

/** Long enough to begin a download, and to take a broken one up again. */
const linkSeconds = 15 * 60

/** Undefined where there is no such file. A range outside of the file is refused with `range_not_satisfiable`. */
export async function serveFile(
  request: Request,
  files: Files,
  key: string,
  options: ServeOptions,
): Promise<Response | undefined> {
  // Of a body that is not read, nothing is fetched: none of the answers below has to end one.
  const whole = await files.read(key)
  if (!whole) return undefined
  const { type, size, etag: hash } = whole.file
  const etag = `"${hash}"`
  const headers = new Headers({ etag, 'cache-control': options.cacheControl })
  if (isMatch(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })

  if (request.method === 'GET') {
    const disposition = options.download === undefined ? undefined : plainAttachment(options.download)
    const address = await files.link(key, linkSeconds, { disposition, cacheControl: keptAsLink(options.cacheControl) })
    // Not to be kept: the address opens the file for whoever has it, and only for a while.
    if (address)
      return new Response(null, { status: 302, headers: { location: address, 'cache-control': 'private, no-store' } })
  }
  headers.set('content-type', type)
  headers.set('accept-ranges', 'bytes')
  headers.set('x-content-type-options', 'nosniff')
  headers.set('content-security-policy', "default-src 'none'; sandbox")
  if (options.download !== undefined) headers.set('content-disposition', attachment(options.download))

  const range = requestedRange(request, etag, size)
  const maxBytes = options.maxBytes ?? size
  if (!range) {
    if (request.method !== 'HEAD' && size > maxBytes) throw needsRange(size, maxBytes)
    headers.set('content-length', String(size))
    return new Response(request.method === 'HEAD' ? null : whole.body, { headers })
  }
  range.end = Math.min(range.end, range.start + maxBytes - 1)
  const part = await files.read(key, range)
  if (!part) return undefined
  headers.set('content-length', String(range.end - range.start + 1))
  headers.set('content-range', `bytes ${range.start}-${range.end}/${size}`)
  return new Response(part.body, { status: 206, headers })
}

/** The store's address opens the file for a while: nothing keeps the file for longer by it. */
const keptAsLink = (cacheControl: string): string =>
  cacheControl.replace(/max-age=(\d+)/, (_, age: string) => `max-age=${Math.min(Number(age), linkSeconds)}`)

/** If-None-Match compares weakly, and `*` is any file at all (RFC 9110, 13.1.2). */
function isMatch(header: string | null, etag: string): boolean {
  if (header === null) return false
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

/** Undefined means the whole file: no range, several, another unit, a malformed one, or one of an earlier content (RFC 9110, 14.2). */
function requestedRange(request: Request, etag: string, size: number): ByteRange | undefined {
  const ifRange = request.headers.get('if-range')
  const asked = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(request.headers.get('range') ?? '')
  if (request.method !== 'GET' || !asked || (ifRange !== null && ifRange !== etag)) return undefined
  const [, from = '', to = ''] = asked
  if (from === '' && to === '') return undefined
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined
  // `-500` is the last 500 bytes, of a shorter file all of it.
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (start > end) {
    throw new AppError('range_not_satisfiable', `The file has ${size} bytes; ask for a range within them.`, {
      headers: { 'content-range': `bytes */${size}` },
    })
  }
  return { start, end }
}

/** Better than an answer that the platform cuts off in the middle. */
function needsRange(size: number, maxBytes: number): AppError {
  const detail = `The file has ${size} bytes, and one answer at most ${maxBytes} of them: ask for it range by range, beginning with Range: bytes=0-${maxBytes - 1}.`
  return new AppError('range_not_satisfiable', detail, {
    headers: { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' },
  })
}

/** In ASCII alone. Part of a signed address, in which servers differ about the signs that the other form needs. */
const plainAttachment = (name: string): string =>
  `attachment; filename="${name.replace(/[^\x20-\x7e]|["\\%/'()*!]/g, '_')}"`

/** The name twice: in ASCII for old clients, in UTF-8 for all others (RFC 6266). */
function attachment(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%/]/g, '_')
  const utf8 = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${utf8}`
}
