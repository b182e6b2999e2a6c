// The simulated Replicate at a distance: every answer comes some milliseconds later. Nothing that runs there ends by itself, so that
// what one pass sees running the next one sees running again.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { createReplicate, type Replicate } from '../../simulator/replicate/index.ts'

export interface DistantReplicate {
  /** What makes the product use it. */
  env: Record<string, string>
  latencyMs: number
  /** Whether its list answers; otherwise every prediction is to be asked for by itself. */
  hasList: boolean
  replicate: Replicate
  close(): void
}

const aDay = 86_400

export async function openDistantReplicate(latencyMs: number): Promise<DistantReplicate> {
  const server = createServer({ keepAliveTimeout: 60_000 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the simulated provider has no TCP address')
  const baseUrl = `http://127.0.0.1:${address.port}`
  const token = 'r8_bench'
  const webhookSecret = 'whsec_c3RlcGdhdGUtYmVuY2gtd2ViaG9va3M='
  const distant: DistantReplicate = {
    env: { REPLICATE_BASE_URL: `${baseUrl}/v1`, REPLICATE_API_TOKEN: token },
    latencyMs,
    hasList: true,
    replicate: createReplicate({ baseUrl, token, webhookSecret, secondsPerStep: aDay, drawing: false }),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  server.on('request', async (incoming, outgoing) => {
    const isRefused = !distant.hasList && incoming.url?.startsWith('/v1/predictions?')
    const response = isRefused
      ? Response.json({ detail: 'no list today', status: 500 }, { status: 500 })
      : await distant.replicate.fetch(await requestOf(incoming, baseUrl))
    const body = Buffer.from(await response.arrayBuffer())
    await setTimeout(distant.latencyMs)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(body)
  })
  return distant
}

async function requestOf(incoming: IncomingMessage, baseUrl: string): Promise<Request> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const { method = 'GET', url = '/', headers } = incoming
  const given = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
  return new Request(new URL(url, baseUrl), {
    method,
    headers: given,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  })
}
