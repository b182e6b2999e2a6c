// Turns node:http's requests into the web's, and the web's answers into node:http's. dev/router.ts and the simulators use it. It promises
// backpressure, a body that is read no further than allowed, and that a client that leaves ends the work on its answer.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Where the request goes, or undefined where its target or Host makes no URL. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '/'
  return (
    URL.parse(target.startsWith('/') ? `http://${request.headers.host ?? 'localhost'}${target}` : target) ?? undefined
  )
}

export const saysTooLarge = (request: IncomingMessage, maxBytes: number): boolean =>
  Number(request.headers['content-length'] ?? 0) > maxBytes

type Body = Buffer<ArrayBuffer>

/** The whole body, as a function gets it in production, or undefined where it is larger than `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Body | undefined> {
  if (saysTooLarge(request, maxBytes)) return undefined
  const { headers } = request
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return Buffer.alloc(0)
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

const lingerMs = 2_000

/**
 * Drops what a refused client is still sending, and hangs up when it goes on for long. Hanging up at once would reset the connection,
 * and most clients would then never see the refusal.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.readableEnded) return
  const timer = setTimeout(() => request.destroy(), lingerMs)
  request.once('close', () => clearTimeout(timer))
  request.resume()
}

export function toRequest(from: IncomingMessage, url: URL, body: Body | undefined, signal: AbortSignal): Request {
  const { rawHeaders, method = 'GET' } = from
  const headers: [string, string][] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
  const hasBody = body && body.byteLength > 0 && method !== 'GET' && method !== 'HEAD'
  const request = new Request(url, { method, headers, ...(hasBody && { body }) })
  // Told to the constructor, the signal would keep what the request held in memory until a full collection.
  return Object.defineProperty(request, 'signal', { value: signal })
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
  // Together with the first bytes, unless these are long in coming.
  const flushing = setImmediate(() => to.flushHeaders())
  const reader = body.getReader()
  let canceled: Promise<void> | undefined
  const cancel = () => {
    canceled = reader.cancel(signal.reason)
  }
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (!to.write(next.value)) await once(to, 'drain', { signal }).catch(() => signal.throwIfAborted())
    }
  } finally {
    clearImmediate(flushing)
    signal.removeEventListener('abort', cancel)
    await canceled
  }
  signal.throwIfAborted()
}
