// HTTP to providers over undici: keep-alive, deadlines, bounded connections, and never a second request by itself.
// Every failure says whether the request can have reached the other side, because that decides about a second payment.
import pLimit from 'p-limit'
import { Agent, type Dispatcher, interceptors } from 'undici'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT'
  url: string
  headers?: Record<string, string>
  /** Sent as JSON. */
  body?: unknown
  timeoutMs: number
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
   * stream ends with an error when `signal` fires or the other side stalls.
   */
  download(url: string, signal: AbortSignal, start?: number): Promise<Download>
  close(): Promise<void>
}

export interface Download {
  status: number
  /** Which byte of the file `body` begins with. */
  start: number
  /** The size of the whole file, where it is told. */
  total: number | undefined
  body: AsyncIterable<Uint8Array> & { cancel(): void }
}

/** A request without an answer. `sent` is false only when it certainly never reached the other side. */
export class HttpFailure extends Error {
  override name = 'HttpFailure'
  readonly sent: boolean

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, sent: boolean, cause: unknown) {
    // Without the query: it may hold a signature.
    const url = new URL(request.url)
    super(`${request.method} ${url.origin}${url.pathname}: ${reasonOf(cause)}`, { cause })
    this.sent = sent
  }
}

/** Bodies above this are no JSON answer of a provider; Replicate's logs can reach some megabytes. */
const maxJsonBytes = 20_000_000

/** The connection was never made, so nothing can have been accepted. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

export function openHttp({ connections }: { connections: number }): Http {
  const agent = new Agent({ connections, pipelining: 1, connectTimeout: 5_000, maxResponseSize: -1 })
  // Before the deadline begins to run: a request that waits here was certainly never sent.
  const limit = pLimit(connections)
  const following = agent.compose(interceptors.redirect({ maxRedirections: 3 }))
  return {
    send: (request) => limit(() => send(agent, request)),
    download: (url, signal, start) => download(following, url, signal, start),
    close: () => agent.close(),
  }
}

async function send(agent: Dispatcher, request: HttpRequest): Promise<HttpResponse> {
  try {
    const response = await agent.request({
      ...target(request.url),
      method: request.method,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...request.headers },
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: AbortSignal.timeout(request.timeoutMs),
    })
    const text = await readText(response.body)
    return { status: response.statusCode, headers: response.headers, body: parseJson(text) }
  } catch (error) {
    throw new HttpFailure(request, !neverSent.has(codeOf(error)), error)
  }
}

async function download(agent: Dispatcher, url: string, signal: AbortSignal, start = 0): Promise<Download> {
  try {
    const headers = start > 0 ? { range: `bytes=${start}-` } : {}
    const response = await agent.request({ ...target(url), method: 'GET', headers, signal, bodyTimeout: 30_000 })
    // Destroyed before its end it emits an error; without a listener that would end the process.
    const cancel = () => void response.body.on('error', () => undefined).destroy()
    const body = Object.assign(response.body, { cancel })
    return { status: response.statusCode, ...placeOf(response), body }
  } catch (error) {
    throw new HttpFailure({ method: 'GET', url }, true, error)
  }
}

/** A range that is answered with the whole file begins at its start. */
function placeOf({ statusCode, headers }: Dispatcher.ResponseData): Pick<Download, 'start' | 'total'> {
  if (statusCode !== 206) return { start: 0, total: sizeOf(headers['content-length']) }
  const [, first, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'])) ?? []
  return { start: Number(first ?? Number.NaN), total: sizeOf(size) }
}

const sizeOf = (text: unknown) => (/^\d+$/.test(String(text)) ? Number(text) : undefined)

function target(url: string) {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
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

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  return cause ? codeOf(cause) : ''
}

function reasonOf(error: unknown): string {
  const { name, message } = error as Error
  return codeOf(error) || (name === 'TimeoutError' ? 'no answer in time' : message)
}
