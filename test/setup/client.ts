// Calls endpoints in-process, as a door would, and lets a test wait for what they go on with after their answer.
import type { Deps, Endpoint, EndpointContext } from '../../engine/deps.ts'
import { enter } from '../../functions/http/answer.ts'
import { openSession } from '../../functions/http/users.ts'

export interface Call {
  method?: string
  path: string
  /** Text and bytes are sent as they are, anything else as JSON. */
  body?: unknown
  token?: string | undefined
  headers?: Record<string, string>
}

export interface Client {
  call(endpoint: Endpoint, call: Call): Promise<Response>
  /** Until all work that was handed to waitUntil is over. */
  settle(): Promise<void>
  /** A token of this user. */
  signIn(user: string): Promise<string>
}

export function openClient(deps: Deps): Client {
  const work = new Set<Promise<unknown>>()
  const context: EndpointContext = {
    waitUntil: (promise) => {
      const tracked = promise.finally(() => work.delete(tracked))
      work.add(tracked)
    },
  }
  return {
    call: (endpoint, call) => enter(endpoint, requestOf(call), deps, context),
    settle: async () => {
      while (work.size > 0) await Promise.all(work)
    },
    signIn: async (user) => (await openSession(deps, user)).token,
  }
}

function requestOf({ method, path, body, token, headers }: Call): Request {
  return new Request(new URL(path, 'http://stepgate.test'), {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    ...(body !== undefined && { body: isRaw(body) ? body : JSON.stringify(body) }),
  })
}

const isRaw = (body: unknown): body is string | Uint8Array<ArrayBuffer> =>
  typeof body === 'string' || body instanceof Uint8Array
