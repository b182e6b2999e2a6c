// Stands before a blob store and lets in the newest tokens alone, as Netlify does: each invocation is given one, and those before expire.
// deployed.ts hands its tokens to built functions; tests let them expire at will.
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { listenOn } from '../simulator/ports.ts'
import { type BlobAccess, contextOf } from './blobs.ts'

interface BlobGate {
  /** A new token, with what a function needs to use it. */
  renew(): BlobAccess
  /** No token is good any more, until the next is handed out. */
  expire(): void
  stop(): Promise<void>
}

/** Calls that are on their way when the next invocation begins still carry the token of the one before. */
const keptTokens = 8

export interface GateOptions {
  /** Awaited before a call goes on to the store. Tests hold calls with it; one that it rejects is cut off. */
  admit?: ((method: string, path: string) => Promise<void>) | undefined
}

/** `context`: a NETLIFY_BLOBS_CONTEXT whose token doesn't expire. */
export async function startBlobGate(context: string, { admit }: GateOptions = {}): Promise<BlobGate> {
  const target: BlobAccess = JSON.parse(Buffer.from(context, 'base64').toString())
  const tokens: string[] = []
  const server = createServer((incoming, answer) => {
    const token = incoming.headers.authorization?.replace(/^Bearer /, '') ?? ''
    const onward = () => forward(incoming, answer, target)
    if (tokens.includes(token) && admit)
      admit(incoming.method ?? '', decodeURIComponent(incoming.url ?? '')).then(onward, () => answer.destroy())
    else if (tokens.includes(token)) onward()
    else incoming.resume().once('end', () => answer.writeHead(401).end())
  })
  const url = `http://127.0.0.1:${await listenOn(server)}`
  return {
    renew: () => {
      const token = randomBytes(16).toString('hex')
      tokens.push(token)
      if (tokens.length > keptTokens) tokens.shift()
      return { edgeURL: url, uncachedEdgeURL: url, siteID: target.siteID, token }
    },
    expire: () => {
      tokens.length = 0
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function forward(incoming: IncomingMessage, answer: ServerResponse, { uncachedEdgeURL, token }: BlobAccess): void {
  const { method, url = '/' } = incoming
  const { host: _, ...headers } = incoming.headers
  const onward = request(new URL(url, uncachedEdgeURL), {
    method,
    headers: { ...headers, authorization: `Bearer ${token}` },
  })
  onward.once('response', (received) => {
    answer.writeHead(received.statusCode ?? 502, received.headers)
    received.pipe(answer)
  })
  onward.once('error', () => answer.destroy())
  // A reader who leaves midway leaves the store as well.
  answer.once('close', () => onward.destroy())
  incoming.pipe(onward)
}

/** The same in the environment's form. */
export const renewedContext = (gate: BlobGate): string => contextOf(gate.renew())
