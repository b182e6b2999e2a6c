// Puts the simulated provider on a port: HTTP in, the core's answer out, connection faults as broken sockets, webhooks
// sent. `npm start`, `npm run simulator` and tests call startSimulator; several may run in one process.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ConnectionFault } from './connection.ts'
import { control } from './controls.ts'
import { type Pump, startPump } from './pump.ts'
import { createReplicate, type Replicate } from './replicate/index.ts'

export interface SimulatorOptions {
  /** 0 takes any free port. */
  readonly port: number
  readonly host?: string | undefined
  readonly replicateToken?: string | undefined
  readonly webhookSecret: string
  readonly secondsPerStep: number
  /** How clients reach it, where that isn't its own address. */
  readonly publicUrl?: string | undefined
  readonly drawing?: boolean | undefined
  readonly now?: (() => Date) | undefined
}

export interface Simulator {
  readonly url: string
  readonly replicate: Replicate
  close(): Promise<void>
}

const mostBodyBytes = 20 * 1024 * 1024
const inputWithinMs = 10_000

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const host = options.host ?? '127.0.0.1'
  const server = createServer({ keepAliveTimeout: 60_000 })
  server.listen(options.port, host)
  await once(server, 'listening')
  const url = (options.publicUrl ?? addressOf(server, host)).replace(/\/$/, '')
  const now = options.now ?? (() => new Date())
  const replicate = createReplicate({
    baseUrl: url,
    token: options.replicateToken,
    webhookSecret: options.webhookSecret,
    secondsPerStep: options.secondsPerStep,
    drawing: options.drawing,
    now,
    fetchInput: (input) => fetch(input, { signal: AbortSignal.timeout(inputWithinMs) }),
  })
  const pump = startPump(replicate, now)
  // No connection is served between listening and this line: both belong to one turn of the event loop.
  server.on('request', (request, response) => void serve(request, response, { replicate, pump, url }))
  return {
    url,
    replicate,
    async close() {
      await pump.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

function addressOf(server: Server, host: string): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the simulator has no TCP address')
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`
}

interface Served {
  readonly replicate: Replicate
  readonly pump: Pump
  readonly url: string
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse, served: Served): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort(new Error('the client has gone')))
  try {
    const response = await answer(incoming, gone.signal, served)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    if (response.body === null) outgoing.end()
    else await pipeline(Readable.from(response.body), outgoing)
  } catch (error) {
    if (!(error instanceof ConnectionFault || gone.signal.aborted)) console.error('simulator:', error)
    if (error instanceof ConnectionFault || outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(500).end()
  } finally {
    served.pump.wake()
  }
}

async function answer(incoming: IncomingMessage, signal: AbortSignal, { replicate, url }: Served): Promise<Response> {
  const body = await readBody(incoming)
  if (body === undefined) return Response.json({ detail: 'The request is too large', status: 413 }, { status: 413 })
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, String(value))
  }
  const method = incoming.method ?? 'GET'
  const init = { method, headers, signal, ...(method !== 'GET' && method !== 'HEAD' && { body }) }
  const request = new Request(new URL(incoming.url ?? '/', url), init)
  return (await control(request, replicate)) ?? replicate.fetch(request)
}

async function readBody(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer> | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += chunk.length
    if (size <= mostBodyBytes) chunks.push(chunk)
  }
  return size > mostBodyBytes ? undefined : Buffer.concat(chunks)
}
