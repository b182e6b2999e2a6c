// Addresses of ours in a start request mean the same however they are written: with our origin or without, percent-encoded, with dots.
// Start, redo and continue shorten them before they check their input; recipes/fields.ts takes an upload's and a result's, and refuses what else
// there is under /api/: a provider could open none of it.

import type { Deps } from '../../engine/deps.ts'

/** One upload, one request, one hash. */
export function shortenOwn<Fields>(request: Request, deps: Deps, fields: Fields): Fields {
  const { PUBLIC_URL } = deps.config
  const here = new URL(request.url).origin
  const hosts = new Set([here, ...(PUBLIC_URL ? [PUBLIC_URL] : [])].map((address) => hostOf(new URL(address))))
  const shorten = (value: unknown): unknown => {
    if (typeof value === 'string') return shortenAddress(value, here, hosts)
    if (Array.isArray(value)) return value.map(shorten)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]))
  }
  // Only words are changed, never the shape.
  return shorten(fields) as Fields
}

/** By any scheme, and with the dot that names may end with. */
const hostOf = ({ hostname, port }: URL): string => `${hostname.replace(/\.$/, '')}:${port}`

function shortenAddress(value: string, here: string, hosts: ReadonlySet<string>): string {
  // What can't be one isn't parsed: data of megabytes, and texts.
  if (value.length > longest || !/^\s*(https?:|[/\\])/i.test(value)) return value
  const url = URL.parse(value, here)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || !hosts.has(hostOf(url))) return value
  const pathname = decoded(url.pathname)
    .replaceAll(/\/{2,}/g, '/')
    .replace(/\/$/, '')
  return pathname.startsWith('/api/') ? pathname + url.search : value
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
