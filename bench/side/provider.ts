// The outside world of every engine, in one small server: a provider of Replicate's kind with a fixed latency and signed
// webhooks, and a blob store in memory that speaks Netlify's protocol. Both cost the machine as little as they can.
import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Agent, request as send } from 'undici'
import { signMessage } from '../../providers/signature.ts'
import { listenOn } from '../../simulator/ports.ts'
import { openStore } from './store.ts'
import { openTill, type Till } from './till.ts'

export interface World {
  url: string
  till: Till
  /** A new till and an empty store, for the next round. */
  reset(): void
  close(): Promise<void>
}

interface Prediction {
  id: string
  status: 'processing' | 'succeeded'
  input: unknown
  output: string | null
  created_at: string
  urls: { get: string; cancel: string }
}

interface Create {
  input: unknown
  webhook: string
  webhook_events_filter?: string[]
}

export const webhookSecret = `whsec_${Buffer.from('the key of a benchmark').toString('base64')}`
/** Not a picture, but one by its first chunks, of a small picture's size. */
const picture = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
  Buffer.alloc(17, 1),
  Buffer.from('00003e8049444154', 'hex'),
  Buffer.alloc(16_000, 7),
])
const tries = 12

export async function openWorld(latencyMs: number): Promise<World> {
  const agent = new Agent({ connections: 256, pipelining: 1 })
  const predictions = new Map<string, Prediction>()
  const store = openStore()
  let till = openTill()
  let url = ''

  const create = (order: Create): Prediction => {
    const query = new URL(order.webhook).searchParams
    const task = query.get('task') ?? ''
    const step = Number(query.get('step'))
    const id = randomUUID()
    const urls = { get: `${url}/v1/predictions/${id}`, cancel: `${url}/v1/predictions/${id}/cancel` }
    const prediction: Prediction = {
      ...{ id, status: 'processing', input: order.input, output: null, created_at: new Date().toISOString(), urls },
    }
    predictions.set(id, prediction)
    till.created(task, step)
    const mine = till
    setTimeout(() => report(agent, order, prediction, 'start'), latencyMs / 4)
    setTimeout(() => {
      Object.assign(prediction, { status: 'succeeded', output: `${url}/files/${id}.png` })
      mine.ended(task, step)
      report(agent, order, prediction, 'completed')
    }, latencyMs)
    return prediction
  }

  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://world').pathname
    if (path.startsWith('/blobs/')) return store.answer(request, response, path.slice('/blobs'.length))
    if (path.startsWith('/files/')) return answer(response, 200, picture, 'image/png')
    if (request.method === 'POST' && /predictions$/.test(path)) {
      return answer(response, 201, JSON.stringify(create(JSON.parse(await text(request)))))
    }
    const found = predictions.get(/^\/v1\/predictions\/([^/]+)$/.exec(path)?.[1] ?? '')
    if (request.method === 'GET' && found) return answer(response, 200, JSON.stringify(found))
    return answer(response, 404, '{"title":"Not found"}')
  })
  server.keepAliveTimeout = 60_000
  url = `http://127.0.0.1:${await listenOn(server)}`
  return {
    url,
    get till() {
      return till
    },
    reset: () => {
      till = openTill()
      predictions.clear()
      store.clear()
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await agent.destroy()
    },
  }
}

/** Tells one event, as often as it takes: at most a second apart, because nobody here waits for hours. */
async function report(
  agent: Agent,
  create: Create,
  prediction: Prediction,
  event: 'start' | 'completed',
): Promise<void> {
  if (!(create.webhook_events_filter ?? ['completed']).includes(event)) return
  const body = JSON.stringify(prediction)
  for (let attempt = 0, pause = 50; attempt < tries; attempt += 1, pause = Math.min(2 * pause, 1_000)) {
    const headers = signMessage([webhookSecret], randomUUID(), new Date(), body)
    const all = { ...headers, 'content-type': 'application/json' }
    const answered = await send(create.webhook, { dispatcher: agent, method: 'POST', headers: all, body }).catch(
      () => null,
    )
    await answered?.body.dump()
    if (answered && answered.statusCode < 300) return
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

function answer(response: ServerResponse, status: number, body: string | Buffer, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}
