// Stands in for Neon's HTTP endpoint, so that the real driver can be tested against a real PostgreSQL. What it honours
// was read in the source of Neon's proxy. database.ts starts one a worker; the faults are the tests' to set.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool, type PoolClient } from 'pg'
import { answer, type HttpRequest, readRequest, refusal, refusedConnection } from './neon-protocol.ts'

/**
 * What happens to the next request. With `…-after` the statement takes effect, and its answer is lost. An `answer` is given instead of
 * executing anything: an object as the proxy's own JSON, a text as a page of something in front of it.
 */
export type Fault =
  | 'hang'
  | 'hang-after'
  | 'reset-before'
  | 'reset-after'
  | 'too-large-after'
  | 'error'
  | { slowMs: number }
  | { status: number; answer: { message: string; code?: string } | string }

export interface NeonStandIn {
  port: number
  /** For `neonConfig.fetchEndpoint`. */
  fetchEndpoint: string
  /** Each request takes the first of these. */
  faults: Fault[]
  /** Requests received so far. */
  requests: number
  /** Requests that were left without an answer so far. */
  held: number
  close(): Promise<void>
}

const maxAnswerBytes = 10 * 1024 * 1024
const maxSessions = 20

type Pools = Map<string, Pool>

export async function startNeonStandIn(): Promise<NeonStandIn> {
  const pools: Pools = new Map()
  const server = createServer((request, response) => {
    standIn.requests++
    const fault = standIn.faults.shift()
    handle(pools, fault, request, response).then(
      () => {
        if (fault === 'hang' || fault === 'hang-after') standIn.held++
      },
      (error: unknown) => {
        if (!response.headersSent) send(response, 500, { message: String(error), code: null })
      },
    )
  })
  // An abandoned stand-in keeps no test run alive.
  server.unref()
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await listening
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const close = async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    server.close(() => resolve())
    server.closeAllConnections()
    await closed
    await Promise.all([...pools.values()].map((pool) => pool.end()))
  }
  const fetchEndpoint = `http://127.0.0.1:${port}/sql`
  const standIn: NeonStandIn = { port, fetchEndpoint, faults: [], requests: 0, held: 0, close }
  return standIn
}

async function handle(pools: Pools, fault: Fault | undefined, request: IncomingMessage, response: ServerResponse) {
  if (fault === 'reset-before') return request.socket.destroy()
  const parsed = readRequest(request, await json(request))
  if ('refused' in parsed) return send(response, 400, { message: parsed.refused, code: null })
  if (fault === 'hang') return
  if (fault === 'error') return send(response, 500, 'the control plane is not reachable')
  if (typeof fault === 'object' && 'status' in fault) return respond(response, fault)

  const reply = await perform(poolFor(pools, parsed.connectionString), parsed, response)
  if (fault === 'reset-after') return request.socket.destroy()
  if (fault === 'hang-after') return
  if (fault === 'too-large-after') return send(response, 507, { message: 'response is too large', code: null })
  if (typeof fault === 'object') await wait(fault.slowMs)
  send(response, reply.status, reply.body)
}

/** Sessions are pooled and reset between requests: no SET, temporary table or session lock outlives its request. */
async function perform(pool: Pool, request: HttpRequest, response: ServerResponse) {
  let client: PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    return refusedConnection(error)
  }
  const cancelling = cancelOnDisconnect(pool, client, response)
  // A session that ended in the middle tells its statement, and then everybody.
  const ended = () => undefined
  client.on('error', ended)
  try {
    return { status: 200, body: await answer(client, request) }
  } catch (error) {
    return refusal(error)
  } finally {
    const wasCanceled = await cancelling()
    // A cancellation may still be on its way to this session.
    const isReusable = !wasCanceled && (await isReset(client))
    client.off('error', ended).release(!isReusable)
  }
}

function isReset(client: PoolClient): Promise<boolean> {
  return client.query('discard all').then(
    () => true,
    () => false,
  )
}

function cancelOnDisconnect(pool: Pool, client: PoolClient, response: ServerResponse): () => Promise<boolean> {
  let cancelled: Promise<unknown> | undefined
  const cancel = () => {
    const pid: unknown = Reflect.get(client, 'processID')
    cancelled = pool.query('select pg_cancel_backend($1)', [pid]).catch(() => undefined)
  }
  response.once('close', cancel)
  return async () => {
    response.off('close', cancel)
    await cancelled
    return cancelled !== undefined
  }
}

function poolFor(pools: Pools, connectionString: string): Pool {
  let pool = pools.get(connectionString)
  if (!pool) {
    pool = new Pool({ connectionString, max: maxSessions, allowExitOnIdle: true })
    // The database was dropped by its test.
    pool.on('error', () => undefined)
    pools.set(connectionString, pool)
  }
  return pool
}

function respond(response: ServerResponse, { status, answer }: Extract<Fault, { status: number }>): void {
  if (typeof answer === 'object') send(response, status, { code: '', ...answer })
  else response.writeHead(status, { 'content-type': 'text/html' }).end(answer)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  const isTooLarge = Buffer.byteLength(text) > maxAnswerBytes
  response.writeHead(isTooLarge ? 507 : status, { 'content-type': 'application/json' })
  response.end(isTooLarge ? '{"message":"response is too large (max is 10485760 bytes)"}' : text)
}
