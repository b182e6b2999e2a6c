// Puts the simulated providers on a port: HTTP in, the core's answer out, connection faults as broken sockets, webhooks
// sent. `npm start`, `npm run simulator` and tests call startSimulator; several may run in one process.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Recipe } from '../core/recipe.ts'
import { ConnectionFault } from './connection.ts'
import { control, type Providers } from './controls.ts'
import { discardRest, readBody, toRequest } from './exchange.ts'
import { createFal, type Fal } from './fal/index.ts'
import { examplesFor } from './models/known.ts'
import { listenOn } from './ports.ts'
import { startPump } from './pump.ts'
import { createReplicate, type Replicate } from './replicate/index.ts'
import { type Kept, keepState, readKept } from './state-file.ts'

interface SimulatorOptions {
  /** 0 takes any free port. */
  readonly port: number
  readonly host?: string | undefined
  readonly replicateToken?: string | undefined
  readonly webhookSecret: string
  readonly falKey?: string | undefined
  readonly secondsPerStep: number
  readonly secondsPerTraining?: number | undefined
  readonly weightsBytes?: number | undefined
  /** What it knows is kept here, its port too; started again with the same file it goes on. */
  readonly stateFile?: string | undefined
  /** How clients reach it, where that isn't its own address. */
  readonly publicUrl?: string | undefined
  readonly drawing?: boolean | undefined
  /** Their models are imitated from their examples, where no schema is known. */
  readonly recipes?: Iterable<Recipe> | undefined
  readonly now?: (() => Date) | undefined
}

/** Replicate is at `url` itself, fal under `url`/fal: `queue`, `api`, `jwks.json` and `files`. */
export interface Simulator {
  readonly url: string
  readonly replicate: Replicate
  readonly fal: Fal
  close(): Promise<void>
}

const mostBodyBytes = 20 * 1024 * 1024
const inputWithinMs = 10_000

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const host = options.host ?? '127.0.0.1'
  const kept = options.stateFile === undefined ? undefined : await readKept(options.stateFile)
  const examples = await allExamples([...(options.recipes ?? [])])
  const { server, port } = await listen(host, options.port, kept?.port)
  const own = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const url = (options.publicUrl ?? own).replace(/\/$/, '')
  const now = options.now ?? (() => new Date())
  const providers = createProviders(options, { url, now, examples })
  const { replicate, fal } = providers
  if (kept !== undefined) restore(providers, kept)
  const pumps = [startPump(replicate, now), startPump(fal, now)]
  const current = () => ({ port, replicate: replicate.save(), fal: fal.save() })
  const file = options.stateFile === undefined ? undefined : keepState(options.stateFile, current)
  const afterRequest = (method: string) => {
    for (const pump of pumps) pump.wake()
    if (method !== 'GET' && method !== 'HEAD') file?.touch()
  }
  server.on('request', (request, response) => void serve(request, response, { providers, url, afterRequest }))
  return {
    url,
    ...providers,
    async close() {
      await Promise.all(pumps.map((pump) => pump.close()))
      server.close()
      server.closeAllConnections()
      await file?.close()
    },
  }
}

/**
 * On the asked port; if any will do, on that of the last time, because addresses that were given out then are still in use. No
 * connection is served before the caller's next await: accepting belongs to a later turn of the event loop.
 */
async function listen(
  host: string,
  port: number,
  before: number | undefined,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ keepAliveTimeout: 60_000 })
  try {
    return { server, port: await listenOn(server, port === 0 ? (before ?? 0) : port, host) }
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    if (port !== 0 || before === undefined || !isTaken) throw error
    return listen(host, 0, undefined)
  }
}

async function allExamples(recipes: readonly Recipe[]) {
  const [replicate, fal] = await Promise.all([examplesFor('replicate', recipes), examplesFor('fal', recipes)])
  return { replicate, fal }
}

interface Surroundings {
  readonly url: string
  readonly now: () => Date
  readonly examples: Awaited<ReturnType<typeof allExamples>>
}

function createProviders(options: SimulatorOptions, { url, now, examples }: Surroundings): Providers {
  const { drawing, secondsPerStep, secondsPerTraining, weightsBytes } = options
  const fetchInput = (input: string) => fetch(input, { signal: AbortSignal.timeout(inputWithinMs) })
  return {
    replicate: createReplicate({
      baseUrl: url,
      token: options.replicateToken,
      webhookSecret: options.webhookSecret,
      ...{ secondsPerStep, drawing, now, fetchInput, examples: examples.replicate },
    }),
    fal: createFal({
      baseUrl: `${url}/fal`,
      key: options.falKey,
      ...{ secondsPerStep, secondsPerTraining, weightsBytes, drawing, now, fetchInput },
      examples: examples.fal,
    }),
  }
}

function restore({ replicate, fal }: Providers, kept: Kept): void {
  try {
    replicate.restore(kept.replicate)
    fal.restore(kept.fal)
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    console.warn('simulator: what was kept is of another version, and is forgotten')
  }
}

interface Served {
  readonly providers: Providers
  readonly url: string
  afterRequest(method: string): void
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse, served: Served): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort(new Error('the client has gone')))
  try {
    const response = await answer(incoming, gone.signal, served)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    if (response.body === null) outgoing.end()
    // Not by sendResponse: what was sent of a body that breaks off is to arrive.
    else await pipeline(Readable.from(response.body), outgoing)
    discardRest(incoming)
  } catch (error) {
    if (!(error instanceof ConnectionFault || gone.signal.aborted)) console.error('simulator:', error)
    if (error instanceof ConnectionFault || outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(500).end()
  } finally {
    served.afterRequest(incoming.method ?? 'GET')
  }
}

async function answer(incoming: IncomingMessage, signal: AbortSignal, { providers, url }: Served): Promise<Response> {
  const body = await readBody(incoming, mostBodyBytes)
  if (body === undefined) return Response.json({ detail: 'The request is too large', status: 413 }, { status: 413 })
  const request = toRequest(incoming, new URL(incoming.url ?? '/', url), body, signal)
  const { replicate, fal } = providers
  const provider = request.url.startsWith(`${url}/fal/`) ? fal : replicate
  return (await control(request, providers)) ?? provider.fetch(request)
}
