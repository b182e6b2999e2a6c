// The context that a door gets beside its request: what of Netlify's there is without Netlify. router.ts makes one for each request.
import { randomUUID } from 'node:crypto'
import { format } from 'node:util'
import type { Context } from '@netlify/functions'
import { parseCookie } from 'cookie'

interface ContextOptions {
  request: Request
  params: Record<string, string>
  ip: string
  waitUntil: (promise: Promise<unknown>) => void
  log: (message: string) => void
}

export function makeContext({ request, params, ip, waitUntil, log }: ContextOptions): Context {
  const cookies = parseCookie(request.headers.get('cookie') ?? '')
  return {
    account: { id: '' },
    cookies: { get: (name) => cookies[name] ?? '', set: absent('cookies.set'), delete: absent('cookies.delete') },
    deploy: { context: 'dev', id: '0', published: false },
    geo: {},
    ip,
    json: (input) => Response.json(input),
    log: (...data) => log(format(...data)),
    next: absent('next'),
    params,
    requestId: randomUUID(),
    rewrite: absent('rewrite'),
    server: {},
    site: {},
    url: new URL(request.url),
    waitUntil,
  }
}

// Saying so beats doing nothing: an answer's own Set-Cookie header does the same in both places.
const absent = (name: string) => (): never => {
  throw new Error(`context.${name} does not exist here; answer with headers of your own instead`)
}
