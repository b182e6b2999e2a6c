// A Telegram to try the bot against: its Bot API, a page that shows the chat, and updates sent to the bot's webhook.
// `npm start` and tests call startTelegram; grammY speaks to it through its `apiRoot`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readBody, sendResponse, toRequest } from '../exchange.ts'
import { listenOn } from '../ports.ts'
import { startDeliveries } from './deliver.ts'
import { createFaults, type TelegramFault, telegramFaultSchema } from './faults.ts'
import { type Call, methods } from './methods.ts'
import { chatLog, chatPage } from './page.ts'
import * as people from './people.ts'
import { BotApiError, type ChatMessage, createState, type Person, type State } from './state.ts'

export type { ChatMessage, Photo }

type Photo = people.Photo

export interface TelegramServer {
  /** The Bot API's root, for grammY's `apiRoot` and TELEGRAM_API_URL. */
  readonly url: string
  readonly token: string
  /** Somebody's chat with the bot. */
  chat(person: Omit<Person, 'blocked'>): Chat
  addFaults(faults: readonly TelegramFault[]): void
  /** Resolves when every update so far was taken by the bot, or given up. */
  settled(): Promise<void>
  close(): Promise<void>
}

export interface Chat {
  readonly messages: readonly ChatMessage[]
  write(text: string): void
  sendPhotos(photos: readonly Photo[]): Promise<void>
  /** Presses the newest button with these words; gives what the bot said to it, once it was taken. */
  press(words: string | RegExp): Promise<string | undefined>
  /** Presses with data of one's own, as a forged client could. */
  pressData(messageId: number, data: string): Promise<string | undefined>
  block(blocked: boolean): void
}

export interface TelegramStart {
  readonly port: number
  readonly token: string
  readonly username?: string
  readonly host?: string
  readonly now?: () => Date
}

/** The person who opens the page of the chat, unless its address names another. */
export const visitor = { id: 1, first_name: 'You', language_code: 'en' } as const

/** A call that was done and is never answered. */
const lost = Symbol('lost')
const mostBodyBytes = 60 * 1024 * 1024

export async function startTelegram({
  port,
  token,
  username = 'stepgate_bot',
  host = '127.0.0.1',
  now,
}: TelegramStart): Promise<TelegramServer> {
  const server = createServer()
  const url = `http://${host}:${await listenOn(server, port, host)}`
  const faults = createFaults()
  const state = createState({ baseUrl: url, token, username, now: now ?? (() => new Date()) }, faults)
  const deliveries = startDeliveries(state)
  server.on('request', (request, response) => void serve(state, request, response).finally(() => deliveries.wake()))
  return {
    url,
    token,
    addFaults: (given) => faults.add(given),
    chat: (person) => chatOf(state, people.join(state, person), deliveries),
    settled: () => deliveries.settled(),
    async close() {
      await deliveries.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

function chatOf(state: State, { id }: Person, deliveries: ReturnType<typeof startDeliveries>): Chat {
  const own = () => state.messages.filter(({ chat }) => chat === id)
  const pressData = async (messageId: number, data: string) => {
    const query = people.press(state, id, messageId, data)
    await deliveries.settled()
    return state.presses.get(query)?.text
  }
  return {
    get messages() {
      return own()
    },
    write(text) {
      people.write(state, id, text)
      deliveries.wake()
    },
    async sendPhotos(photos) {
      await people.sendPhotos(state, id, photos)
      deliveries.wake()
    },
    press(words) {
      const fits = (text: string) => (typeof words === 'string' ? text.includes(words) : words.test(text))
      for (const { message_id, buttons } of own().toReversed()) {
        const button = buttons.flat().find(({ text }) => fits(text))
        if (button) return pressData(message_id, button.callback_data)
      }
      throw new Error(`no button says ${words}`)
    },
    pressData,
    block(blocked) {
      people.block(state, id, blocked)
      deliveries.wake()
    },
  }
}

async function serve(state: State, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController()
  outgoing.once('close', () => gone.abort())
  try {
    const answer = await route(state, await requestOf(state, incoming, gone.signal))
    if (answer === lost) outgoing.destroy()
    else await sendResponse(answer, outgoing, gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) console.error('simulated Telegram:', error)
    outgoing.destroy()
  }
}

async function requestOf({ options }: State, incoming: IncomingMessage, signal: AbortSignal): Promise<Request> {
  const body = await readBody(incoming, mostBodyBytes)
  if (!body) throw new Error('the request is too large')
  return toRequest(incoming, new URL(incoming.url ?? '/', options.baseUrl), body, signal)
}

async function route(state: State, request: Request): Promise<Response | typeof lost> {
  const { pathname, searchParams } = new URL(request.url)
  const [, first = '', second = '', third = '', fourth = ''] = pathname.split('/')
  if (first === `bot${state.options.token}`) return callMethod(state, second, request)
  if (first === 'file' && second === `bot${state.options.token}`) return fileAnswer(state, fourth)
  if (/^(file|bot)/.test(first)) return botAnswer(401, { ok: false, error_code: 401, description: 'Unauthorized' })
  if (first === '_telegram' && second === 'file') return fileAnswer(state, third)
  if (first === '_telegram' && second === 'faults' && request.method === 'POST') {
    state.faults.add(telegramFaultSchema.array().parse(await request.json()))
    return Response.json({ added: true })
  }
  const id = first === '_telegram' ? Number(third) : visitor.id
  const language_code = request.headers.get('accept-language')?.slice(0, 2) ?? visitor.language_code
  const person = people.join(state, { ...visitor, id, language_code })
  const html = { 'content-type': 'text/html; charset=utf-8' }
  if (fourth === 'log') return new Response(chatLog(state, person), { headers: html })
  if (fourth === 'messages') return say(state, person, await request.formData())
  if (fourth === 'presses') {
    const form = await request.formData()
    people.press(state, person.id, Number(form.get('message')), String(form.get('data')))
    return Response.json({ pressed: true })
  }
  // A deep link, as t.me has them: `/open/<bot>?start=<code>`.
  const code = first === 'open' ? (searchParams.get('start') ?? undefined) : undefined
  return new Response(chatPage(state, person, code), { headers: html })
}

async function say(state: State, { id }: Person, form: FormData): Promise<Response> {
  const text = String(form.get('text') ?? '').trim()
  const files = form.getAll('photos').filter((one): one is File => one instanceof File && one.size > 0)
  const photos = await Promise.all(
    files.map(async (file, index) => ({
      bytes: new Uint8Array(await file.arrayBuffer()),
      type: file.type,
      ...(index === 0 && text && { caption: text }),
    })),
  )
  if (photos.length > 0) await people.sendPhotos(state, id, photos)
  else if (text) people.write(state, id, text)
  return Response.json({ sent: true })
}

async function callMethod(state: State, name: string, request: Request): Promise<Response | typeof lost> {
  const method = methods[name]
  if (!method) return botAnswer(404, { ok: false, error_code: 404, description: 'Not Found: method not found' })
  const refused = state.faults.take(name, ['400', '429', '500'])
  try {
    if (refused?.fault === '429') {
      throw new BotApiError(429, `Too Many Requests: retry after ${refused.retry_after}`, {
        retry_after: refused.retry_after,
      })
    }
    if (refused?.fault === '400') throw new BotApiError(400, 'Bad Request: it is not taken')
    if (refused) throw new BotApiError(500, 'Internal Server Error')
    const result = await method(state, await readCall(request))
    return state.faults.take(name, ['lost']) ? lost : botAnswer(200, { ok: true, result })
  } catch (error) {
    if (!(error instanceof BotApiError)) throw error
    const { code, message, parameters } = error
    return botAnswer(code, { ok: false, error_code: code, description: message, ...(parameters && { parameters }) })
  }
}

async function readCall(request: Request): Promise<Call> {
  const type = request.headers.get('content-type') ?? ''
  if (type.startsWith('application/json')) return (await request.json()) as Call
  if (!type.startsWith('multipart/form-data')) return Object.fromEntries(new URL(request.url).searchParams)
  const form = await request.formData()
  const parts = Object.fromEntries(form)
  // A field may name a part: `attach://part`.
  const attached = (value: unknown) =>
    typeof value === 'string' && value.startsWith('attach://') ? parts[value.slice('attach://'.length)] : value
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, attached(value)]))
}

const botAnswer = (status: number, body: object) => Response.json(body, { status })

function fileAnswer({ files }: State, id: string): Response {
  const file = files.get(id)
  return file
    ? new Response(file.bytes, { headers: { 'content-type': file.type } })
    : new Response(null, { status: 404 })
}
