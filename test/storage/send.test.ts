// Parts of files on their way to the blob store. Its client sees what fetch would have given it.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sendBlob } from '../../storage/send.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Received {
  method: string | undefined
  url: string | undefined
  token: string | undefined
  body: string
}

/** A store that answers as told. */
async function serve(answer: Answer) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    received.push({ method, url, token: headers.authorization, body: (await buffer(request)).toString() })
    answer(request, response)
  }).listen(0)
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/part`, received }
}

const part = (text: string) => new TextEncoder().encode(text).buffer
const headers = { authorization: 'Bearer token' }

test('a part arrives whole, with its headers; the answer has status, headers and words', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch')
  onTestFinished(() => fetched.mockRestore())
  const store = await serve((_, response) =>
    response.writeHead(429, { 'x-ratelimit-reset': '7', etag: 'e' }).end('slow'),
  )
  const answer = await sendBlob(store.url, { method: 'put', headers, body: part('all of it') })
  expect(store.received).toEqual([{ method: 'PUT', url: '/part', token: 'Bearer token', body: 'all of it' }])
  expect([answer.status, answer.headers.get('x-ratelimit-reset'), answer.headers.get('etag')]).toEqual([429, '7', 'e'])
  expect(await answer.text()).toBe('slow')
  expect(fetched).not.toHaveBeenCalled()
})

test('a part follows a redirect', async () => {
  const store = await serve(({ url }, response) =>
    response.writeHead(url === '/part' ? 307 : 200, { location: '/elsewhere' }).end(),
  )
  const answer = await sendBlob(store.url, { method: 'put', headers, body: part('moved') })
  expect(answer.status).toBe(200)
  expect(store.received.at(-1)).toEqual({ method: 'PUT', url: '/elsewhere', token: 'Bearer token', body: 'moved' })
})

test('a store that is not there is a failure', async () => {
  await expect(sendBlob('http://127.0.0.1:1/part', { method: 'put', body: part('lost') })).rejects.toThrow()
})

test('whatever is no part goes as fetch sends it', async () => {
  const store = await serve((_, response) => response.end())
  await sendBlob(store.url)
  await sendBlob(store.url, { method: 'DELETE' })
  await sendBlob(store.url, { method: 'PUT', body: '{}' })
  await sendBlob(new URL(store.url), { method: 'PUT', body: part('at a URL') })
  const sent = store.received.map(({ method, body }) => [method, body])
  expect(sent).toEqual([
    ['GET', ''],
    ['DELETE', ''],
    ['PUT', '{}'],
    ['PUT', 'at a URL'],
  ])
})
