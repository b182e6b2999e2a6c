// Which sites' pages may call: our own, and those of ALLOWED_ORIGINS. `enter` asks here for every door, so that no endpoint has to.
// A session cookie goes along by itself, so a request that changes something and carries no bearer token must come from such a page,
// or from no page at all (curl, a provider's webhook, a cron).
import { AppError } from '../../core/errors.ts'
import type { Deps } from '../../engine/deps.ts'
import { bearerOf } from './request.ts'

type Configured = Pick<Deps, 'config'>

const safe = ['GET', 'HEAD', 'OPTIONS']
/** What a page of another site may send and read beyond what browsers allow anyway. */
const requestHeaders = 'authorization, content-type, idempotency-key, if-none-match, range'
const answerHeaders = 'etag, retry-after, content-disposition, content-length, content-range, accept-ranges'
/** As long as browsers keep it. */
const preflightSeconds = 7_200

/** Throws `origin_not_allowed`. A bearer token is never sent by itself, so whoever has one may call from anywhere. */
export function requireOrigin(request: Request, deps: Configured): void {
  if (safe.includes(request.method) || bearerOf(request) !== undefined) return
  const origin = request.headers.get('origin')
  if (origin !== null && deps.config.ALLOWED_ORIGINS.includes(origin)) return
  // Where a browser says it (every one, over https) it knows best; a proxy may have changed our own address.
  const site = request.headers.get('sec-fetch-site')
  const isOwn =
    site === null ? origin === null || isOwnHost(origin, request, deps) : ['same-origin', 'none'].includes(site)
  if (isOwn) return
  throw new AppError('origin_not_allowed', 'Another site’s page may not do this; its origin is not in ALLOWED_ORIGINS.')
}

function isOwnHost(origin: string, request: Request, deps: Configured): boolean {
  const host = URL.parse(origin)?.host
  if (!host) return false
  return [request.url, deps.config.PUBLIC_URL].some((own) => own && new URL(own).host === host)
}

/** The answer to a browser that asks before it sends. Undefined: no such question, or not one from an allowed site. */
export function answerPreflight(request: Request, deps: Configured): Response | undefined {
  const { headers, method } = request
  if (method !== 'OPTIONS' || !headers.has('access-control-request-method') || !isAllowed(request, deps))
    return undefined
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': requestHeaders,
      'access-control-max-age': String(preflightSeconds),
    },
  })
}

/**
 * Lets an allowed site's page read the answer. Cookies are no part of it: such a page has a bearer token. Caches keep answers for
 * different sites apart, also those in which none was named.
 */
export function allowOrigin(request: Request, deps: Configured, headers: Headers): void {
  if (deps.config.ALLOWED_ORIGINS.length === 0) return
  headers.append('vary', 'Origin')
  if (!isAllowed(request, deps)) return
  headers.set('access-control-allow-origin', request.headers.get('origin') ?? '')
  headers.set('access-control-expose-headers', answerHeaders)
}

function isAllowed(request: Request, deps: Configured): boolean {
  const origin = request.headers.get('origin')
  return origin !== null && deps.config.ALLOWED_ORIGINS.includes(origin)
}
