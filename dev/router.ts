// Serves doors over node:http as Netlify does: same routing, same limits, same context. `npm start`, `npm run serve` and the tests use
// it. It promises that close() loses nothing: what is in flight, and what doors handed to waitUntil, is finished first.
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Door, matchDoor } from '../build/doors.ts'
import { AppError } from '../core/errors.ts'
import { problem } from '../functions/http/request.ts'
import { discardRest, readBody, saysTooLarge, sendResponse, toRequest, urlOf } from '../simulator/exchange.ts'
import { addressOf } from './begin.ts'
import { clientAddress } from './client-address.ts'
import { openRateLimits } from './rate-limits.ts'
import { type RouterLog, type RunOptions, runDoor } from './run.ts'
import { type PageFiles, serveStatic } from './static.ts'

export interface RouterOptions {
  log: RouterLog
  /** The folder of the page. */
  static?: PageFiles
  /** The client's address, where it isn't that of the connection or of the proxy before it. */
  ip?: (request: IncomingMessage) => string
  /** Whether the doors' own rate limits hold, as they do in production. */
  isLimited?: boolean
  /** Production's 60 s, unless a test is in a hurry. */
  limitMs?: number
}

export interface Router {
  /** Port 0 takes any free one. Gives the address to reach it at. */
  listen(port: number, host?: string): Promise<string>
  /** Runs every scheduled door once, as the platform's timer does. */
  runScheduled(nextRun: Date): Promise<void>
  /** Waits until no request and no background work is left. */
  drain(): Promise<void>
  close(): Promise<void>
}

// Production's limit of a request's body.
const maxBodyBytes = 6 * 1024 * 1024
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function createServer(doors: readonly Door[], options: RouterOptions): Router {
  const { log, limitMs = 60_000 } = options
  let working = 0
  let idle = Promise.withResolvers<void>()
  // Counted, not kept in a Set: its dropped tables hold what was in them until a full collection, and with it whole requests.
  const track = (work: Promise<void>) => {
    working += 1
    void work.finally(() => {
      working -= 1
      if (working > 0) return
      idle.resolve()
      idle = Promise.withResolvers()
    })
  }
  const respond = openRespond(doors, options, track)
  const server = createHttpServer((request, response) => {
    if (!server.listening) response.shouldKeepAlive = false
    track(exchange(request, response, (signal) => respond(request, signal), { log, limitMs }))
  })
  // A client that neither reads nor leaves would otherwise be waited for without end.
  server.setTimeout(2 * limitMs)
  // A client that asks before it sends is told at once when that would be too much.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!saysTooLarge(request, maxBodyBytes)) response.writeContinue()
    server.emit('request', request, response)
  })
  const drain = async () => {
    while (working > 0) await idle.promise
  }
  return {
    listen: async (port, host) => {
      server.listen(port, host)
      await once(server, 'listening')
      const address = server.address()
      return addressOf(typeof address === 'object' ? (address?.port ?? port) : port, host)
    },
    runScheduled: async (nextRun) => {
      const body = JSON.stringify({ next_run: nextRun.toISOString() })
      const due = doors.filter((door) => door.schedule !== undefined)
      const signal = AbortSignal.timeout(limitMs)
      const run = async (door: Door) => {
        await runDoor(door, new Request('http://localhost/', { method: 'POST', body }), {
          log,
          track,
          signal,
          params: {},
          ip: '',
        })
      }
      const runs = Promise.all(due.map(run)).then(() => {})
      track(runs)
      await runs
    },
    drain,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      await drain()
      server.closeIdleConnections()
      await closed
    },
  }
}

/** One request and its answer, to the end of both. Never rejects. */
async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  respond: (signal: AbortSignal) => Promise<Response | undefined>,
  { log, limitMs }: { log: RouterLog; limitMs: number },
): Promise<void> {
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(new DOMException(`Longer than ${limitMs} ms`, 'TimeoutError')), limitMs)
  let hasLeft = false
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  response.once('close', () => {
    clearTimeout(timer)
    if (response.writableFinished) return
    hasLeft = true
    over.abort()
  })
  try {
    const answer = await respond(over.signal)
    if (answer) await sendResponse(answer, response, over.signal)
    else response.writeHead(504, { 'content-type': 'text/plain' }).end('The function took too long\n')
    discardRest(request)
  } catch (err) {
    response.destroy()
    if (!hasLeft && !request.errored) {
      // Without the query, which may hold a secret.
      log.error({ err, path: request.url?.split('?')[0] }, 'an answer broke off')
    }
  }
  await closed
}

function openRespond(doors: readonly Door[], options: RouterOptions, track: RunOptions['track']) {
  const askLimit = options.isLimited ? openRateLimits(doors) : undefined
  return async (request: IncomingMessage, signal: AbortSignal): Promise<Response | undefined> => {
    const url = urlOf(request)
    if (!url) return problem(new AppError('invalid_request', 'The address is not a URL.'))
    const { method = '' } = request
    const match = methods.includes(method)
      ? matchDoor(doors, method, url.pathname)
      : { kind: 'method' as const, allow: methods }
    if (match.kind === 'method') return wrongMethod(method, match.allow)
    if (match.kind === 'door') {
      const ip = (options.ip ?? clientAddress)(request)
      const refused = await askLimit?.(match.door, ip)
      if (refused) return refused
      const body = await readBody(request, maxBodyBytes)
      if (signal.aborted) return undefined
      if (!body)
        return problem(new AppError('body_too_large', `A body may have at most ${maxBodyBytes / 1024 ** 2} MB.`))
      const { params } = match
      return runDoor(match.door, toRequest(request, url, body, signal), { log: options.log, track, signal, params, ip })
    }
    const isRead = method === 'GET' || method === 'HEAD'
    const page =
      isRead &&
      options.static &&
      (await serveStatic(options.static, url.pathname, toRequest(request, url, undefined, signal)))
    return page || notFound(url.pathname)
  }
}

function wrongMethod(method: string, methods: readonly string[]): Response {
  const allow = methods.join(', ')
  return problem(
    new AppError('method_not_allowed', `${method} is not possible here; use ${allow}.`, { headers: { allow } }),
  )
}

function notFound(pathname: string): Response {
  if (!pathname.startsWith('/api/')) return new Response('Not found\n', { status: 404 })
  return problem(new AppError('not_found', `There is nothing at ${pathname}.`))
}
