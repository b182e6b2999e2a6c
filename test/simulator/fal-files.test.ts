import sharp from 'sharp'
import { expect, test } from 'vitest'
import { ConnectionFault } from '../../simulator/connection.ts'
import { falHarness, trainer, zip, zipBytes } from './fal-harness.ts'

interface Trained {
  diffusers_lora_file: { url: string; file_name: string; file_size: number; content_type: string }
  config_file: { url: string }
}

async function trained(more: Parameters<typeof falHarness>[0] = {}) {
  const harness = falHarness({ weightsBytes: 1_000_000, ...more })
  const submitted = await harness.train({ trigger_phrase: 'ohwx', steps: 100 })
  harness.advance(45)
  const output = (await (await harness.result(submitted)).json()) as Trained
  return { ...harness, output, weights: output.diffusers_lora_file.url }
}

test('a training leaves weights of the set size, and a config', async () => {
  const { call, output, weights } = await trained()
  expect(output.diffusers_lora_file).toMatchObject({
    ...{
      file_name: 'pytorch_lora_weights.safetensors',
      file_size: 1_000_000,
      content_type: 'application/octet-stream',
    },
  })
  const answer = await call('GET', weights, undefined, { authorization: '' })
  expect(Object.fromEntries(answer.headers)).toMatchObject({ 'content-length': '1000000', 'accept-ranges': 'bytes' })
  const bytes = Buffer.from(await answer.bytes())
  expect(bytes.length).toBe(1_000_000)
  const jsonBytes = Number(bytes.readBigUInt64LE())
  const { lora } = JSON.parse(bytes.subarray(8, 8 + jsonBytes).toString())
  expect(8 + jsonBytes + lora.data_offsets[1]).toBe(1_000_000)
  expect(await (await call('GET', output.config_file.url)).json()).toEqual({
    ...{ trainer, trigger_phrase: 'ohwx', steps: 100 },
  })
})

test.each([
  ['bytes=0-99', 0, 100],
  ['bytes=500000-', 500_000, 1_000_000],
  ['bytes=131-700001', 131, 700_002],
  ['bytes=-7', 999_993, 1_000_000],
  ['bytes=999999-2000000', 999_999, 1_000_000],
])('range %s is that part of the whole, the same every time', async (range, from, to) => {
  const { call, weights } = await trained()
  const whole = Buffer.from(await (await call('GET', weights)).bytes())
  const part = await call('GET', weights, undefined, { range })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/1000000`])
  expect(part.headers.get('content-length')).toBe(String(to - from))
  expect(Buffer.compare(Buffer.from(await part.bytes()), whole.subarray(from, to))).toBe(0)
})

test('a range outside is refused, HEAD tells the size, another training has other weights', async () => {
  const { call, weights, train, result, advance } = await trained()
  expect((await call('GET', weights, undefined, { range: 'bytes=1000000-' })).status).toBe(416)
  const head = await call('HEAD', weights)
  expect([head.headers.get('content-length'), head.body]).toEqual(['1000000', null])
  const other = await train()
  advance(45)
  const { diffusers_lora_file } = (await (await result(other)).json()) as Trained
  const [one, two] = [await call('GET', weights), await call('GET', diffusers_lora_file.url)]
  expect(Buffer.compare(Buffer.from(await one.bytes()), Buffer.from(await two.bytes()))).not.toBe(0)
})

test('a file may fail, be gone, be something else, never end, or break off', async () => {
  const { fal, call, weights } = await trained()
  const kinds = ['error', 'not_found', 'not_an_image', 'too_large', 'reset_midway', 'reset'] as const
  fal.addFaults(kinds.map((fault) => ({ on: 'file', fault })))
  expect((await call('GET', weights)).status).toBe(503)
  expect((await call('GET', weights)).status).toBe(404)
  expect((await call('GET', weights)).headers.get('content-type')).toBe('text/html')
  let size = 0
  for await (const chunk of (await call('GET', weights)).body ?? []) {
    size += chunk.length
    if (size > 10_000_000) break
  }
  expect(size).toBeGreaterThan(10_000_000)
  let half = 0
  const broken = async () => {
    for await (const chunk of (await call('GET', weights)).body ?? []) half += chunk.length
  }
  await expect(broken()).rejects.toThrow(ConnectionFault)
  expect(half).toBe(500_000)
  await expect(call('GET', weights)).rejects.toThrow(ConnectionFault)
  expect((await call('GET', weights)).status).toBe(200)
})

test('there is no file before the end', async () => {
  const { call, train } = falHarness()
  const { request_id } = await train()
  expect((await call('GET', `/files/${request_id}/config.json`)).status).toBe(404)
  expect((await call('GET', '/files/nothing/config.json')).status).toBe(404)
})

test('a trainer reads its zip once it has begun, and goes on', async () => {
  const asked: string[] = []
  const { train, status, result, advance } = falHarness({
    drawing: true,
    fetchInput: async (url) => {
      asked.push(url)
      return new Response(zipBytes)
    },
  })
  const submitted = await train()
  await status(submitted)
  expect(asked).toEqual([])
  advance(20)
  expect((await status(submitted)).status).toBe('IN_PROGRESS')
  expect(asked).toEqual([zip])
  advance(25)
  expect((await result(submitted)).status).toBe(200)
})

test.each([
  ['no zip', async () => new Response('<html>sign in</html>'), 'not a zip archive'],
  ['gone', async () => new Response('', { status: 404 }), 'HTTP 404'],
  ['empty', async () => new Response(''), 'it is empty'],
  ['not reachable', () => Promise.reject(new TypeError('fetch failed')), 'no answer'],
])('a trainer whose archive is %s fails soon, and says so in the result', async (_, fetchInput, words) => {
  const { train, status, result, advance } = falHarness({ drawing: true, fetchInput })
  const submitted = await train()
  advance(14)
  expect(await status(submitted)).toMatchObject({ status: 'COMPLETED' })
  const answer = await result(submitted)
  expect(answer.status).toBe(422)
  expect(await answer.json()).toMatchObject({
    detail: [{ loc: ['body', 'images_data_url'], msg: expect.stringContaining(words) }],
  })
})

test('a prompt is drawn on a card of the asked size and format', async () => {
  const { submit, result, call, advance } = falHarness({ drawing: true })
  const submitted = await submit({
    prompt: 'a <cat>',
    image_size: 'landscape_16_9',
    num_images: 2,
    output_format: 'png',
  })
  advance(4)
  const { images } = (await (await result(submitted)).json()) as { images: { url: string; content_type: string }[] }
  expect(images.map(({ content_type }) => content_type)).toEqual(['image/png', 'image/png'])
  const files = await Promise.all(images.map(async ({ url }) => (await call('GET', url)).bytes()))
  const [first = new Uint8Array(), second = new Uint8Array()] = files
  const { format, width, height } = await sharp(first).metadata()
  expect({ format, ratio: (width / height).toFixed(2) }).toEqual({ format: 'png', ratio: '1.78' })
  expect(Buffer.compare(first, second)).not.toBe(0)
})
