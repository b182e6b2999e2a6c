// What of the router takes time: streams, clients who leave, work after the answer, closing.
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Agent, request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { type DoorHandler, openDoor } from '../../build/doors.ts'
import { createServer } from '../../dev/router.ts'
import { streamOf } from '../../storage/parts.ts'

async function serve(handle: DoorHandler) {
  const errors: object[] = []
  const log = { info: () => {}, error: (fields: object) => errors.push(fields) }
  const router = createServer([openDoor('door', handle, { path: '/api/door' })], { log })
  const url = `${await router.listen(0)}/api/door`
  let closing: Promise<void> | undefined
  const close = () => (closing ??= router.close())
  onTestFinished(close)
  return { url, router, errors, close }
}

const text = (chunk: string) => new TextEncoder().encode(chunk)

test('passes on the first bytes before the last ones exist', async () => {
  const gate = Promise.withResolvers<void>()
  async function* body() {
    yield text('first')
    await gate.promise
    yield text('last')
  }
  const { url } = await serve(() => new Response(streamOf(body())))
  const reader = (await fetch(url)).body?.getReader()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('first')
  gate.resolve()
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('last')
})

test('asks a stream for no more than the client takes, and closes it when the client leaves', async () => {
  const started = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  let sent = 0
  async function* endless() {
    try {
      for (;;) {
        sent += 1
        yield new Uint8Array(1024 * 1024)
        started.resolve()
      }
    } finally {
      closed.resolve()
    }
  }
  const { url, errors } = await serve(({ method }) =>
    method === 'POST' ? new Response('meanwhile') : new Response(streamOf(endless())),
  )
  const socket = connect(Number(new URL(url).port), 'localhost').pause()
  socket.write('GET /api/door HTTP/1.1\r\nHost: x\r\n\r\n')
  await started.promise
  for (let round = 0; round < 100; round += 1) await (await fetch(url, { method: 'POST' })).text()
  // The sockets' buffers take some; without backpressure each round would have let more through.
  expect(sent).toBeLessThan(32)
  socket.destroy()
  await closed.promise
  expect(errors).toEqual([])
})

test('tells a door whose client leaves before the answer', async () => {
  const entered = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  const { url } = await serve(async ({ signal }) => {
    signal.addEventListener('abort', () => aborted.resolve())
    entered.resolve()
    await aborted.promise
    return new Response('to nobody')
  })
  const leaving = new AbortController()
  const asked = fetch(url, { signal: leaving.signal }).catch((error: Error) => error.name)
  await entered.promise
  leaving.abort()
  expect(await asked).toBe('AbortError')
  await aborted.promise
})

test('breaks the answer of a stream that breaks, and logs it', async () => {
  const gate = Promise.withResolvers<void>()
  async function* broken() {
    yield text('first')
    await gate.promise
    throw new Error('gone')
  }
  const { url, errors } = await serve(() => new Response(streamOf(broken())))
  const response = await fetch(url)
  expect(response.status).toBe(200)
  gate.resolve()
  await expect(response.text()).rejects.toThrow('terminated')
  expect(errors).toMatchObject([{ err: { message: 'gone' } }])
})

test('forgets a request once it is answered', async () => {
  const requests: WeakRef<Request>[] = []
  const { url } = await serve((request) => {
    requests.push(new WeakRef(request))
    return new Response('done')
  })
  for (let round = 0; round < 20; round += 1) await (await fetch(url)).text()
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  // Finalizers run in turns of their own, and what they let go is garbage only then.
  for (let round = 0; round < 10; round += 1) {
    await turn()
    collect()
  }
  expect(requests.filter((request) => request.deref())).toEqual([])
})

test('drains requests in flight and work after answers, also such work as begins meanwhile', async () => {
  const gate = Promise.withResolvers<void>()
  const done: string[] = []
  const { url, router, errors } = await serve((_, { waitUntil }) => {
    const work = async () => {
      await gate.promise
      waitUntil(turn().then(() => done.push('later')))
      done.push('work')
      throw new Error('after all')
    }
    waitUntil(work())
    return new Response('answered')
  })
  expect(await (await fetch(url)).text()).toBe('answered')
  expect(done).toEqual([])
  const drained = router.drain().then(() => done.push('drained'))
  gate.resolve()
  await drained
  expect(done).toEqual(['work', 'later', 'drained'])
  expect(errors).toMatchObject([{ err: { message: 'after all' } }])
})

test('closes after the answers under way, with connections that clients would keep', async () => {
  const entered = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const { url, close } = await serve(async () => {
    entered.resolve()
    await gate.promise
    return new Response('in time')
  })
  const dispatcher = new Agent({ keepAliveTimeout: 60_000 })
  const asked = request(url, { dispatcher })
  await entered.promise
  const closing = close()
  await expect(fetch(url)).rejects.toThrow('fetch failed')
  gate.resolve()
  expect(await (await asked).body.text()).toBe('in time')
  await closing
  await dispatcher.destroy()
})
