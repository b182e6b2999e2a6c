import { expect, test } from 'vitest'
import { AppError } from '../../core/errors.ts'
import { openFiles } from '../../storage/files.ts'
import { serveFile } from '../../storage/serve.ts'
import { bytesOf, chunksOf, png, useStore } from './setup.ts'

const openStore = await useStore()
const store = openStore('files')
const files = openFiles(store)
const size = 9 * 1024 * 1024
const bytes = png(size)
const { etag: hash } = await files.write('task/1', chunksOf(bytes), { accept: ['image/png'], maxBytes: size })
const etag = `"${hash}"`

async function serve(
  headers: Record<string, string> = {},
  init: { method?: string; download?: string; maxBytes?: number } = {},
): Promise<Response> {
  const { method = 'GET', ...download } = init
  const request = new Request('http://localhost/api/result', { method, headers })
  const response = await serveFile(request, files, 'task/1', { cacheControl: 'private, max-age=60', ...download })
  if (!response) throw new Error('no such file')
  return response
}

test('serves a whole file, and lets no browser take it for a page', async () => {
  const response = await serve()
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toEqual({
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=60',
    'content-length': String(size),
    'content-security-policy': "default-src 'none'; sandbox",
    'content-type': 'image/png',
    'x-content-type-options': 'nosniff',
    etag,
  })
  expect((await bytesOf(response.body)).equals(bytes)).toBe(true)
})

test('answers HEAD with the same headers and no body', async () => {
  const response = await serve({ range: 'bytes=0-4' }, { method: 'HEAD' })
  expect([response.status, response.headers.get('content-length'), response.body]).toEqual([200, String(size), null])
})

test('knows no file under another key', async () => {
  const request = new Request('http://localhost/api/result')
  expect(await serveFile(request, files, 'task/2', { cacheControl: 'no-store' })).toBeUndefined()
})

test.each([etag, `W/${etag}`, `"other", ${etag}`, '*'])('answers 304 to If-None-Match: %s', async (header) => {
  const response = await serve({ 'if-none-match': header, range: 'bytes=0-4' })
  expect([response.status, response.headers.get('etag'), response.body]).toEqual([304, etag, null])
})

test.each([
  { range: 'bytes=0-0', start: 0, end: 0 },
  { range: 'bytes=100-299', start: 100, end: 299 },
  { range: 'bytes=8388600-8388700', start: 8388600, end: 8388700 },
  { range: `bytes=${size - 5}-`, start: size - 5, end: size - 1 },
  { range: 'bytes=-7', start: size - 7, end: size - 1 },
  { range: `bytes=-${size + 1}`, start: 0, end: size - 1 },
  { range: `bytes=5-${size + 100}`, start: 5, end: size - 1 },
])('answers $range with these bytes alone', async ({ range, start, end }) => {
  const response = await serve({ range, 'if-range': etag })
  expect(response.status).toBe(206)
  expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${size}`)
  expect(response.headers.get('content-length')).toBe(String(end - start + 1))
  expect((await bytesOf(response.body)).equals(bytes.subarray(start, end + 1))).toBe(true)
})

test.each([
  { range: 'bytes=0-4,10-14' },
  { range: 'items=0-4' },
  { range: 'bytes=5-2' },
  { range: 'bytes=-' },
  { range: 'bytes=a-b' },
  { range: 'bytes=0-4', ifRange: '"of-another-content"' },
  { range: 'bytes=0-4', ifRange: `W/${etag}` },
  { range: 'bytes=0-4', ifRange: 'Fri, 20 Nov 2026 10:00:00 GMT' },
])('answers $range, If-Range $ifRange with the whole file', async ({ range, ifRange }) => {
  const response = await serve({ range, ...(ifRange && { 'if-range': ifRange }) })
  expect([response.status, response.headers.get('content-length')]).toEqual([200, String(size)])
  await response.body?.cancel()
})

test.each([`bytes=${size}-`, 'bytes=-0', `bytes=${size + 5}-${size + 9}`])(
  'refuses %s, and says how large it is',
  async (range) => {
    const refusal = await serve({ range }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(AppError)
    expect(refusal).toMatchObject({
      status: 416,
      code: 'range_not_satisfiable',
      headers: { 'content-range': `bytes */${size}` },
    })
  },
)

const mebi = 1024 * 1024

test('where an answer is limited, a larger file without a range is refused, and the answer says how to ask', async () => {
  const refusal = await serve({}, { maxBytes: mebi }).catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    code: 'range_not_satisfiable',
    message: expect.stringContaining(`${size} bytes`),
    headers: { 'content-range': `bytes */${size}`, 'accept-ranges': 'bytes' },
  })
  expect((refusal as AppError).message).toContain('Range: bytes=0-1048575')
})

test.each([
  { range: 'bytes=0-', start: 0, end: mebi - 1 },
  { range: `bytes=5-${3 * mebi}`, start: 5, end: mebi + 4 },
  { range: 'bytes=5-9', start: 5, end: 9 },
  { range: `bytes=${size - 3}-`, start: size - 3, end: size - 1 },
])('where an answer is limited, $range ends early if it must', async ({ range, start, end }) => {
  const response = await serve({ range }, { maxBytes: mebi })
  expect([response.status, response.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end}/${size}`])
  expect((await bytesOf(response.body)).equals(bytes.subarray(start, end + 1))).toBe(true)
})

test('where an answer is limited, what fits is served whole, and HEAD tells the size of the rest', async () => {
  const fits = await serve({}, { maxBytes: size })
  expect(fits.status).toBe(200)
  await fits.body?.cancel()
  const head = await serve({}, { method: 'HEAD', maxBytes: mebi })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(size)])
})

test('names a download in ASCII and in UTF-8', async () => {
  const response = await serve({}, { download: 'žena "1"/2.png' })
  expect(response.headers.get('content-disposition')).toBe(
    `attachment; filename="_ena _1__2.png"; filename*=UTF-8''%C5%BEena%20%221%22%2F2.png`,
  )
  await response.body?.cancel()
})

test('breaks off when the file vanishes midway', async () => {
  await files.write('gone', chunksOf(bytes), { accept: ['image/png'], maxBytes: size })
  const response = await serveFile(new Request('http://localhost/'), files, 'gone', { cacheControl: 'no-store' })
  const reader = response?.body?.getReader()
  expect((await reader?.read())?.done).toBe(false)
  await files.remove('gone')
  const rest = async () => {
    while (!(await reader?.read())?.done);
  }
  await expect(rest()).rejects.toThrow('gone/1 is gone')
})
