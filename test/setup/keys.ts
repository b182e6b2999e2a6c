// An identity provider's (or fal's) published keys, on a real server: what is published can be changed, slowed down to an error, or
// taken away.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { onTestFinished } from 'vitest'

export interface KeyServer {
  url: string
  /** How often it was asked. */
  asked(): number
  publish(keys: readonly object[], status?: number): void
  close(): Promise<void>
}

export async function startKeyServer(keys: readonly object[]): Promise<KeyServer> {
  let published = { keys, status: 200 }
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.writeHead(published.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: published.keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const close = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/jwks.json`,
    asked: () => asked,
    publish: (next, status = 200) => {
      published = { keys: next, status }
    },
    close,
  }
}

/** For one test. */
export async function useKeyServer(keys: readonly object[]): Promise<KeyServer> {
  const server = await startKeyServer(keys)
  onTestFinished(server.close)
  return server
}
