// Files are fetched from where a provider says: in the middle, too, and never out of somebody's own network.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, expect, test } from 'vitest'
import { ForbiddenAddress, HttpFailure } from '../../providers/connection.ts'
import type { Download } from '../../providers/download.ts'
import { openHttp } from '../../providers/http.ts'
import { isPublicHost } from '../../providers/public-host.ts'
import { lookupPublic } from '../../providers/public-lookup.ts'
import { serve } from '../setup/serve.ts'

const http = openHttp({ connections: 4, own: ['127.0.0.1'] })
afterAll(async () => {
  await http.close()
})

const get = (url: string, start?: number) => http.download(url, AbortSignal.timeout(5_000), start)
const faultOf = (url: string): Promise<Error> =>
  get(url).then(
    () => expect.fail('it was downloaded'),
    (thrown) => thrown,
  )

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('a download follows three redirects and gives the bytes', async () => {
  const url = await serve((request, response) => {
    const left = Number(request.url?.slice(1))
    if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end()
    else response.end('bytes')
  })
  const { status, body } = await get(`${url}/3`)
  expect([status, await textOf(body)]).toEqual([200, 'bytes'])
  const fault = await faultOf(`${url}/4`)
  expect(fault).toBeInstanceOf(HttpFailure)
  expect(fault.message).toContain('more than 3 redirects')
})

test('a download begins where it is asked to, and says where that is and how large the whole is', async () => {
  const asked: (string | undefined)[] = []
  const url = await serve((request, response) => {
    asked.push(request.headers.range)
    if (request.headers.range) response.writeHead(206, { 'content-range': 'bytes 3-4/5' }).end('es')
    else response.writeHead(200, { 'content-length': '5' }).end('bytes')
  })
  const whole = await get(url)
  expect([whole.status, whole.start, whole.total, await textOf(whole.body)]).toEqual([200, 0, 5, 'bytes'])
  const rest = await get(url, 3)
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
  const { start, total, body } = await get(url, 3)
  body.cancel()
  expect({ start, total }).toEqual(place)
})

test.each([
  ['says nothing of where', {}],
  ['names no address', { location: 'http://' }],
])('a redirect that %s is an answer like any other', async (_name, headers) => {
  const url = await serve((_, response) => response.writeHead(302, headers).end())
  const { status, body } = await get(url)
  body.cancel()
  expect(status).toBe(302)
})

test('a download that is given up before its end harms nobody', async () => {
  const url = await serve((_, response) => response.writeHead(503).write('x'.repeat(1_000)))
  const { status, body } = await get(url)
  expect(status).toBe(503)
  body.cancel()
  const next = await get(await serve((_, response) => response.end('{}')))
  expect(await textOf(next.body)).toBe('{}')
})

test('a download that nobody answers is a failure that names the host, and not the path', async () => {
  const fault = await faultOf('http://127.0.0.1:9/signed/link?signature=secret')
  expect(fault).toBeInstanceOf(HttpFailure)
  expect(fault.message).toBe('GET http://127.0.0.1:9: ECONNREFUSED')
})

test.each([
  'http://127.0.0.2/x',
  'https://10.0.0.1/x',
  'https://169.254.169.254/latest/meta-data',
  'https://[::1]/x',
  'https://[::ffff:10.0.0.1]/x',
  'https://167772161/x',
  'http://localhost:9/x',
  'https://metadata.internal/x',
  'http://files.test/x',
  'ftp://files.test/x',
])('%s is not asked, nor followed to', async (address) => {
  expect(await faultOf(address)).toBeInstanceOf(ForbiddenAddress)
  const url = await serve((_, response) => response.writeHead(302, { location: address }).end())
  const fault = await faultOf(`${url}/signed/link`)
  expect(fault).toBeInstanceOf(ForbiddenAddress)
  expect(fault.message).not.toMatch(/signed|files|127/)
})

test('a redirect to a file inside an address is not followed', async () => {
  const url = await serve((_, response) => response.writeHead(302, { location: 'data:image/png;base64,AAAA' }).end())
  expect(await faultOf(url)).toBeInstanceOf(ForbiddenAddress)
})

test('a public name that leads to a private address is not asked', async () => {
  const real = dns.lookup
  const toThisMachine = (_name: string, _options: unknown, done: (error: null, found: dns.LookupAddress[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }])
  dns.lookup = toThisMachine as unknown as typeof dns.lookup
  syncBuiltinESMExports()
  try {
    const fault = await faultOf('https://files.test/x')
    expect(fault.message).toBe('GET https://files.test: EPRIVATE')
  } finally {
    dns.lookup = real
    syncBuiltinESMExports()
  }
})

const lookUp = (name: string, all: boolean) =>
  new Promise((resolve) => lookupPublic(name, { all }, (error, ...found) => resolve(error?.code ?? found)))

test('lookupPublic() gives public addresses alone, in both forms that sockets ask for', async () => {
  expect(await lookUp('1.1.1.1', true)).toEqual([[{ address: '1.1.1.1', family: 4 }]])
  expect(await lookUp('1.1.1.1', false)).toEqual(['1.1.1.1', 4])
  expect(await lookUp('localhost', true)).toBe('EPRIVATE')
  expect(await lookUp('nobody.invalid', true)).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/)
})

test.each([
  ['files.test', true],
  ['files.test.', true],
  ['1.1.1.1', true],
  ['[2606:4700::1111]', true],
  ['localhost', false],
  ['app.localhost.', false],
  ['0.0.0.0', false],
  ['100.64.0.1', false],
  ['[fd00::1]', false],
  ['[64:ff9b::a00:1]', false],
])('isPublicHost() says of %s: %s', (host, isPublic) => {
  expect(isPublicHost(host)).toBe(isPublic)
})

test.each([
  ['data:text/plain;base64,Ynl0ZXM=', undefined, 'bytes'],
  ['data:,by%74es', undefined, 'bytes'],
  ['data:text/plain;base64,Ynl0ZXM=', 2, 'tes'],
  ['DATA:text/plain;charset=utf-8;BASE64,Ynl0%5AXM%3D', undefined, 'bytes'],
  ['data:image/png; name="a b.png"; base64,Ynl0\nZXM', undefined, 'bytes'],
])('a file inside its address is given like any other: %s from %s', async (address, start, text) => {
  const { status, total, body } = await get(address, start)
  expect([status, total, await textOf(body)]).toEqual([200, 5, text])
})

test('bytes that are no text are given as they are, however they are written', async () => {
  const bytes = Buffer.from('89504e470d0a1a0aff00', 'hex')
  const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  for (const data of [`data:image/png,${escaped}`, `data:;base64,${bytes.toString('base64url')}`]) {
    const chunks: Uint8Array[] = []
    for await (const chunk of (await get(data)).body) chunks.push(chunk)
    expect(Buffer.concat(chunks)).toEqual(bytes)
  }
})

test.each(['data:image/png,100%', 'data:image/png;base64,A', 'data:image/png;base64,!!!!'])(
  'a file inside its address that is damaged is not asked for again: %s',
  async (address) => {
    await expect(get(address)).rejects.toThrow(ForbiddenAddress)
  },
)
