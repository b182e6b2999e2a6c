// HTTP to providers over undici: keep-alive, deadlines, bounded connections, and never a second request by itself.
// Every failure says whether the request can have reached the other side, because that decides about a second payment. undici is loaded
// with the first call, because most requests to us need none.
import pLimit from 'p-limit'
import type { Dispatcher } from 'undici'
import { isNeverSent } from '../core/connection.ts'
import { withDeadline } from '../core/deadline.ts'
import { agentOptions, ForbiddenAddress, HttpFailure, TooLate, target } from './connection.ts'
import { type Download, openDownloads } from './download.ts'
import { isPublicHost } from './public-host.ts'
import { lookupPublic } from './public-lookup.ts'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  url: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  body?: unknown
  /** Sent as they are, in place of `body`. */
  bytes?: Uint8Array
  timeoutMs: number
  /** Asked when the request's turn has come, however long it had to wait; false: it isn't begun, and `TooLate` is thrown. */
  mayBegin?: (() => boolean) | undefined
  /** The path opens something too, so errors name the host alone. */
  isPathSecret?: boolean
  /** News to somebody else: it waits in a queue of its own, so that a silent receiver keeps no provider waiting. */
  isNews?: boolean
  /** Somebody else wrote the address: only https on a public host is asked, by its address as well as by its name. */
  isForeign?: boolean
}

export interface HttpResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The parsed JSON; undefined when the body isn't JSON. */
  body: unknown
}

export interface Http {
  send(request: HttpRequest): Promise<HttpResponse>
  /**
   * A file's bytes, redirects followed, from byte `start` on where the other side can do that (`start` of the answer says so). The
   * stream ends with an error when `signal` fires or the other side stalls. Throws `ForbiddenAddress` where it would have to leave
   * the public web.
   */
  download(url: string, signal: AbortSignal, start?: number): Promise<Download>
  close(): Promise<void>
}

/** Bodies above this are no JSON answer of a provider; Replicate's logs can reach some megabytes. */
const maxJsonBytes = 20_000_000

export interface HttpOptions {
  connections: number
  /** Hosts that this deployment names as a provider's: files may come from them wherever they are, over http too. */
  own?: readonly string[]
}

export function openHttp(options: HttpOptions): Http {
  let opening: Promise<Http> | undefined
  const opened = () => {
    opening ??= openNow(options)
    return opening
  }
  return {
    send: async (request) => (await opened()).send(request),
    download: async (url, signal, start) => (await opened()).download(url, signal, start),
    close: async () => (await opening)?.close(),
  }
}

async function openNow({ connections, own = [] }: HttpOptions): Promise<Http> {
  // By its default export: in a bundle, what is imported later has no other.
  const { default: undici } = await import('undici')
  const agent = new undici.Agent({ ...agentOptions, connections })
  const outside = new undici.Agent({ ...agentOptions, connections, connect: { lookup: lookupPublic } })
  // Before the deadline begins to run: a request that waits here was certainly never sent.
  const limit = pLimit(connections)
  const limitNews = pLimit(connections)
  const downloads = openDownloads(undici.Agent, { connections, own })
  return {
    send: (request) => (request.isNews ? limitNews : limit)(() => send(request.isForeign ? outside : agent, request)),
    download: downloads.download,
    close: async () => void (await Promise.all([agent.close(), outside.close(), downloads.close()])),
  }
}

async function send(agent: Dispatcher, request: HttpRequest): Promise<HttpResponse> {
  if (request.isForeign && !isOutside(request.url)) {
    throw new ForbiddenAddress('its address is not on a public host, or not https')
  }
  if (request.mayBegin && !request.mayBegin()) throw new TooLate(`${request.method} was not begun in time`)
  try {
    return await withDeadline(request.timeoutMs, async (signal) => {
      const response = await agent.request({
        ...target(request.url),
        method: request.method,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...request.headers },
        body: request.bytes ?? (request.body === undefined ? null : JSON.stringify(request.body)),
        signal,
      })
      const text = withoutKey(await readText(response.body), request)
      return { status: response.statusCode, headers: response.headers, body: parseJson(text) }
    })
  } catch (error) {
    throw new HttpFailure(request, !isNeverSent(error), error)
  }
}

/** Some answers to a wrong key quote it, and would be shown to people and kept. */
function withoutKey(text: string, { headers }: HttpRequest): string {
  const key = headers?.['authorization']?.split(' ').at(-1)
  return key ? text.replaceAll(key, '…') : text
}

function isOutside(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' && isPublicHost(hostname)
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxJsonBytes) throw new Error(`the answer is larger than ${maxJsonBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Seconds to wait, from the body (which Replicate fills) or the header. */
export function retryAfterOf(response: HttpResponse): number | undefined {
  const { retry_after } = (response.body ?? {}) as { retry_after?: unknown }
  const value = Number(retry_after ?? response.headers['retry-after'])
  return Number.isFinite(value) && value > 0 ? Math.min(Math.ceil(value), 3_600) : undefined
}

/** Undefined when the text isn't JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // A proxy's HTML page, or a cut body: the caller judges by the status.
  }
}
