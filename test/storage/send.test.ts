// Parts of files on their way to the blob store. Its client sees what fetch would have given it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sendBlob } from '../../storage/send.ts'
import { serve } from '../setup/serve.ts'

interface Received {
  method: string | undefined
  url: string | undefined
  token: string | undefined
  body: string
}

/** A store that answers as told. */
async function openStore(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const received: Received[] = []
  const address = await serve(async (request, response) => {
    const { method, url, headers } = request
    received.push({ method, url, token: headers.authorization, body: (await buffer(request)).toString() })
    answer(request, response)
  })
  return { url: `${address}/part`, received }
}

const part = (text: string) => new TextEncoder().encode(text).buffer
const headers = { authorization: 'Bearer token' }

test('a part arrives whole, with its headers; the answer has status, headers and words', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch')
  onTestFinished(() => fetched.mockRestore())
  const store = await openStore((_, response) =>
    response.writeHead(429, { 'x-ratelimit-reset': '7', etag: 'e' }).end('slow'),
  )
  const answer = await sendBlob(store.url, { method: 'put', headers, body: part('all of it') })
  expect(store.received).toEqual([{ method: 'PUT', url: '/part', token: 'Bearer token', body: 'all of it' }])
  expect([answer.status, answer.headers.get('x-ratelimit-reset'), answer.headers.get('etag')]).toEqual([429, '7', 'e'])
  expect(await answer.text()).toBe('slow')
  expect(fetched).not.toHaveBeenCalled()
})

test('a part follows a redirect', async () => {
  const store = await openStore(({ url }, response) =>
    response.writeHead(url === '/part' ? 307 : 200, { location: '/elsewhere' }).end(),
  )
  const answer = await sendBlob(store.url, { method: 'put', headers, body: part('moved') })
  expect(answer.status).toBe(200)
  expect(store.received.at(-1)).toEqual({ method: 'PUT', url: '/elsewhere', token: 'Bearer token', body: 'moved' })
})

test('a store that is not there is a failure', async () => {
  await expect(sendBlob('http://127.0.0.1:1/part', { method: 'put', body: part('lost') })).rejects.toThrow()
})

test('a part that its sender gave up is not sent', async () => {
  const store = await openStore((_, response) => response.end())
  const given = { method: 'put', body: part('given up'), signal: AbortSignal.abort() }
  await expect(sendBlob(store.url, given)).rejects.toThrow('aborted')
  expect(store.received).toEqual([])
})

test('whatever is no part goes as fetch sends it', async () => {
  const store = await openStore((_, response) => response.end())
  await sendBlob(store.url)
  await sendBlob(store.url, { method: 'DELETE' })
  await sendBlob(store.url, { method: 'PUT', body: '{}' })
  await sendBlob(store.url, { method: 'POST', body: part('posted') })
  await sendBlob(new URL(store.url), { method: 'PUT', body: part('at a URL') })
  const sent = store.received.map(({ method, body }) => [method, body])
  expect(sent).toEqual([
    ['GET', ''],
    ['DELETE', ''],
    ['PUT', '{}'],
    ['POST', 'posted'],
    ['PUT', 'at a URL'],
  ])
})
