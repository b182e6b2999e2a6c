import { once } from 'node:events'
import { connect } from 'node:net'
import type { Config, Context } from '@netlify/functions'
import { Agent, request, fetch as send } from 'undici'
import { test as base, expect } from 'vitest'
import { type DoorHandler, loadDoors, openDoor } from '../../build/doors.ts'
import { createServer, type Router, type RouterOptions } from '../../dev/router.ts'
import { chunksOf } from '../storage/setup.ts'

const fixtures = new URL('../netlify/fixtures/good/', import.meta.url)

/** Starts a server over these doors, and what it logs as errors; both end with the test. */
const test = base.extend<{ serve: Serve }>({
  serve: async ({ task: _ }, use) => {
    const routers: Router[] = []
    await use(async (doors, options = {}) => {
      const errors: object[] = []
      const log = { info: () => {}, error: (fields: object) => errors.push(fields) }
      const open = doors.map(([config, handle], index) => openDoor(`door${index}`, handle, config))
      const router = createServer(open, { log, ...options })
      routers.push(router)
      return { url: await router.listen(0), router, errors }
    })
    await Promise.all(routers.map((router) => router.close()))
  },
})

type Serve = (
  doors: [Config, DoorHandler][],
  options?: Partial<RouterOptions>,
) => Promise<{ url: string; router: Router; errors: object[] }>

const echo: DoorHandler = async (request) => new Response(await request.arrayBuffer())
const say =
  (text: string): DoorHandler =>
  () =>
    new Response(text)
interface Answer {
  headers: { get(name: string): string | null }
  json(): Promise<unknown>
}
const problemOf = async (response: Answer) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const { status, code } = (await response.json()) as { status: number; code: string }
  return { status, code }
}

test('loads the doors of a folder with what their config says', async () => {
  const doors = await loadDoors(fixtures)
  expect(doors.map(({ name, methods, schedule }) => [name, methods, schedule])).toEqual([
    ['greet', ['GET', 'POST'], undefined],
    ['tick', undefined, '* * * * *'],
  ])
})

test('routes by path and method, with params as they stand in the URL', async ({ serve }) => {
  const params: DoorHandler = (_, context) => Response.json(context.params)
  const { url } = await serve([
    [{ path: ['/api/one', '/api/uno'], method: 'GET' }, say('one')],
    [{ path: '/api/one', method: ['POST'] }, say('posted')],
    [{ path: '/api/hook/:provider' }, params],
    [{ path: '/api/any/*' }, params],
  ])
  const get = async (path: string, method = 'GET') => (await fetch(url + path, { method })).text()
  expect(await get('/api/one?x=1')).toBe('one')
  expect(await get('/api/one/')).toBe('one')
  expect(await get('/api/uno')).toBe('one')
  expect(await get('/api/one', 'POST')).toBe('posted')
  expect(await get('/api/hook/a%20b', 'DELETE')).toBe('{"provider":"a%20b"}')
  expect(await get('/api/any/b/c')).toBe('{"0":"b/c"}')
})

test('refuses another method with 405 and every method of the path, and an unknown path with 404', async ({
  serve,
}) => {
  const { url } = await serve([
    [{ path: '/api/one', method: 'GET' }, say('one')],
    [{ path: '/api/one', method: ['POST', 'GET'] }, say('one')],
  ])
  const wrong = await fetch(`${url}/api/one`, { method: 'DELETE' })
  expect(wrong.headers.get('allow')).toBe('GET, POST')
  expect(await problemOf(wrong)).toEqual({ status: 405, code: 'method_not_allowed' })
  expect(await problemOf(await fetch(`${url}/api/two`))).toEqual({ status: 404, code: 'not_found' })
  expect((await fetch(`${url}/api/one`, { method: 'HEAD' })).status).toBe(405)
})

test('hands over query, headers, body, cookies and address as they came', async ({ serve }) => {
  const { url } = await serve([
    [
      { path: '/api/all' },
      async (request, { url, cookies, ip, requestId }: Context) =>
        Response.json([
          request.method,
          url.search,
          request.headers.get('x-a'),
          await request.text(),
          cookies.get('s'),
          ip,
          requestId.length,
        ]),
    ],
  ])
  const headers = { 'x-a': '1', cookie: 'r=1; s=a%20b' }
  const response = await fetch(`${url.replace('localhost', '127.0.0.1')}/api/all?q=%C5%BE`, {
    method: 'PUT',
    headers,
    body: 'žluť',
  })
  expect(await response.json()).toEqual(['PUT', '?q=%C5%BE', '1', 'žluť', 'a b', '127.0.0.1', 36])
})

test('takes a body of 6 MB, and refuses a larger one whether announced or not', async ({ serve }) => {
  let calls = 0
  const counted: DoorHandler = (request, context) => {
    calls += 1
    return echo(request, context)
  }
  const { url } = await serve([[{ path: '/api/echo' }, counted]])
  const post = (body: Buffer | AsyncIterable<Uint8Array>) =>
    send(`${url}/api/echo`, { method: 'POST', body, duplex: 'half' })
  const limit = 6 * 1024 * 1024
  expect((await (await post(Buffer.alloc(limit))).arrayBuffer()).byteLength).toBe(limit)
  expect(await problemOf(await post(Buffer.alloc(limit + 1)))).toEqual({ status: 413, code: 'body_too_large' })
  const unannounced = chunksOf(Buffer.alloc(limit + 1))
  expect(await problemOf(await post(unannounced))).toEqual({ status: 413, code: 'body_too_large' })
  expect(calls).toBe(1)
})

test('tells a client who asks before sending that it would be too much', async ({ serve }) => {
  const { url } = await serve([[{ path: '/api/echo' }, echo]])
  const socket = connect(Number(new URL(url).port), 'localhost')
  socket.write('POST /api/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 7000000\r\n\r\n')
  const [head] = await once(socket, 'data')
  expect(String(head)).toMatch(/^HTTP\/1.1 413 /)
  socket.destroy()
})

test('answers HEAD with the headers alone, and lets go of the body', async ({ serve }) => {
  const canceled = Promise.withResolvers<void>()
  const body = () => new ReadableStream({ cancel: () => canceled.resolve() })
  const { url } = await serve([
    [{ path: '/api/head' }, () => new Response(body(), { headers: { 'content-length': '123' } })],
  ])
  // A client that stays connected: by leaving it would cancel the body itself.
  const socket = connect(Number(new URL(url).port), 'localhost')
  socket.write('HEAD /api/head HTTP/1.1\r\nHost: x\r\n\r\n')
  const [head] = await once(socket, 'data')
  expect(String(head)).toMatch(/^HTTP\/1.1 200 OK\r\ncontent-length: 123\r\n.*\r\n\r\n$/s)
  await canceled.promise
  socket.destroy()
})

test('passes on status and headers, each cookie by itself, and adds none of its own', async ({ serve }) => {
  const headers: [string, string][] = [
    ['set-cookie', 'a=1; Path=/'],
    ['set-cookie', 'b=2'],
    ['x-b', '2'],
  ]
  const { url } = await serve([[{ path: '/api/made' }, () => new Response('made', { status: 201, headers })]])
  const { statusCode, headers: got } = await request(`${url}/api/made`)
  expect(statusCode).toBe(201)
  const { date: _, ...rest } = got
  const hop = { connection: 'keep-alive', 'keep-alive': 'timeout=5', 'transfer-encoding': 'chunked' }
  expect(rest).toEqual({
    'set-cookie': ['a=1; Path=/', 'b=2'],
    'x-b': '2',
    'content-type': 'text/plain;charset=UTF-8',
    ...hop,
  })
})

test('tells a client nothing of an error, and the log all', async ({ serve }) => {
  const fail: DoorHandler = () => {
    throw new Error('secret')
  }
  const { url, errors } = await serve([
    [{ path: '/api/throw' }, fail],
    [{ path: '/api/nothing' }, (() => undefined) as never],
  ])
  const response = await fetch(`${url}/api/throw`)
  expect(await response.clone().text()).not.toContain('secret')
  expect(await problemOf(response)).toEqual({ status: 500, code: 'internal' })
  expect((await fetch(`${url}/api/nothing`)).status).toBe(500)
  expect(errors).toMatchObject([{ err: { message: 'secret' }, door: 'door0' }, { door: 'door1' }])
})

test('gives up on a door that takes longer than the limit, and tells it so', async ({ serve }) => {
  const told = Promise.withResolvers<string>()
  const slow: DoorHandler = ({ signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        told.resolve(signal.reason.name)
        resolve(new Response('late'))
      })
    })
  const { url } = await serve([[{ path: '/api/slow' }, slow]], { limitMs: 50 })
  expect((await fetch(`${url}/api/slow`)).status).toBe(504)
  expect(await told.promise).toBe('TimeoutError')
})

test('does no work for a request that has come in only after the limit', async ({ serve }) => {
  let worked = 0
  const work: DoorHandler = () => {
    worked += 1
    return new Response('done')
  }
  const waitForLimit: DoorHandler = ({ signal }) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(new Response('late'))))
  const doors: Parameters<typeof serve>[0] = [
    [{ path: '/api/work' }, work],
    [{ path: '/api/wait' }, waitForLimit],
  ]
  const { url } = await serve(doors, { limitMs: 50 })
  const socket = connect(Number(new URL(url).port), 'localhost')
  socket.write('POST /api/work HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n')
  await once(socket, 'connect')
  await fetch(`${url}/api/nothing`)
  // Its time began later, and is over.
  expect((await fetch(`${url}/api/wait`)).status).toBe(504)
  socket.write('{}')
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 504 /)
  expect(worked).toBe(0)
  socket.destroy()
})

test('refuses what is no address, and survives what is no HTTP', async ({ serve }) => {
  const { url } = await serve([[{ path: '/api/one' }, say('one')]])
  const ask = async (text: string) => {
    const socket = connect(Number(new URL(url).port), 'localhost')
    socket.write(text)
    const [head] = await once(socket, 'data')
    socket.destroy()
    return String(head).slice(9, 12)
  }
  expect(await ask('GET /api/one HTTP/1.1\r\nHost: a b\r\n\r\n')).toBe('400')
  expect(await ask('nonsense\r\n\r\n')).toBe('400')
  expect(await ask('TRACE /api/one HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('405')
  expect(await ask('GET //elsewhere/api/one HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('404')
  expect(await (await fetch(`${url}/api/one`)).text()).toBe('one')
})

test('runs scheduled doors by POST, and gives them no address', async ({ serve }) => {
  const body = Promise.withResolvers<[string, string]>()
  const tick: DoorHandler = async (request) => {
    body.resolve([request.method, await request.text()])
    return new Response()
  }
  const { url, router } = await serve([[{ schedule: '* * * * *' }, tick]])
  await router.runScheduled(new Date('2026-11-20T10:01:00Z'))
  expect(await body.promise).toEqual(['POST', '{"next_run":"2026-11-20T10:01:00.000Z"}'])
  expect((await fetch(`${url}/api/tick`)).status).toBe(404)
})

test('keeps connections', async ({ serve }) => {
  const { url } = await serve([[{ path: '/api/echo' }, echo]])
  const agent = new Agent({ connections: 1 })
  let connections = 0
  agent.on('connect', () => {
    connections += 1
  })
  for (const body of ['1', '2', '3']) {
    const response = await request(`${url}/api/echo`, { method: 'POST', body, dispatcher: agent })
    expect(await response.body.text()).toBe(body)
  }
  expect(connections).toBe(1)
  await agent.close()
})
