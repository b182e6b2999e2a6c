// Whether a request can have reached the other side decides about a second payment: told here with real sockets.
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { type Download, HttpFailure, openHttp } from '../../providers/http.ts'

const http = openHttp({ connections: 4 })
const closing: (() => void)[] = []
afterAll(async () => {
  await http.close()
  for (const close of closing) close()
})

/** A TCP server, and how many connections it has had. */
async function listen(onConnection: (socket: Socket) => void) {
  const seen = { connections: 0 }
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    seen.connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x?signature=secret`, seen }
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function failureOf(url: string, timeoutMs = 5_000): Promise<HttpFailure> {
  const error = await http.send({ method: 'POST', url, body: { paid: true }, timeoutMs }).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(HttpFailure)
  return error as HttpFailure
}

test('a closed port was sent nothing', async () => {
  expect(await failureOf('http://127.0.0.1:9/v1/x')).toMatchObject({ sent: false })
})

test('a name that does not exist was sent nothing', async () => {
  expect(await failureOf('http://nobody.invalid/v1/x')).toMatchObject({ sent: false })
})

test.each<[string, (socket: Socket) => void]>([
  ['hung up on at once', (socket) => socket.destroy()],
  ['reset once it was read', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ['ended without an answer', (socket) => socket.once('data', () => socket.end())],
  ['answered with half a head', (socket) => socket.once('data', () => socket.end('HTTP/1.1 201 Cre'))],
  [
    'answered with half a body',
    (socket) => socket.once('data', () => socket.end('HTTP/1.1 201 Created\r\ncontent-length: 99\r\n\r\n{')),
  ],
  ['answered in another language', (socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9\r\n'))],
])('a request that was %s may have been accepted, and is sent once', async (_name, behave) => {
  const { url, seen } = await listen(behave)
  expect(await failureOf(url)).toMatchObject({ sent: true })
  expect(seen.connections).toBe(1)
})

test('a request without an answer in time may have been accepted', async () => {
  const { url, seen } = await listen(() => undefined)
  const failure = await failureOf(url, 100)
  expect(failure).toMatchObject({ sent: true, message: expect.stringContaining('no answer in time') })
  expect(seen.connections).toBe(1)
})

test('an error carries neither the query nor the body of the request', async () => {
  const { url } = await listen((socket) => socket.destroy())
  const { message } = await failureOf(url)
  expect(message).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\/v1\/x: /)
  expect(message).not.toMatch(/secret|paid/)
})

test('a kept-alive connection that the server has closed is not used for a second POST of the same request', async () => {
  const requests: string[] = []
  const { url } = await listen((socket) =>
    socket.on('data', (data) => {
      requests.push(String(data).split('\r\n')[0] ?? '')
      if (requests.length === 1)
        socket.write('HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}')
      else socket.resetAndDestroy()
    }),
  )
  expect(await http.send({ method: 'POST', url, body: {}, timeoutMs: 5_000 })).toMatchObject({ status: 200, body: {} })
  expect(await failureOf(url)).toMatchObject({ sent: true })
  expect(requests).toHaveLength(2)
})

test('a body that is no JSON is undefined, and one over 20 MB a failure', async () => {
  const html = await serve((_, response) => response.end('<html>'))
  expect(await http.send({ method: 'GET', url: html, timeoutMs: 5_000 })).toMatchObject({
    status: 200,
    body: undefined,
  })
  const huge = await serve((_, response) => response.end(Buffer.alloc(20_000_001, ' ')))
  expect(await failureOf(huge)).toMatchObject({ sent: true })
})

test('a redirected POST is not followed', async () => {
  const asked: string[] = []
  const url = await serve((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  expect(await http.send({ method: 'POST', url, body: {}, timeoutMs: 5_000 })).toMatchObject({ status: 307 })
  expect(asked).toEqual(['/'])
})

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('a download follows redirects and gives the bytes', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/file' }).end()
    else response.end('bytes')
  })
  const { status, body } = await http.download(url, AbortSignal.timeout(5_000))
  expect([status, await textOf(body)]).toEqual([200, 'bytes'])
})

test('a download begins where it is asked to, and says where that is and how large the whole is', async () => {
  const asked: (string | undefined)[] = []
  const url = await serve((request, response) => {
    asked.push(request.headers.range)
    if (request.headers.range) response.writeHead(206, { 'content-range': 'bytes 3-4/5' }).end('es')
    else response.writeHead(200, { 'content-length': '5' }).end('bytes')
  })
  const whole = await http.download(url, AbortSignal.timeout(5_000))
  expect([whole.status, whole.start, whole.total, await textOf(whole.body)]).toEqual([200, 0, 5, 'bytes'])
  const rest = await http.download(url, AbortSignal.timeout(5_000), 3)
  expect([rest.status, rest.start, rest.total, await textOf(rest.body)]).toEqual([206, 3, 5, 'es'])
  expect(asked).toEqual([undefined, 'bytes=3-'])
})

test.each<[string, number, Record<string, string>, Partial<Download>]>([
  ['the whole instead of a range', 200, { 'content-length': '5' }, { start: 0, total: 5 }],
  ['no size', 200, { 'transfer-encoding': 'chunked' }, { start: 0, total: undefined }],
  ['a range without its place', 206, {}, { start: Number.NaN, total: undefined }],
  ['a range of an unknown size', 206, { 'content-range': 'bytes 3-4/*' }, { start: Number.NaN, total: undefined }],
])('a download that is answered with %s says so', async (_name, status, headers, place) => {
  const url = await serve((_, response) => response.writeHead(status, headers).end('bytes'))
  const { start, total, body } = await http.download(url, AbortSignal.timeout(5_000), 3)
  body.cancel()
  expect({ start, total }).toEqual(place)
})

test('a download that is given up before its end harms nobody', async () => {
  const url = await serve((_, response) => response.writeHead(503).write('x'.repeat(1_000)))
  const { status, body } = await http.download(url, AbortSignal.timeout(5_000))
  expect(status).toBe(503)
  body.cancel()
  expect((await http.send({ method: 'GET', url: await serve((_, r) => r.end('{}')), timeoutMs: 5_000 })).status).toBe(
    200,
  )
})

test('a download that nobody answers is a failure', async () => {
  await expect(http.download('http://127.0.0.1:9/x', AbortSignal.timeout(5_000))).rejects.toThrow(HttpFailure)
})
