// Sends the parts of files to a store by undici's request, and everything else by fetch. netlify/store.ts and s3/client.ts call it. fetch
// tees each body that it sends, in case of a redirect, and leaves request and answer to be let go by a full collection only: that was a
// tenth of all CPU that a task takes here.
/// <reference path="../providers/undici-parts.d.ts" />
import type { Dispatcher } from 'undici'

/** One for all stores: it keeps connections by origin. */
let agent: Dispatcher | undefined

/** Like fetch. A part of a file, which is an ArrayBuffer put at a known address, is sent by undici's request. */
export const sendBlob: typeof fetch = async (address, options = {}) => {
  const { body, headers, method, signal = null } = options
  const isPart = body instanceof ArrayBuffer && method?.toUpperCase() === 'PUT'
  if (!isPart || typeof address !== 'string') return fetch(address, options)
  // Loaded by the first file: a wake mark's few bytes are sent by fetch, without it.
  const [{ default: Agent }, { default: request }] = await Promise.all([
    import('undici/lib/dispatcher/agent.js'),
    import('undici/lib/api/api-request.js'),
  ])
  agent ??= new Agent()
  const { origin, pathname, search } = new URL(address)
  const answer = await request.call(agent, {
    ...{ origin, path: pathname + search, method: 'PUT' },
    headers: new Headers(headers),
    body: new Uint8Array(body),
    signal,
  })
  const text = await answer.body.text()
  // It has the bytes still, and may send them again.
  if (answer.statusCode >= 300 && answer.statusCode < 400) return fetch(address, options)
  return new Response(text || null, { status: answer.statusCode, headers: headersOf(answer.headers) })
}

function headersOf(received: NodeJS.Dict<string | string[]>): Headers {
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(received)) {
    for (const value of [values].flat()) headers.append(name, value)
  }
  return headers
}
