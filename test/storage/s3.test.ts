// What S3 answers beside what is asked for: pages, names that XML can't hold, refusals, faults, nothing at all.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { openS3Store } from '../../storage/s3/store.ts'
import { StoreFault, StoreRefusal } from '../../storage/store.ts'
import { serve } from '../setup/serve.ts'
import { keysIn } from './setup.ts'

const secretAccessKey = 'secret-of-the-bucket'

/** A store whose server answers so. */
async function storeThat(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options?: { patienceMs: number },
) {
  const endpoint = await serve((request, response) => {
    request.resume()
    request.once('end', () => answer(request, response))
  })
  const access = { endpoint, bucket: 'pictures', region: 'auto', accessKeyId: 'id', secretAccessKey }
  return openS3Store(access, 'files', options)
}

const failWith = (status: number, code: string) => (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(status).end(`<?xml version="1.0"?><Error><Code>${code}</Code><Key>files/a</Key></Error>`)

const contents = (...keys: string[]) =>
  keys.map((key) => `<Contents><Key>${key}</Key><Size>7</Size></Contents>`).join('')

test('reads a listing page after page, by the token that each page names', async () => {
  const asked: (string | null)[] = []
  const store = await storeThat(({ url = '' }, response) => {
    const token = new URL(url, 'http://store').searchParams.get('continuation-token')
    asked.push(token)
    const next = token ? '' : '<IsTruncated>true</IsTruncated><NextContinuationToken>a+b/=&amp;</NextContinuationToken>'
    response.end(`<ListBucketResult>${next}${contents(token ? 'files/b' : 'files/a')}</ListBucketResult>`)
  })
  expect(await keysIn(store, '')).toEqual(['a', 'b'])
  expect(asked).toEqual([null, 'a+b/=&'])
})

test('names folders page after page, and asks for nothing more of a folder that a page ends in', async () => {
  const asked: (string | null)[] = []
  const store = await storeThat(({ url = '' }, response) => {
    const after = new URL(url, 'http://store').searchParams.get('start-after')
    asked.push(after)
    const more = '<NextContinuationToken>t</NextContinuationToken>'
    response.end(
      after ? `<L>${contents('files/u/02/a/1')}</L>` : `<L>${more}${contents('files/u/0', 'files/u/01/a/1')}</L>`,
    )
  })
  const folders: string[] = []
  for await (const page of store.list({ prefix: 'u/', directories: true })) folders.push(...page.directories)
  expect(folders).toEqual(['u/01', 'u/02'])
  expect(asked).toEqual([null, 'files/u/01/\u{10ffff}'])
})

test('reads names as the answer says they are written: encoded for an address, or for XML alone', async () => {
  const encoded = await storeThat((_, response) =>
    response.end(`<L><EncodingType>url</EncodingType>${contents('files/%C3%BC%2520%2B+%26')}</L>`),
  )
  expect(await keysIn(encoded, '')).toEqual(['ü%20+ &'])
  const escaped = await storeThat((_, response) => response.end(`<L>${contents('files/a+%20&amp;&lt;&#x20;')}</L>`))
  expect(await keysIn(escaped, '')).toEqual(['a+%20&< '])
})

test.each([
  [403, 'SignatureDoesNotMatch'],
  [401, 'Unauthorized'],
])(
  'a store that answers %i refuses our credentials, by every call and without a word of them',
  async (status, code) => {
    const store = await storeThat(failWith(status, code))
    const { head, read, writeJson, remove } = store
    for (const call of [head, read, (key: string) => writeJson(key, {}), remove, (key: string) => keysIn(store, key)]) {
      const refusal = await call('a').catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(StoreRefusal)
      expect(String(refusal)).toContain(String(status))
      expect(String(refusal)).not.toMatch(new RegExp(`${secretAccessKey}|Signature=`))
    }
  },
)

test('a bucket that is not there, or lies elsewhere, is no empty one', async () => {
  const missing = await storeThat(failWith(404, 'NoSuchBucket'))
  await expect(missing.head('a')).rejects.toThrow('no such bucket')
  await expect(missing.read('a')).rejects.toThrow('no such bucket')
  await expect(keysIn(missing, '')).rejects.toThrow('404 (NoSuchBucket)')
  const elsewhere = await storeThat(failWith(301, 'PermanentRedirect'))
  await expect(elsewhere.readJson('a')).rejects.toThrow('301 (PermanentRedirect)')
})

test('a file that is not there is none to head, and one that came just after is seen', async () => {
  const none = await storeThat(failWith(404, 'NoSuchKey'))
  expect(await none.head('a')).toBeUndefined()
  const late = await storeThat(({ method }, response) => {
    if (method === 'HEAD') response.writeHead(404).end()
    else response.setHeader('x-amz-meta-stepgate', '%7B%22size%22%3A1%7D').end('x')
  })
  expect(await late.head('a')).toEqual({ size: 1 })
})

test('a store that fails for a moment is asked again, and told of if it goes on', async () => {
  let asked = 0
  const store = await storeThat((_, response) => {
    asked += 1
    if (asked === 1) response.destroy()
    else if (asked === 2) response.writeHead(503).end()
    else response.end('{"is":"there"}')
  })
  expect(await store.readJson('a')).toEqual({ is: 'there' })
  const failing = await storeThat(failWith(503, 'SlowDown'), { patienceMs: 3_300 })
  await expect(failing.writeJson('a', {})).rejects.toThrow('503, SlowDown')
})

test('a silent store ends a call by its deadline, or when the caller gives up', async () => {
  const silent = () => undefined
  const impatient = await storeThat(silent, { patienceMs: 50 })
  await expect(impatient.write('a', new ArrayBuffer(9))).rejects.toBeInstanceOf(StoreFault)
  const store = await storeThat(silent)
  await expect(store.until?.(AbortSignal.timeout(20)).readJson('a')).rejects.toBeInstanceOf(StoreFault)
})

test('a refusal whose words never end is over by the deadline, too', async () => {
  const store = await storeThat((_, response) => void response.writeHead(404).write('<Error>'), { patienceMs: 50 })
  await expect(store.read('a')).rejects.toBeInstanceOf(StoreFault)
})

test('parts that could not be put together are no file, though the answer began with 200', async () => {
  const store = await storeThat(({ method, url = '' }, response) => {
    if (method === 'POST' && url.includes('uploads')) response.end('<R><UploadId>7</UploadId></R>')
    else if (method === 'POST') response.end('<Error><Code>InternalError</Code></Error>')
    else response.writeHead(200, { etag: '"e"' }).end('<R><ETag>"e"</ETag></R>')
  })
  const how = { metadata: {}, type: 'image/png' }
  await expect(store.compose?.('a/0', new ArrayBuffer(1), ['a/1'], how)).rejects.toThrow('could not put the parts')
})

test('what a process had begun to put together and left is listed, and removing what is listed ends it', async () => {
  const seen: string[] = []
  const store = await storeThat(({ method, url = '' }, response) => {
    seen.push(`${method} ${url}`)
    if (method === 'GET') response.end(`<L>${contents('files/a/0.upload/7')}</L>`)
    else response.writeHead(204).end()
  })
  for (const key of await keysIn(store, 'a/')) await store.remove(key)
  expect(seen.slice(1)).toEqual(['DELETE /pictures/files/a/0?uploadId=7', 'DELETE /pictures/files/a/0.upload/7'])
})
