// A receiver of webhooks over real HTTP, for tests: it keeps what it was sent, and answers as it is told.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Received {
  path: string
  headers: Record<string, string>
  raw: string
  body: { id: string; type: string; at: string; task: Record<string, unknown> }
}

export interface Receiver {
  url: string
  received: Received[]
  /** What it answers with from now on; `lost`: it takes the message, and the connection ends without an answer. */
  answer: number | 'lost'
  headers: Record<string, string>
  close(): void
}

export async function openReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: '', received: [], answer: 204, headers: {}, close: () => server.close() }
  const server = createServer(async (request, response) => {
    const raw = await text(request)
    const headers = request.headers as Record<string, string>
    receiver.received.push({ path: request.url ?? '', headers, raw, body: JSON.parse(raw) })
    if (receiver.answer === 'lost') response.destroy()
    else response.writeHead(receiver.answer, receiver.headers).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  receiver.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  return receiver
}
