// Fetches the files that a provider names. Their addresses are its word, not ours: it promises to follow few redirects, and none of
// them, nor the first address, into a private network. Errors name hosts alone, because a path may be a signed link.
import { Readable } from 'node:stream'
import type { Agent, Dispatcher } from 'undici'
import { agentOptions, ForbiddenAddress, HttpFailure, target } from './connection.ts'
import { isPublicHost } from './public-host.ts'
import { lookupPublic } from './public-lookup.ts'

const mostRedirects = 3
/** Without a byte, or an answer: a copy is given up sooner than the function that makes it. */
const stallMs = 15_000

export interface Download {
  status: number
  /** Which byte of the file `body` begins with. */
  start: number
  /** The size of the whole file, where it is told. */
  total: number | undefined
  body: AsyncIterable<Uint8Array> & { cancel(): void }
}

interface Downloads {
  download(url: string, signal: AbortSignal, start?: number): Promise<Download>
  close(): Promise<void>
}

/** `AgentClass`: undici's, which http.ts loads late. */
export function openDownloads(
  AgentClass: typeof Agent,
  { connections, own }: { connections: number; own: readonly string[] },
): Downloads {
  const options = { ...agentOptions, connections, headersTimeout: stallMs, bodyTimeout: stallMs }
  const near = new AgentClass(options)
  const outside = new AgentClass({ ...options, connect: { lookup: lookupPublic } })
  const agentFor = (url: URL) => {
    if (own.includes(url.hostname)) return near
    if (url.protocol === 'https:' && isPublicHost(url.hostname)) return outside
    throw new ForbiddenAddress('its address is not on a public host, or not https')
  }
  return {
    download: async (url, signal, start) =>
      url.startsWith('data:') ? inline(url, start) : download(agentFor, { url, signal, start }),
    close: async () => void (await Promise.all([near.close(), outside.close()])),
  }
}

/** A file that came inside its address. */
function inline(address: string, start = 0): Download {
  const [, head = '', text = ''] = /^data:([^,]*),(.*)$/is.exec(address) ?? []
  const bytes = Buffer.from(
    /;base64$/i.test(head) ? text : decodeURIComponent(text),
    /;base64$/i.test(head) ? 'base64' : 'utf8',
  )
  const body = Object.assign(Readable.from([bytes.subarray(start)]), { cancel: () => undefined })
  return { status: 200, start, total: bytes.length, body }
}

interface Asked {
  url: string
  signal: AbortSignal
  start: number | undefined
}

async function download(agentFor: (url: URL) => Agent, { url, signal, start = 0 }: Asked): Promise<Download> {
  const headers = start > 0 ? { range: `bytes=${start}-` } : {}
  let next = new URL(url)
  for (let redirects = 0; ; redirects += 1) {
    const agent = agentFor(next)
    const response = await request(agent, next, { headers, signal })
    // Destroyed before its end it emits an error; without a listener that would end the process.
    const cancel = () => void response.body.on('error', () => undefined).destroy()
    const moved = locationOf(response, next)
    if (!moved)
      return { status: response.statusCode, ...placeOf(response), body: Object.assign(response.body, { cancel }) }
    cancel()
    if (redirects === mostRedirects) throw failure(next, new Error(`more than ${mostRedirects} redirects`))
    next = moved
  }
}

async function request(agent: Agent, url: URL, options: Pick<Dispatcher.RequestOptions, 'headers' | 'signal'>) {
  try {
    return await agent.request({ ...target(url.href), method: 'GET', ...options })
  } catch (error) {
    throw failure(url, error)
  }
}

const failure = ({ href: url }: URL, cause: unknown) =>
  new HttpFailure({ method: 'GET', url, isPathSecret: true }, true, cause)

/** Where the file is instead. An answer that doesn't say it is taken for what its status says. */
function locationOf({ statusCode, headers }: Dispatcher.ResponseData, from: URL): URL | undefined {
  const { location } = headers
  if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== 'string') return undefined
  return URL.parse(location, from.href) ?? undefined
}

/** A range that is answered with the whole file begins at its start. */
function placeOf({ statusCode, headers }: Dispatcher.ResponseData): Pick<Download, 'start' | 'total'> {
  if (statusCode !== 206) return { start: 0, total: sizeOf(headers['content-length']) }
  const [, first, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'])) ?? []
  return { start: Number(first ?? Number.NaN), total: sizeOf(size) }
}

const sizeOf = (text: unknown) => (/^\d+$/.test(String(text)) ? Number(text) : undefined)
