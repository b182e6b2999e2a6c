// The simulated Replicate at a distance: every answer comes some milliseconds later. Nothing that runs there ends by itself, so that
// what one pass sees running the next one sees running again.
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { readBody, sendResponse, toRequest } from '../../simulator/exchange.ts'
import { listenOn } from '../../simulator/ports.ts'
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
  const baseUrl = `http://127.0.0.1:${await listenOn(server)}`
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
    const { signal } = new AbortController()
    const body = await readBody(incoming, Number.POSITIVE_INFINITY)
    const isRefused = !distant.hasList && incoming.url?.startsWith('/v1/predictions?')
    const response = isRefused
      ? Response.json({ detail: 'no list today', status: 500 }, { status: 500 })
      : await distant.replicate.fetch(toRequest(incoming, new URL(incoming.url ?? '/', baseUrl), body, signal))
    await setTimeout(distant.latencyMs)
    await sendResponse(response, outgoing, signal)
  })
  return distant
}
