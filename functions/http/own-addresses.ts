// Addresses of ours in a start request, however they are written: an upload's means the same with and without our origin; a result's
// can't be used as an input, and is refused before anything is paid. Called by start.ts.
import { uploadId } from '../../core/upload.ts'
import type { Deps } from '../../engine/deps.ts'
import { invalid } from './request.ts'

/** One upload, one request, one hash. Throws `invalid_request` for the address of a result. */
export function shortenOwn(request: Request, deps: Deps, fields: unknown): unknown {
  const { PUBLIC_URL } = deps.config
  const here = new URL(request.url).origin
  const origins = new Set([here, ...(PUBLIC_URL ? [new URL(PUBLIC_URL).origin] : [])])
  const shorten = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') return shortenAddress(value, path, here, origins)
    if (Array.isArray(value)) return value.map((inner, index) => shorten(inner, join(path, String(index))))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner, join(path, key))]))
  }
  return shorten(fields, '')
}

function shortenAddress(value: string, path: string, here: string, origins: ReadonlySet<string>): string {
  // What can't be one isn't parsed: data of megabytes, and texts.
  if (value.length > longest || !/^\s*(https?:|[/\\])/i.test(value)) return value
  const url = URL.parse(value, here)
  if (!url || !origins.has(url.origin)) return value
  const pathname = decoded(url.pathname)
    .replaceAll(/\/{2,}/g, '/')
    .replace(/\/$/, '')
  if (pathname === '/api/result') {
    const message = 'must not be the address of a result here; download it and upload it, or send another https URL'
    throw invalid([{ path, message }])
  }
  const short = pathname === '/api/upload' ? `${pathname}${url.search}` : undefined
  return short && uploadId(short) ? short : value
}

const longest = 4_096

/** Some servers take `/api/%72esult` for the same. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return pathname
  }
}

const join = (path: string, key: string) => (path ? `${path}.${key}` : key)
