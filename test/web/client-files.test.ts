// Fetching files with the client from a real local server: larger than an answer, slow, cut, changed midway.
import type { IncomingMessage, RequestListener } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../../web/client.ts'
import { serve } from '../setup/serve.ts'

let answer: RequestListener = () => {}
const asked: IncomingMessage[] = []
const address = await serve((request, response) => {
  asked.push(request)
  answer(request, response)
})
beforeEach(() => {
  asked.length = 0
})
afterEach(() => void vi.useRealTimers())

const refusalOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

const file = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251))
const rangeOf = ({ headers }: IncomingMessage) => /^bytes=(\d+)-$/.exec(headers.range ?? '')

/** As the functions answer where one answer carries at most `most` bytes. */
const inRanges =
  (most: number, etagOf = (_: number) => '"one"'): RequestListener =>
  (request, response) => {
    const from = Number(rangeOf(request)?.[1] ?? Number.NaN)
    if (Number.isNaN(from)) {
      const problem = JSON.stringify({ code: 'range_not_satisfiable', detail: 'ask for it range by range' })
      return void response.writeHead(416, { 'content-type': 'application/problem+json' }).end(problem)
    }
    const part = file.subarray(from, from + most)
    const contentRange = `bytes ${from}-${from + part.length - 1}/${file.length}`
    response.writeHead(206, {
      ...{ 'content-type': 'application/x-safetensors', 'content-length': part.length },
      ...{ 'content-range': contentRange, etag: etagOf(from) },
    })
    response.end(part)
  }

test('result() fetches a file that is larger than an answer range by range', async () => {
  answer = inRanges(300)
  const blob = await createClient({ baseUrl: address }).result('/api/result?step=1')
  expect(blob.type).toBe('application/x-safetensors')
  expect(Buffer.from(await blob.arrayBuffer()).equals(file)).toBe(true)
  expect(asked.map(({ headers }) => headers.range)).toEqual([
    undefined,
    ...['bytes=0-', 'bytes=300-', 'bytes=600-', 'bytes=900-'],
  ])
})

test('result() puts no two files together when the file changes between its ranges', async () => {
  answer = inRanges(300, (from) => `"${from}"`)
  const refusal = await refusalOf(createClient({ baseUrl: address }).result('/api/result?step=1'))
  expect(refusal).toMatchObject({ name: 'StepgateError', code: 'unreachable' })
})

test.each<[string, RequestListener]>([
  [
    'in its first bytes',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': 9 }).write('four')
      setImmediate(() => response.destroy())
    },
  ],
  [
    'though nobody knew its length',
    (_, response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).write('some')
      setImmediate(() => response.destroy())
    },
  ],
  [
    'in a later range',
    (request, response) => {
      if (rangeOf(request)?.[1] !== '300') return inRanges(300)(request, response)
      response.writeHead(206, { 'content-range': 'bytes 300-599/1000', 'content-length': 300 }).write('some')
      setImmediate(() => response.destroy())
    },
  ],
])('result() throws its one error class for a body that is cut %s', async (_, listener) => {
  answer = listener
  const refusal = await refusalOf(createClient({ baseUrl: address }).result('/api/result?step=1'))
  expect(refusal).toMatchObject({ name: 'StepgateError', code: 'unreachable', isPassing: true })
})

test('result() waits as long as bytes come, and ends in silence', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sending = Promise.withResolvers<(text: string) => void>()
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'image/png' })
    response.flushHeaders()
    sending.resolve((text) => void response.write(text))
  }
  let received = 0
  const onChunk = Promise.withResolvers<void>()
  let heard = onChunk
  const client = createClient({
    baseUrl: address,
    fetch: async (input, init) => {
      const { body, headers } = await fetch(input, init)
      const counted = body?.pipeThrough(
        new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          transform: (chunk, controller) => {
            controller.enqueue(chunk)
            received += 1
            heard.resolve()
          },
        }),
      )
      return new Response(counted ?? null, { headers })
    },
  })
  const refusal = refusalOf(client.result('/api/result?step=1'))
  const send = await sending.promise
  for (let count = 0; count < 4; count += 1) {
    heard = Promise.withResolvers<void>()
    send('a byte or two')
    await heard.promise
    // What was handed on is read in the microtasks that follow.
    await new Promise((resolve) => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(25_000)
  }
  expect(received).toBe(4)
  await vi.advanceTimersByTimeAsync(5_001)
  expect(await refusal).toMatchObject({ name: 'StepgateError', code: 'unreachable' })
})
