// The client against a real local server that misbehaves: whatever goes wrong is its one error class, and what passes is got over.
import type { IncomingMessage, RequestListener } from 'node:http'
import { beforeEach, describe, expect, test } from 'vitest'
import { createClient, StepgateError, type Trouble } from '../../web/client.ts'
import { serve } from '../setup/serve.ts'

const id = '0192f6c1-7a7b-7000-8000-000000000000'
const view = { task_id: id, status: 'completed', current_step: 1, steps: [], poll_after_ms: null }

let answer: RequestListener = () => {}
const asked: IncomingMessage[] = []
const address = await serve((request, response) => {
  asked.push(request)
  answer(request, response)
})
beforeEach(() => {
  asked.length = 0
})

const sends =
  (body: string, type: string, status = 200, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': type, ...headers }).end(body)
const sendsView = sends(JSON.stringify(view), 'application/json')
const page = '<!doctype html><h1>Sign in to the network</h1>'

const refusalOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Wakes a watch whenever it pauses. */
const hurry = (wake: () => void) => {
  const immediate = setImmediate(wake)
  return () => clearImmediate(immediate)
}

describe('a token that cannot be had', () => {
  test('passes: watch() tells of it, tries again, and goes on with the next one', async () => {
    answer = sendsView
    let asks = 0
    const token = () => {
      asks += 1
      if (asks === 1) throw new TypeError('the identity provider is offline')
      return asks === 2 ? Promise.reject(new Error('still offline')) : 'good'
    }
    const client = createClient({ baseUrl: address, token })
    const troubles: (Trouble | undefined)[] = []
    const seen: string[] = []
    for await (const { status } of client.watch(id, { onWake: hurry, onTrouble: (one) => troubles.push(one) }))
      seen.push(status)
    expect(seen).toEqual(['completed'])
    expect(troubles.map((one) => one?.tries)).toEqual([1, 2, undefined])
    expect(troubles[0]?.error).toBeInstanceOf(StepgateError)
    expect(troubles[0]?.error).toMatchObject({ code: 'unreachable', isPassing: true, cause: expect.any(TypeError) })
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer good'])
  })

  test('ends watchTasks() no more than watch()', async () => {
    answer = sends('{"tasks":[],"next_cursor":null}', 'application/json')
    const tokens = [() => Promise.reject(new Error('offline')), () => Promise.resolve('good')]
    const client = createClient({ baseUrl: address, token: () => tokens.shift()?.() })
    const pages = []
    for await (const one of client.watchTasks({}, { onWake: hurry })) pages.push(one)
    expect(pages).toEqual([{ tasks: [], next_cursor: null }])
  })

  test('does not hold a request for ever', async () => {
    const client = createClient({ baseUrl: address, token: () => new Promise(() => {}), timeoutMs: 20 })
    expect(await refusalOf(client.status(id))).toMatchObject({ name: 'StepgateError', code: 'unreachable' })
  })

  test('leaves the reason to whoever leaves meanwhile', async () => {
    const leaving = new AbortController()
    const client = createClient({ baseUrl: address, token: () => new Promise(() => {}) })
    const refusal = refusalOf(client.status(id, leaving.signal))
    leaving.abort('left')
    expect(await refusal).toBe('left')
  })
})

describe('an answer of another make', () => {
  test.each<[string, RequestListener]>([
    ['a page with 200', sends(page, 'text/html')],
    ['a page that calls itself JSON', sends(page, 'application/json')],
    ['JSON of another server', sends('{"ok":true}', 'application/json')],
    ['JSON that is no object', sends('null', 'application/json')],
    ['a page with 404', sends(page, 'text/html', 404)],
    ['an empty 204', (_, response) => void response.writeHead(204).end()],
    ['a 304 to a first question', (_, response) => void response.writeHead(304).end()],
  ])('%s ends a watch as unexpected, after one request', async (_, listener) => {
    answer = listener
    const client = createClient({ baseUrl: address })
    const first = client.watch(id, { onWake: hurry }).next()
    expect(await refusalOf(first)).toMatchObject({ name: 'StepgateError', code: 'unexpected', isPassing: false })
    expect(asked).toHaveLength(1)
  })

  test('a page with 502 is a proxy’s, and passes', async () => {
    const answers = [sends(page, 'text/html', 502), sendsView]
    answer = (request, response) => answers.shift()?.(request, response)
    const seen = []
    for await (const task of createClient({ baseUrl: address }).watch(id, { onWake: hurry })) seen.push(task)
    expect(seen).toHaveLength(1)
  })

  test.each(['session', 'tasks', 'endSession'] as const)('%s() throws on a page', async (call) => {
    answer = sends(page, 'text/html')
    expect(await refusalOf(createClient({ baseUrl: address })[call]())).toMatchObject({ code: 'unexpected' })
  })

  test('result() takes no page for a picture', async () => {
    answer = sends(page, 'text/html')
    const client = createClient({ baseUrl: address })
    expect(await refusalOf(client.result('/api/result?step=1'))).toMatchObject({ code: 'unexpected' })
  })

  test('a problem of another make is no word of ours', async () => {
    answer = sends('{"code":7,"detail":{"a":1},"errors":"x"}', 'application/problem+json', 400)
    expect(await refusalOf(createClient({ baseUrl: address }).status(id))).toMatchObject({
      ...{ code: 'unexpected', detail: 'The answer was HTTP 400.', errors: [] },
    })
  })

  test.each([
    ['9999999999', 3_600_000],
    ['-5', undefined],
    ['soon', undefined],
    ['3', 3_000],
  ])('its Retry-After of %j becomes a wait that a timer can hold', async (text, ms) => {
    answer = sends('', 'text/plain', 503, { 'retry-after': text })
    const refusal = (await refusalOf(createClient({ baseUrl: address }).status(id))) as StepgateError
    expect(refusal.retryAfterMs === undefined || refusal.retryAfterMs >= 0).toBe(true)
    if (ms !== undefined) expect(refusal.retryAfterMs).toBe(ms)
  })
})

describe('odd addresses and keys', () => {
  test.each(['/', '//', '/?from=mail#/history', '/#'])('a base address may end in %j', async (end) => {
    answer = sendsView
    await createClient({ baseUrl: address + end }).status(id)
    expect(asked[0]?.url).toBe(`/api/status?task_id=${id}`)
  })

  test('a base address may have a path', async () => {
    answer = sendsView
    await createClient({ baseUrl: `${address}/stepgate/` }).status(id)
    expect(asked[0]?.url).toBe(`/stepgate/api/status?task_id=${id}`)
  })

  test.each(['app.example', 'ftp://app.example', '//app.example', 'https://ann:secret@app.example', 'https://'])(
    'a base address that cannot be one is refused at once: %s',
    (baseUrl) => {
      expect(() => createClient({ baseUrl })).toThrow(/baseUrl must be like https:/)
    },
  )

  test('a result’s whole address is taken, and the token goes to no other host', async () => {
    answer = sends('png', 'image/png')
    const client = createClient({ baseUrl: address, token: 'secret' })
    expect(await (await client.result(`${address}/api/result?step=1`)).text()).toBe('png')
    for (const url of [
      'https://evil.example/api/result',
      '//evil.example/',
      '/\\evil.example/',
      '/\t/evil.example/',
      'result',
    ])
      expect(await refusalOf(client.result(url))).toMatchObject({ code: 'invalid_request', isPassing: false })
    expect(asked).toHaveLength(1)
  })

  test.each(['', 'ключ', 'two words', 'line\nbreak', 'k'.repeat(256)])(
    'an Idempotency-Key that no header carries is refused before anything is sent: %j',
    async (idempotencyKey) => {
      const start = createClient({ baseUrl: address }).start({ recipe: 'memes', prompts: ['a'] }, { idempotencyKey })
      expect(await refusalOf(start)).toMatchObject({
        ...{ name: 'StepgateError', code: 'invalid_request', isPassing: false },
        errors: [{ path: 'idempotencyKey' }],
      })
      expect(asked).toEqual([])
    },
  )

  test.each(['line\nbreak', 'ключ', '\0', ' '])('a token that no header carries ends a watch: %j', async (token) => {
    const client = createClient({ baseUrl: address, token: () => token })
    const watched = client.watch(id, { onWake: hurry }).next()
    expect(await refusalOf(watched)).toMatchObject({
      ...{ name: 'StepgateError', code: 'invalid_request', isPassing: false },
      errors: [{ path: 'token' }],
    })
    expect(asked).toEqual([])
  })

  test('a task’s id cannot change what is asked', async () => {
    answer = sendsView
    await createClient({ baseUrl: address }).status('a&task_id=b#c')
    expect(asked[0]?.url).toBe('/api/status?task_id=a%26task_id%3Db%23c')
  })

  test('a query that is undefined is left out', async () => {
    answer = sends('{"tasks":[],"next_cursor":null}', 'application/json')
    await createClient({ baseUrl: address }).tasks({ limit: 5, cursor: undefined } as object)
    expect(asked[0]?.url).toBe('/api/tasks?limit=5')
  })
})
