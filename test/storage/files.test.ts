import { expect, test } from 'vitest'
import { openFiles } from '../../storage/files.ts'
import { UnacceptableFile } from '../../storage/write.ts'
import { bytesOf, chunksOf, keysIn, png, useStore } from './setup.ts'

const openStore = await useStore()
const store = openStore('files')
const files = openFiles(store)
const mebi = 1024 * 1024
const image = { accept: ['image/png', 'image/jpeg'], maxBytes: 64 * mebi }

async function read(key: string, range?: { start: number; end: number }): Promise<Buffer> {
  const found = await files.read(key, range)
  return bytesOf(found?.body ?? null)
}

const reasonOf = (write: Promise<unknown>) =>
  write.then(
    () => 'accepted',
    (error: unknown) => (error instanceof UnacceptableFile ? error.reason : error),
  )

test('gives back what was written, with its type, size and a tag of its content', async () => {
  const bytes = png(5_000)
  const written = await files.write('small', chunksOf(bytes, 7), image)
  const etag = expect.stringMatching(/^[0-9a-f]{32}$/)
  expect(written).toEqual({ key: 'small', type: 'image/png', size: 5_000, etag })
  expect(await files.stat('small')).toEqual(written)
  expect((await read('small')).equals(bytes)).toBe(true)
})

test('gives the same content the same tag however it came, and another content another', async () => {
  const bytes = png(9 * mebi)
  const tagOf = async (key: string, content: Buffer, size: number) =>
    (await files.write(key, chunksOf(content, size), image)).etag
  const tag = await tagOf('one', bytes, mebi)
  expect(await tagOf('two', bytes, 1_000_003)).toBe(tag)
  const other = Buffer.from(bytes)
  other.writeUInt8(other.readUInt8(9 * mebi - 1) ^ 1, 9 * mebi - 1)
  expect(await tagOf('three', other, mebi)).not.toBe(tag)
})

test('gives back any range of a file of several parts', async () => {
  const bytes = png(17 * mebi + 5)
  await files.write('large', chunksOf(bytes, mebi - 1), image)
  expect((await read('large')).equals(bytes)).toBe(true)
  const edge = 8 * mebi
  for (const [start, end] of [
    [0, 0],
    [edge - 1, edge],
    [edge, edge],
    [edge - 3, 2 * edge + 3],
    [17 * mebi, 17 * mebi + 4],
  ] as const) {
    expect((await read('large', { start, end })).equals(bytes.subarray(start, end + 1)), `${start}-${end}`).toBe(true)
  }
})

test.each([8 * mebi, 16 * mebi])('keeps a file of exactly %i bytes without an empty part', async (size) => {
  await files.write(`exact-${size}`, chunksOf(png(size)), image)
  expect((await read(`exact-${size}`)).byteLength).toBe(size)
  expect(await keysIn(store, `exact-${size}/`)).toHaveLength(size / (8 * mebi))
})

test('reads only the parts that a range needs, and breaks the stream where one is gone', async () => {
  await files.write('holed', chunksOf(png(20 * mebi)), image)
  await store.remove('holed/1')
  expect((await read('holed', { start: 16 * mebi, end: 16 * mebi + 9 })).byteLength).toBe(10)
  await expect(read('holed')).rejects.toThrow('holed/1 is gone')
})

test('breaks the stream where a part is shorter than it was', async () => {
  await files.write('short', chunksOf(png(9 * mebi)), image)
  await store.write('short/1', new ArrayBuffer(10))
  await expect(read('short')).rejects.toThrow('short/1 ends at byte 10')
})

test('does not show a file before its last byte is stored', async () => {
  const bytes = png(18 * mebi)
  const paused = Promise.withResolvers<void>()
  const resume = Promise.withResolvers<void>()
  async function* body() {
    yield* chunksOf(bytes.subarray(0, 17 * mebi))
    paused.resolve()
    await resume.promise
    yield bytes.subarray(17 * mebi)
  }
  const writing = files.write('late', body(), image)
  await paused.promise
  expect(await files.stat('late')).toBeUndefined()
  expect(await files.read('late')).toBeUndefined()
  resume.resolve()
  await writing
  expect((await read('late')).equals(bytes)).toBe(true)
})

test('shows nothing of a file whose source breaks, and takes it whole the next time', async () => {
  const bytes = png(18 * mebi)
  async function* broken() {
    yield* chunksOf(bytes.subarray(0, 17 * mebi))
    throw new Error('reset')
  }
  await expect(files.write('retried', broken(), image)).rejects.toThrow('reset')
  expect(await files.stat('retried')).toBeUndefined()
  await files.write('retried', chunksOf(bytes), image)
  expect((await read('retried')).equals(bytes)).toBe(true)
})

test('closes the source of a file that is too large as soon as it is, and keeps nothing of it', async () => {
  let asked = 0
  let isClosed = false
  async function* endless() {
    try {
      for (;;) {
        asked += 1
        yield png(mebi)
      }
    } finally {
      isClosed = true
    }
  }
  const writing = files.write('endless', endless(), { ...image, maxBytes: 20 * mebi })
  expect(await reasonOf(writing)).toBe('too_large')
  expect({ asked, isClosed }).toEqual({ asked: 21, isClosed: true })
  expect(await keysIn(store, 'endless/')).toEqual([])
})

test('takes a file that is exactly as large as allowed', async () => {
  expect(await reasonOf(files.write('fits', chunksOf(png(6_000)), { ...image, maxBytes: 6_000 }))).toBe('accepted')
})

test('refuses a file of another type before reading much of it', async () => {
  let asked = 0
  async function* gif() {
    for (let index = 0; index < 50; index += 1) {
      asked += 1
      yield Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(5_000)])
    }
  }
  expect(await reasonOf(files.write('gif', gif(), image))).toBe('wrong_type')
  expect(asked).toBe(1)
})

test('refuses an empty file', async () => {
  expect(await reasonOf(files.write('nothing', chunksOf(Buffer.alloc(0)), image))).toBe('empty')
})

const html = Buffer.from('<html><script>alert(1)</script></html>')
const weights = Buffer.concat([Buffer.from([0x40, 1, 0, 0, 0, 0, 0, 0]), Buffer.from('{"lora":{}}')])
test.each([
  { content: 'html', bytes: html, accept: ['image/png'], type: 'wrong_type' },
  { content: 'html', bytes: html, accept: ['application/json'], type: 'wrong_type' },
  {
    content: 'JSON',
    bytes: Buffer.from('\n {"a":1}'),
    accept: ['image/png', 'application/json'],
    type: 'application/json',
  },
  {
    content: 'weights',
    bytes: weights,
    accept: ['application/json', 'application/octet-stream'],
    type: 'application/octet-stream',
  },
  { content: 'a picture', bytes: png(100), accept: ['application/octet-stream'], type: 'wrong_type' },
  { content: 'a picture', bytes: png(100), accept: ['application/octet-stream', 'image/png'], type: 'image/png' },
])('takes $content for $type where $accept are accepted', async ({ bytes, accept, type }) => {
  const outcome = await files
    .write('typed', chunksOf(bytes, 3), { accept, maxBytes: mebi })
    .catch((error: unknown) => error)
  expect(outcome instanceof UnacceptableFile ? outcome.reason : outcome).toEqual(
    type === 'wrong_type' ? type : expect.objectContaining({ type }),
  )
})

test('removes every part, and of neighbouring keys nothing', async () => {
  await files.write('a', chunksOf(png(9 * mebi)), image)
  await files.write('a2', chunksOf(png(100)), image)
  await files.remove('a')
  await files.remove('a')
  expect(await files.stat('a')).toBeUndefined()
  expect(await keysIn(store, 'a/')).toEqual([])
  expect(await files.stat('a2')).toBeDefined()
})

test('folders are the next parts of keys, and clearing one leaves its neighbours', async () => {
  const names = ['sweep/01/a', 'sweep/01/b', 'sweep/02/a', 'sweep/010/a']
  for (const name of names) await files.write(name, chunksOf(png(90)), { accept: ['image/png'], maxBytes: 100 })
  expect((await files.folders('sweep/')).toSorted()).toEqual(['01', '010', '02'])
  expect(await files.clear('sweep/01/', 1)).toBe(1)
  expect(await files.clear('sweep/01/', 100)).toBe(1)
  expect(await files.clear('sweep/01/', 100)).toBe(0)
  expect([await files.stat('sweep/01/a'), await files.stat('sweep/01/b')]).toEqual([undefined, undefined])
  expect(await files.stat('sweep/010/a')).toBeDefined()
  expect(await files.stat('sweep/02/a')).toBeDefined()
})
