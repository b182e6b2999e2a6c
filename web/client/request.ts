// One request to the functions, from the token to the last byte of the answer. Whatever goes wrong on the way is a StepgateError.
import { readProblem } from './answer.ts'
import { invalid, StepgateError, unreachable } from './error.ts'

export interface ClientOptions {
  /** Where the functions are: `https://app.example`, or a path on this page's origin. Empty: on this page's own origin. */
  baseUrl?: string
  fetch?: typeof fetch
  /** Sent as a Bearer token; a function is asked before every request. Without one, the session cookie speaks for the user. */
  token?: string | (() => string | undefined | Promise<string | undefined>)
  /** How long a request may be without an answer, and a file's download without a byte. */
  timeoutMs?: number
}

export interface Question {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string | Blob
  signal?: AbortSignal | undefined
}

/** `heard` begins the time of silence anew. */
export type Read<T> = (response: Response, heard: () => void) => Promise<T>
export type Ask = <T>(path: string, question: Question, read: Read<T>) => Promise<T>

/** Sends JSON and reads JSON. `members` tell the functions' answer from another server's. */
export type Post = <T>(
  path: string,
  body: unknown,
  members: readonly (keyof T & string)[],
  headers?: Record<string, string>,
) => Promise<T>

/** What a slow phone sends in a second at least: a request's time grows with its body. */
const slowestBytesPerMs = 32

export function openAsk({
  baseUrl = '',
  fetch: send = globalThis.fetch,
  token,
  timeoutMs = 30_000,
}: ClientOptions): Ask {
  const base = normalBase(baseUrl)
  return async (path, { signal: leaving, headers: given, ...question }, read) => {
    leaving?.throwIfAborted()
    const silence = openSilence(timeoutMs + sizeOf(question.body) / slowestBytesPerMs, timeoutMs)
    const signal = leaving ? AbortSignal.any([leaving, silence.signal]) : silence.signal
    const exchange = async () => {
      const headers = new Headers(given)
      const bearer = typeof token === 'function' ? await token() : token
      if (bearer) headers.set('authorization', authorization(bearer))
      const response = await send(urlOf(base, path), { ...question, headers, signal })
      silence.heard()
      if (response.ok || response.status === 304) return read(response, silence.heard)
      throw await readProblem(response)
    }
    try {
      // A token or a fetch that hangs doesn't know of the signal.
      return await Promise.race([exchange(), rejectedBy(signal)])
    } catch (cause) {
      if (leaving?.aborted) throw leaving.reason
      if (cause instanceof StepgateError) throw cause
      throw unreachable(silence.signal.aborted ? 'The answer took too long.' : 'There was no whole answer.', cause)
    } finally {
      silence.end()
    }
  }
}

/** Asked again, what no header can carry would be the same. */
function authorization(bearer: string): string {
  const text = String(bearer).trim()
  if (!/^[\x21-\x7e]+$/.test(text)) throw invalid('token', 'must be visible ASCII characters')
  return `Bearer ${text}`
}

function openSilence(firstMs: number, ms: number) {
  const controller = new AbortController()
  const wait = (time: number) =>
    setTimeout(() => controller.abort(new DOMException('Nothing was heard in time.', 'TimeoutError')), time)
  let timer = wait(firstMs)
  return {
    signal: controller.signal,
    heard: () => {
      clearTimeout(timer)
      timer = wait(ms)
    },
    end: () => clearTimeout(timer),
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const sizeOf = (body: string | Blob | undefined): number =>
  body === undefined ? 0 : typeof body === 'string' ? body.length : body.size

/** Throws TypeError: a wrong base address is a mistake of the program's, known when the client is made. */
function normalBase(baseUrl: string): string {
  const text = String(baseUrl).trim()
  if (text === '') return ''
  if (/^\/(?!\/)/.test(text)) return text.replace(/[?#].*$/, '').replace(/\/+$/, '')
  const url = URL.parse(text)
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (!url || !isHttp || url.username || url.password)
    throw new TypeError(
      `baseUrl must be like https://app.example or /path, without a user; it is ${JSON.stringify(text)}`,
    )
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** A result may be named by its whole address, as long as it is the functions' own: the token goes to nobody else. */
function urlOf(base: string, path: string): string {
  // Two slashes begin a host, and an address is read without the tabs and line breaks in it.
  if (path.startsWith('/') && !/^[/\\]{2}/.test(path.replaceAll(/[\t\n\r]/g, ''))) return base + path
  const page = (globalThis as { location?: { href: string } }).location?.href
  const url = URL.parse(path, page)
  const own = URL.parse(base || '/', page)
  if (url && own && url.origin === own.origin) return url.href
  throw new StepgateError({
    ...{ status: 400, code: 'invalid_request', detail: `${path} is no address of the functions.` },
    errors: [{ path: 'url', message: 'must be an address that the functions gave' }],
  })
}
