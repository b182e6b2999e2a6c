// What every peer and the floor share: the doors that the client knocks at, as an application around such an engine would have
// them, and the two things that a step does: have the provider make something, and keep what was made.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import pg from 'pg'
import { Agent, request as send } from 'undici'
import { verifySignature } from '../../providers/signature.ts'

export const steps = 3
/** Sockets to the database, and jobs at once: the same for all peers. */
export const poolSize = 20
export const concurrency = 64

export interface View {
  status: 'processing' | 'waiting_continue' | 'completed' | 'failed'
  current_step: number
}

/** A verified webhook: this prediction of this step is over. */
export interface Ended {
  task: string
  step: number
  prediction: string
  output: string
}

export interface Engine {
  start(): Promise<string>
  /** The person wants the step after `step`. */
  open(task: string, step: number): Promise<void>
  /** False has the provider tell it again. */
  ended(ended: Ended): Promise<boolean>
  view(task: string): Promise<View>
}

const env = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}
export const databaseUrl = env('DATABASE_URL')
const world = env('WORLD_URL')
const publicUrl = env('PUBLIC_URL')
const secret = env('WEBHOOK_SECRET')
const dispatcher = new Agent({ connections: 64, pipelining: 1 })

export function openPool(): pg.Pool {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: poolSize })
  pool.on('connect', (client) => client.on('error', () => undefined))
  pool.on('error', () => undefined)
  return pool
}

/** One paid create; the prediction's id. */
export async function submit(task: string, step: number): Promise<string> {
  const webhook = `${publicUrl}/api/webhook?task=${task}&step=${step}`
  const body = JSON.stringify({ input: { task, step }, webhook, webhook_events_filter: ['completed'] })
  const headers = { 'content-type': 'application/json' }
  const answer = await send(`${world}/v1/predictions`, { dispatcher, method: 'POST', headers, body })
  if (answer.statusCode !== 201) throw new Error(`the provider answered ${answer.statusCode}`)
  return ((await answer.body.json()) as { id: string }).id
}

/** Copies the output into the store of files; its key there. */
export async function keep({ task, step, output }: Ended): Promise<string> {
  const found = await send(output, { dispatcher })
  const body = Buffer.from(await found.body.arrayBuffer())
  const key = `${task}/${step}`
  const answer = await send(`${world}/blobs/files/${key}`, { dispatcher, method: 'PUT', body })
  await answer.body.dump()
  if (found.statusCode !== 200 || answer.statusCode !== 200) throw new Error('the output could not be kept')
  return key
}

export function serve(engine: Engine): void {
  const server = createServer((request, response) => {
    answer(engine, request, response).catch((error: unknown) => {
      console.error(error)
      response.writeHead(500).end()
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(Number(env('PORT')))
}

async function answer(engine: Engine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', publicUrl)
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString()
  const json = (status: number, value: unknown) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  switch (url.pathname) {
    case '/api/session':
      return json(200, { token: 'nobody' })
    case '/api/start':
      return json(202, { task_id: await engine.start() })
    case '/api/status': {
      const task = url.searchParams.get('task_id') ?? ''
      return json(200, { task_id: task, ...(await engine.view(task)) })
    }
    case '/api/continue': {
      const { task_id, step } = JSON.parse(body) as { task_id: string; step: number }
      await engine.open(task_id, step)
      return json(202, { task_id, status: 'processing', current_step: step })
    }
    case '/api/webhook':
      return json((await engine.ended(readEnded(request, url, body))) ? 200 : 503, {})
    default:
      return json(url.pathname === '/api/health' ? 200 : 404, {})
  }
}

function readEnded(request: IncomingMessage, url: URL, body: string): Ended {
  verifySignature(new Headers(request.headers as Record<string, string>), body, secret, new Date())
  const { id, output } = JSON.parse(body) as { id: string; output: string }
  const task = url.searchParams.get('task') ?? ''
  return { task, step: Number(url.searchParams.get('step')), prediction: id, output }
}
