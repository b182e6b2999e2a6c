// Addresses of ours in a start request mean the same however they are written: with our origin or without, percent-encoded, with dots.
// start.ts shortens them before it checks its input; recipes/fields.ts takes an upload's and refuses a result's.

import { uploadId } from '../../core/upload.ts'
import { resultPath } from '../../core/view.ts'
import type { Deps } from '../../engine/deps.ts'

/** One upload, one request, one hash. */
export function shortenOwn(request: Request, deps: Deps, fields: unknown): unknown {
  const { PUBLIC_URL } = deps.config
  const here = new URL(request.url).origin
  const origins = new Set([here, ...(PUBLIC_URL ? [new URL(PUBLIC_URL).origin] : [])])
  const shorten = (value: unknown): unknown => {
    if (typeof value === 'string') return shortenAddress(value, here, origins)
    if (Array.isArray(value)) return value.map(shorten)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]))
  }
  return shorten(fields)
}

function shortenAddress(value: string, here: string, origins: ReadonlySet<string>): string {
  // What can't be one isn't parsed: data of megabytes, and texts.
  if (value.length > longest || !/^\s*(https?:|[/\\])/i.test(value)) return value
  const url = URL.parse(value, here)
  if (!url || !origins.has(url.origin)) return value
  const pathname = decoded(url.pathname)
    .replaceAll(/\/{2,}/g, '/')
    .replace(/\/$/, '')
  const short = pathname + url.search
  return pathname === resultPath || uploadId(short) ? short : value
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
