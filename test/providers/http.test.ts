// Whether a request can have reached the other side decides about a second payment: told here with real sockets.
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { HttpFailure, TooLate } from '../../providers/connection.ts'
import { openHttp } from '../../providers/http.ts'
import { runLate } from '../setup/late.ts'
import { serve } from '../setup/serve.ts'

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

async function failureOf(url: string): Promise<HttpFailure> {
  const error = await http
    .send({ method: 'POST', url, body: { paid: true }, timeoutMs: 5_000 })
    .catch((thrown) => thrown)
  expect(error).toBeInstanceOf(HttpFailure)
  return error as HttpFailure
}

test('a closed port was sent nothing', async () => {
  expect(await failureOf('http://127.0.0.1:9/v1/x')).toMatchObject({ sent: false })
})

test('a name whose every address refuses was sent nothing', async () => {
  expect(await failureOf('http://localhost:9/v1/x')).toMatchObject({ sent: false })
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
  const failure = await runLate(
    5_000,
    () => seen.connections === 1,
    () => failureOf(url),
  )
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

test('a request whose turn comes too late is not begun', async () => {
  const held = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    asked.push(request.url ?? '')
    arrived.resolve()
    await held.promise
    response.end('{}')
  }).listen(0)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const narrow = openHttp({ connections: 1 })
  let isInTime = true
  const first = narrow.send({ method: 'POST', url: `${url}/first`, timeoutMs: 5_000, mayBegin: () => isInTime })
  const second = narrow.send({ method: 'POST', url: `${url}/second`, timeoutMs: 5_000, mayBegin: () => isInTime })
  await arrived.promise
  isInTime = false
  held.resolve()
  expect((await first).status).toBe(200)
  await expect(second).rejects.toThrow(TooLate)
  expect(asked).toEqual(['/first'])
  await narrow.close()
  server.close()
})

test('a receiver of news that is silent keeps no provider waiting', async () => {
  const held = Promise.withResolvers<void>()
  const receiver = createServer(async (_request, response) => {
    await held.promise
    response.end('{}')
  }).listen(0)
  const provider = createServer((_request, response) => response.end('{}')).listen(0)
  const [news, create] = [receiver, provider].map(
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  )
  const narrow = openHttp({ connections: 1 })
  const told = narrow.send({ method: 'POST', url: news ?? '', timeoutMs: 60_000, isMessage: true })
  expect((await narrow.send({ method: 'POST', url: create ?? '', timeoutMs: 60_000 })).status).toBe(200)
  held.resolve()
  expect((await told).status).toBe(200)
  await narrow.close()
  for (const server of [receiver, provider]) server.close()
})

test('HTTP/2 is not offered: over it, a request that was refused would be sent again', async () => {
  const hello = Promise.withResolvers<Buffer>()
  const { url } = await listen((socket) =>
    socket.once('data', (data) => {
      hello.resolve(data)
      socket.destroy()
    }),
  )
  await failureOf(url.replace('http:', 'https:').replace('127.0.0.1', 'localhost'))
  const offered = (await hello.promise).toString('latin1')
  expect(offered).toContain('\x08http/1.1')
  expect(offered).not.toContain('\x02h2')
})

test('an error of a request whose path is a secret names the host alone', async () => {
  const { url } = await listen((socket) => socket.destroy())
  const asked = { method: 'POST' as const, url, timeoutMs: 5_000, isPathSecret: true }
  const { message } = await http.send(asked).catch((thrown) => thrown)
  expect(message).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+: /)
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
