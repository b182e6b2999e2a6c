// What requests and downloads share: what is asked and answered, how connections are made, and what a request without an answer is called.
// It loads nothing of undici's, so that code which only tells such failures apart doesn't load it either.
import type { Agent } from 'undici'

/** HTTP/1.1 alone: over HTTP/2 a request that the other side says it has refused would be sent again behind our back. */
export const agentOptions: Agent.Options = { allowH2: false, pipelining: 1, connectTimeout: 5_000, maxResponseSize: -1 }

export function target(url: string) {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

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
  /** An event or alert, not a request to a provider: it waits in a queue of its own, so that a silent receiver keeps no provider waiting. */
  isMessage?: boolean
  /** Somebody else wrote the address: only https on a public host is asked, by its address as well as by its name. */
  isForeign?: boolean
}

export interface HttpResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The parsed JSON; undefined when the body isn't JSON. */
  body: unknown
}

export interface HttpOptions {
  connections: number
  /** Hosts that this deployment names as a provider's: files may come from them wherever they are, over http too. */
  own?: readonly string[]
}

/** What an error tells of a request. */
type Named = Pick<HttpRequest, 'method' | 'url' | 'isPathSecret'>

/** A request without an answer. `sent` is false only when it certainly never reached the other side. */
export class HttpFailure extends Error {
  override name = 'HttpFailure'
  readonly sent: boolean

  constructor({ method, url, isPathSecret = false }: Named, sent: boolean, cause: unknown) {
    // Without the query: it may hold a signature.
    const { origin, pathname } = new URL(url)
    super(`${method} ${origin}${isPathSecret ? '' : pathname}: ${reasonOf(cause)}`, { cause })
    this.sent = sent
  }
}

/** A request whose time was over before its turn came: it was never begun. */
export class TooLate extends Error {
  override name = 'TooLate'
}

/** An address that is not to be asked, or holds nothing that can be read: another try would end the same way. */
export class ForbiddenAddress extends Error {
  override name = 'ForbiddenAddress'
}

function reasonOf(error: unknown): string {
  const { name, message } = error as Error
  return codeOf(error) || (name === 'TimeoutError' ? 'no answer in time' : message)
}

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  return cause ? codeOf(cause) : ''
}
