// HTTP to providers over undici: keep-alive, deadlines, bounded connections, and never a second request by itself.
// Every failure says whether the request can have reached the other side, because that decides about a second payment. http.ts loads it.
import pLimit from 'p-limit'
import type { Dispatcher } from 'undici'
import { withDeadline } from '../core/deadline.ts'
import { isNeverSent } from '../core/never-sent.ts'
import { parseJson } from './answer.ts'
import {
  agentOptions,
  HttpFailure,
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
  TooLate,
  target,
} from './connection.ts'
import { openDownloads } from './download.ts'
import { lookupPublic, requirePublic } from './public-lookup.ts'
import { Agent, request as ask } from './undici.ts'

/** Bodies above this are no JSON answer of a provider; Replicate's logs can reach some megabytes. */
const maxJsonBytes = 20_000_000

export function openRequests({ connections, own = [] }: HttpOptions) {
  const agent = new Agent({ ...agentOptions, connections })
  const outside = new Agent({ ...agentOptions, connections, connect: { lookup: lookupPublic } })
  // Before the deadline begins to run: a request that waits here was certainly never sent.
  const limit = pLimit(connections)
  const limitMessages = pLimit(connections)
  const downloads = openDownloads({ connections, own })
  return {
    send: (request: HttpRequest) =>
      (request.isMessage ? limitMessages : limit)(() => send(request.isForeign ? outside : agent, request)),
    download: downloads.download,
    close: async () => void (await Promise.all([agent.close(), outside.close(), downloads.close()])),
  }
}

async function send(agent: Dispatcher, request: HttpRequest): Promise<HttpResponse> {
  if (request.isForeign) requirePublic(new URL(request.url))
  if (request.mayBegin && !request.mayBegin()) throw new TooLate(`${request.method} was not begun in time`)
  try {
    return await withDeadline(request.timeoutMs, async (signal) => {
      const response = await ask(agent, {
        ...target(request.url),
        method: request.method,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...request.headers },
        body: request.bytes ?? (request.body === undefined ? null : JSON.stringify(request.body)),
        signal,
      })
      const text = withoutKey(await readText(response.body), request)
      return { status: response.statusCode, headers: response.headers, body: parseJson(text) }
    })
  } catch (error) {
    throw new HttpFailure(request, !isNeverSent(error), error)
  }
}

/** Some answers to a wrong key quote it, and would be shown to people and kept. */
function withoutKey(text: string, { headers }: HttpRequest): string {
  const key = headers?.['authorization']?.split(' ').at(-1)
  return key ? text.replaceAll(key, '…') : text
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxJsonBytes) throw new Error(`the answer is larger than ${maxJsonBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
