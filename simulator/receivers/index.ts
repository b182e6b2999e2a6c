// Receivers to tell: an app that takes signed webhooks, and a push service with browsers that read what they are sent. `npm start` and tests
// call startReceivers(); both are spoken to over real HTTP, and refuse what a real one would.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { importJWK, jwtVerify } from 'jose'
import { AppError } from '../../core/errors.ts'
import { verifySignature } from '../../providers/signature.ts'
import { listenOn } from '../ports.ts'
import { type BrowserKeys, decrypt, newKeys, publicKeys } from './decrypt.ts'
import { receiverPage } from './page.ts'

export interface Told {
  id: string
  body: { id: string; type: string; at: string; task: { task_id: string; status: string } & Record<string, unknown> }
}

/** What a browser was pushed, as its service worker reads it. */
export interface Push {
  id: string
  type: string
  task_id: string
  title: string
  body: string
}

export interface Subscription {
  endpoint: string
  keys: { p256dh: string; auth: string }
}

interface Receivers {
  readonly url: string
  /** For NOTIFY_URL. */
  readonly hook: string
  readonly told: readonly Told[]
  readonly pushes: readonly Push[]
  /** A browser that subscribes. */
  subscribe(): Subscription
  /** A browser that wants no more: its endpoint answers 410. */
  leave(subscription: Pick<Subscription, 'endpoint'>): void
  /** What both answer with from now on, instead of taking a message; undefined: well again. */
  answer(status: number | undefined): void
  close(): Promise<void>
}

interface ReceiversStart {
  port: number
  /** NOTIFY_SECRET. */
  secret: string
  now?: () => Date
}

const mostKept = 200

export async function startReceivers({ port, secret, now = () => new Date() }: ReceiversStart): Promise<Receivers> {
  const told: Told[] = []
  const pushes: Push[] = []
  const browsers = new Map<string, BrowserKeys>()
  const gone = new Set<string>()
  let fault: number | undefined
  const server = createServer()
  const url = `http://127.0.0.1:${await listenOn(server, port)}`

  const subscribe = (): Subscription => {
    const id = randomUUID()
    const keys = newKeys()
    browsers.set(id, keys)
    return { endpoint: `${url}/push/${id}`, keys: publicKeys(keys) }
  }
  const takeHook = (headers: Headers, raw: string) => {
    verifySignature(headers, raw, secret, now())
    keep(told, { id: headers.get('webhook-id') ?? '', body: JSON.parse(raw) })
  }
  const takePush = async (id: string, headers: Headers, message: Buffer): Promise<number> => {
    if (gone.has(id)) return 410
    const keys = browsers.get(id)
    if (!keys) return 404
    await verifyVapid(headers, new URL(url).origin, now())
    if (headers.get('content-encoding') !== 'aes128gcm' || !headers.get('ttl')) return 400
    if (message.length > 4_096) return 413
    keep(pushes, JSON.parse(decrypt(keys, message)) as Push)
    return 201
  }
  const answer = async (request: IncomingMessage): Promise<{ status: number; body?: string; type?: string }> => {
    const { pathname } = new URL(request.url ?? '/', url)
    if (request.method === 'GET')
      return { status: 200, body: receiverPage(told, pushes), type: 'text/html; charset=utf-8' }
    const raw = await buffer(request)
    const headers = new Headers(request.headers as Record<string, string>)
    if (pathname === '/subscribe') return { status: 201, body: JSON.stringify(subscribe()), type: 'application/json' }
    if (fault) return { status: fault }
    if (pathname === '/hook') {
      takeHook(headers, raw.toString('utf8'))
      return { status: 204 }
    }
    return { status: await takePush(pathname.split('/').at(-1) ?? '', headers, raw) }
  }
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const { status, body, type } = await answer(request).catch((error: unknown) => ({
      status: error instanceof AppError ? error.status : 403,
      body: String(error),
      type: 'text/plain',
    }))
    response.writeHead(status, type ? { 'content-type': type } : {}).end(body)
  })
  return {
    ...{ url, hook: `${url}/hook`, told, pushes, subscribe },
    leave: ({ endpoint }) => void gone.add(endpoint.split('/').at(-1) ?? ''),
    answer: (status) => {
      fault = status
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function keep<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > mostKept) list.shift()
}

/** Throws unless the sender has signed for this service, for a day at most (RFC 8292). */
async function verifyVapid(headers: Headers, origin: string, now: Date): Promise<void> {
  const [, token = '', key = ''] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(headers.get('authorization') ?? '') ?? []
  const point = Buffer.from(key, 'base64url')
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')]
  const own = await importJWK({ kty: 'EC', crv: 'P-256', x, y }, 'ES256')
  const { payload } = await jwtVerify(token, own, { audience: origin, algorithms: ['ES256'] })
  if ((payload.exp ?? Number.POSITIVE_INFINITY) > now.getTime() / 1000 + 24 * 3_600 + 60)
    throw new Error('the token lives for more than a day')
  if (!/^(mailto:|https:)/.test(String(payload.sub))) throw new Error('the token names nobody')
}
