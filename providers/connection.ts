// What requests and downloads share: how connections are made, and what a request without an answer is called. Nothing of undici's is
// loaded here, so that whoever only tells such failures apart doesn't load it.
import type { Agent } from 'undici'

/** HTTP/1.1 alone: over HTTP/2 a request that the other side says it has refused would be sent again behind our back. */
export const agentOptions: Agent.Options = { allowH2: false, pipelining: 1, connectTimeout: 5_000, maxResponseSize: -1 }

export function target(url: string) {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

interface Asked {
  method: string
  url: string
  /** The path opens something too, so errors name the host alone. */
  isPathSecret?: boolean
}

/** A request without an answer. `sent` is false only when it certainly never reached the other side. */
export class HttpFailure extends Error {
  override name = 'HttpFailure'
  readonly sent: boolean

  constructor({ method, url, isPathSecret = false }: Asked, sent: boolean, cause: unknown) {
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

/** An address that is not to be asked: another try would end the same way. */
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
