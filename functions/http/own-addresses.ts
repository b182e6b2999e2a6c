// Writes an address of ours in one short form, however a request writes it: with our origin or without, percent-encoded, with dots, in
// capitals. Start, redo, continue and delete call it before they check their input. Of these addresses recipes/fields.ts takes an upload's and
// a result's, and refuses all others: a provider could open none of them.

import type { Deps } from '../../engine/deps.ts'

/** One upload, one request, one hash. */
export function shortenOwn<Fields>(request: Request, deps: Deps, fields: Fields): Fields {
  const { PUBLIC_URL } = deps.config
  const here = new URL(request.url).origin
  const ours = [here, ...(PUBLIC_URL ? [PUBLIC_URL] : [])].map((address) => new URL(address))
  const hosts = new Set(ours.flatMap((url) => [nameOf(url), hostOf(url)]))
  const shorten = (value: unknown): unknown => {
    if (typeof value === 'string') return shortenAddress(value, here, hosts)
    if (Array.isArray(value)) return value.map(shorten)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]))
  }
  // Only words are changed, never the shape.
  return shorten(fields) as Fields
}

/** With or without the dot that names may end with. */
const nameOf = ({ hostname }: URL): string => hostname.replace(/\.$/, '')
/** By any scheme. */
const hostOf = (url: URL): string => `${nameOf(url)}:${url.port}`

function shortenAddress(value: string, here: string, hosts: ReadonlySet<string>): string {
  // What can't be one isn't parsed: data of megabytes, and texts.
  if (value.length > longest || !/^\s*(https?:|[/\\])/i.test(value)) return value
  const url = URL.parse(value, here)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || !hosts.has(nameOf(url))) return value
  const pathname = decoded(url.pathname)
    .replaceAll(/\/{2,}/g, '/')
    .replace(/\/$/, '')
    .toLowerCase()
    .replace(/^\/\.netlify\/functions\//, '/api/')
  // Behind a proxy we may have another port than people see; what else a machine has on its ports is not ours.
  const isOurs = hosts.has(hostOf(url)) ? pathname.startsWith('/api/') : pictures.test(pathname)
  return isOurs ? pathname + url.search : value
}

const longest = 4_096
/** Where pictures of ours are found, which no provider could open. */
const pictures = /^\/api\/(result|upload|share)\b/

/** Some servers take `/api/%72esult` for the same. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return pathname
  }
}
