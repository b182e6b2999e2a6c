// Between node:http and the web's Request and Response. router.ts uses it. It promises backpressure, a body that is read no further than
// allowed, and that a client who leaves stops the answer being made for him.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Where the request goes, or undefined where its target or Host makes no URL. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '/'
  const text = target.startsWith('/') ? `http://${request.headers.host ?? 'localhost'}${target}` : target
  return URL.canParse(text) ? new URL(text) : undefined
}

export const saysTooLarge = (request: IncomingMessage, maxBytes: number): boolean =>
  Number(request.headers['content-length'] ?? 0) > maxBytes

/** The whole body, as a function gets it in production, or undefined where it is larger than `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (saysTooLarge(request, maxBytes)) return undefined
  const chunks: Buffer[] = []
  let size = 0
  // Left undestroyed: the connection still has to carry the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * Drops what a refused client is still sending, and hangs up when it goes on for long. Hanging up at once would reset the connection,
 * and most clients would then never see the refusal.
 */
export function discardRest(request: IncomingMessage, lingerMs = 2_000): void {
  if (request.readableEnded) return
  const timer = setTimeout(() => request.destroy(), lingerMs)
  request.once('close', () => clearTimeout(timer))
  request.resume()
}

export function toRequest(from: IncomingMessage, url: URL, body: Buffer | undefined, signal: AbortSignal): Request {
  const headers = new Headers()
  for (const [name, values] of Object.entries(from.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const method = from.method ?? 'GET'
  const hasBody = body && body.byteLength > 0 && method !== 'GET' && method !== 'HEAD'
  return new Request(url, { method, headers, signal, ...(hasBody && { body: new Uint8Array(body) }) })
}

/** Throws when the body breaks or the signal fires midway: the client then gets a broken answer, never a shortened one. */
export async function sendResponse(response: Response, to: ServerResponse, signal: AbortSignal): Promise<void> {
  to.statusCode = response.status
  for (const [name, value] of response.headers) to.setHeader(name, value)
  // Again and all of them: one by one, each would have replaced the one before.
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) to.setHeader('set-cookie', cookies)
  if (!response.body || to.req.method === 'HEAD') await response.body?.cancel()
  else await sendBody(response.body, to, signal)
  to.end()
}

async function sendBody(body: ReadableStream<Uint8Array>, to: ServerResponse, signal: AbortSignal): Promise<void> {
  to.flushHeaders()
  const reader = body.getReader()
  let canceled: Promise<void> | undefined
  const cancel = () => {
    canceled = reader.cancel(signal.reason)
  }
  signal.addEventListener('abort', cancel)
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (!to.write(next.value)) await once(to, 'drain', { signal }).catch(() => signal.throwIfAborted())
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    await canceled
  }
  signal.throwIfAborted()
}
