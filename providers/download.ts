// Fetches the files that a provider names. Their addresses are its word, not ours: it promises to follow few redirects, and none of
// them, nor the first address, into a private network. Errors name hosts alone, because a path may be a signed link.
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { type DataUri, decodeDataUri, parseDataUri } from '../core/data-uri.ts'
import { agentOptions, ForbiddenAddress, HttpFailure, target } from './connection.ts'
import { lookupPublic, requirePublic } from './public-lookup.ts'
import { Agent, request as ask } from './undici.ts'

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

export function openDownloads({ connections, own }: { connections: number; own: readonly string[] }): Downloads {
  const options = { ...agentOptions, connections, headersTimeout: stallMs, bodyTimeout: stallMs }
  const near = new Agent(options)
  const outside = new Agent({ ...options, connect: { lookup: lookupPublic } })
  const agentFor = (url: URL) => {
    if (own.includes(url.hostname)) return near
    requirePublic(url)
    return outside
  }
  return {
    download: async (url, signal, start) => {
      const uri = parseDataUri(url)
      return uri ? inline(uri, start) : download(agentFor, { url, signal, start })
    },
    close: async () => void (await Promise.all([near.close(), outside.close()])),
  }
}

/** A file that came inside its address. */
function inline(uri: DataUri, start = 0): Download {
  const bytes = decodeDataUri(uri)
  if (!bytes) throw new ForbiddenAddress('the file in its address is damaged')
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
    return await ask(agent, { ...target(url.href), method: 'GET', ...options })
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
