// Files that are fetched from somewhere, in as many passes as it takes: nothing is stored twice, nothing is shown half.
import { expect, test } from 'vitest'
import { openFiles } from '../../storage/files.ts'
import type { Source } from '../../storage/write.ts'
import { UnacceptableFile } from '../../storage/write.ts'
import { bytesOf, chunksOf, keysIn, png, useStore } from './setup.ts'

const openStore = await useStore()
const store = openStore('files')
const files = openFiles(store)
const mebi = 1024 * 1024
const image = { accept: ['image/png'], maxBytes: 64 * mebi }
const soon = { ...image, isLate: () => true }
const patient = { ...image, isLate: () => false }

interface Asked {
  /** Where each request began, and how many bytes were read of its answer. */
  starts: number[]
  read: number
}

/** A server of these bytes. */
function sourceOf(bytes: Buffer, options: { ranges?: boolean; breakAt?: number; total?: boolean } = {}) {
  const { ranges = true, breakAt = Number.POSITIVE_INFINITY, total = true } = options
  const asked: Asked = { starts: [], read: 0 }
  const source: Source = {
    open: async (from) => {
      const start = ranges ? from : 0
      asked.starts.push(from)
      async function* body() {
        for await (const chunk of chunksOf(bytes.subarray(start), mebi)) {
          if (asked.read >= breakAt) throw new Error('reset')
          asked.read += chunk.byteLength
          yield chunk
        }
      }
      return {
        start,
        total: total ? bytes.byteLength : undefined,
        body: Object.assign(body(), { cancel: () => undefined }),
      }
    },
  }
  return { source, asked }
}

const blobsOf = (key: string) => keysIn(store, `${key}/`)
const stored = async (key: string) => bytesOf((await files.read(key))?.body ?? null)

test('a small file is copied in one request, and leaves nothing beside itself', async () => {
  const bytes = png(5_000)
  const { source, asked } = sourceOf(bytes)
  const file = await files.copy('small', source, soon)
  expect(file).toEqual(
    await files.write('written', chunksOf(bytes), image).then((other) => ({ ...other, key: 'small' })),
  )
  expect(asked.starts).toEqual([0])
  expect(await blobsOf('small')).toEqual(['small/0'])
})

test('a large file that is stored already is not fetched again', async () => {
  const bytes = png(20 * mebi)
  const file = await files.write('twice', chunksOf(bytes), image)
  const { source, asked } = sourceOf(bytes)
  expect(await files.copy('twice', source, patient)).toEqual(file)
  expect(asked.starts).toEqual([0])
  expect(asked.read).toBeLessThanOrEqual(9 * mebi)
})

test('a large file is copied over several passes, each of which goes on where the last one stopped', async () => {
  const bytes = png(28 * mebi + 5)
  const { source, asked } = sourceOf(bytes)
  expect(await files.copy('large', source, soon)).toBeUndefined()
  expect(await files.stat('large')).toBeUndefined()
  expect(await blobsOf('large')).toEqual(['large/1', 'large/progress'])
  expect(await files.copy('large', source, soon)).toBeUndefined()
  expect(await blobsOf('large')).toEqual(['large/1', 'large/2', 'large/progress'])
  const file = await files.copy('large', source, soon)
  expect(file).toMatchObject({ type: 'image/png', size: bytes.byteLength })
  expect((await stored('large')).equals(bytes)).toBe(true)
  expect(await blobsOf('large')).toEqual(['large/0', 'large/1', 'large/2', 'large/3'])
  expect(asked.starts).toEqual([0, 0, 16 * mebi, 0, 24 * mebi])
  expect(file?.etag).toBe((await files.write('at-once', chunksOf(bytes), image)).etag)
})

test('a connection that breaks costs the part under way, not those before', async () => {
  const bytes = png(28 * mebi)
  const broken = sourceOf(bytes, { breakAt: 20 * mebi })
  await expect(files.copy('broken', broken.source, patient)).rejects.toThrow('reset')
  expect(await files.stat('broken')).toBeUndefined()
  const { source, asked } = sourceOf(bytes)
  expect(await files.copy('broken', source, patient)).toMatchObject({ size: 28 * mebi })
  expect(asked.starts).toEqual([0, 16 * mebi])
  expect((await stored('broken')).equals(bytes)).toBe(true)
})

test('a pass that died after the last part finishes with the beginning alone', async () => {
  const bytes = png(20 * mebi)
  const halfway = sourceOf(bytes)
  await files.copy('died', halfway.source, soon)
  const dying = openFiles({
    ...store,
    write: async (key, ...rest) => {
      if (key === 'died/0') throw new Error('killed')
      return store.write(key, ...rest)
    },
  })
  await expect(dying.copy('died', halfway.source, patient)).rejects.toThrow('killed')
  const { source, asked } = sourceOf(bytes)
  expect(await files.copy('died', source, patient)).toMatchObject({ size: 20 * mebi })
  expect(asked.starts).toEqual([0])
  expect((await stored('died')).equals(bytes)).toBe(true)
})

test('a source that gives no ranges is read from its start each time, and stored from where it stopped', async () => {
  const bytes = png(28 * mebi)
  const { source } = sourceOf(bytes, { ranges: false })
  for (let pass = 0; pass < 2; pass += 1) expect(await files.copy('whole', source, soon)).toBeUndefined()
  expect(await blobsOf('whole')).toEqual(['whole/1', 'whole/2', 'whole/progress'])
  expect(await files.copy('whole', source, soon)).toMatchObject({ size: 28 * mebi })
  expect((await stored('whole')).equals(bytes)).toBe(true)
})

test('content that is another one now is copied from its start', async () => {
  await files.copy('changed', sourceOf(png(28 * mebi)).source, soon)
  const other = Buffer.concat([png(100), Buffer.alloc(28 * mebi, 7)])
  const { source } = sourceOf(other)
  expect(await files.copy('changed', source, patient)).toMatchObject({ size: other.byteLength })
  expect((await stored('changed')).equals(other)).toBe(true)
})

test('where the size is not told, a file is copied in one go', async () => {
  const bytes = png(17 * mebi)
  const { source, asked } = sourceOf(bytes, { total: false })
  expect(await files.copy('untold', source, soon)).toMatchObject({ size: 17 * mebi })
  expect(asked.starts).toEqual([0])
  expect(await blobsOf('untold')).toEqual(['untold/0', 'untold/1', 'untold/2'])
})

test('a file that ends before its size is not shown', async () => {
  const { source } = sourceOf(png(9 * mebi))
  const lying: Source = { open: async (start) => ({ ...(await source.open(start)), total: 12 * mebi }) }
  await expect(files.copy('cut', lying, patient)).rejects.toThrow(`The file ended at byte ${9 * mebi} of ${12 * mebi}`)
  expect(await files.stat('cut')).toBeUndefined()
})

const reasonOf = (copying: Promise<unknown>) =>
  copying.then(
    () => 'accepted',
    (error: unknown) => (error instanceof UnacceptableFile ? error.reason : error),
  )

test('a file that says it is too large is refused before it is read; one that turns out to be leaves nothing', async () => {
  const told = sourceOf(png(20 * mebi))
  expect(await reasonOf(files.copy('told', told.source, { ...patient, maxBytes: 19 * mebi }))).toBe('too_large')
  expect(told.asked.read).toBe(0)
  const untold = sourceOf(png(30 * mebi), { total: false })
  expect(await reasonOf(files.copy('grown', untold.source, { ...patient, maxBytes: 19 * mebi }))).toBe('too_large')
  expect(await blobsOf('grown')).toEqual([])
})

test('a large file of another type is refused at its beginning', async () => {
  const { source, asked } = sourceOf(Buffer.alloc(30 * mebi, '<html>'))
  expect(await reasonOf(files.copy('page', source, patient))).toBe('wrong_type')
  expect(asked.read).toBe(mebi)
})

/** The first bytes of weights whose header is so long; 0x0178 begins like a disk image. */
function weights(headerLength: number): Buffer {
  const bytes = Buffer.alloc(5_000, ' ')
  bytes.writeBigUInt64LE(BigInt(headerLength))
  bytes.write('{"lora":{}}', 8)
  return bytes
}

test.each([64, 0x0178, 60_000])('weights with a header of %i bytes are known by it', async (length) => {
  const accept = ['application/x-safetensors', 'application/json']
  const { source } = sourceOf(weights(length))
  expect(await files.copy(`weights-${length}`, source, { ...patient, accept })).toMatchObject({
    type: 'application/x-safetensors',
  })
})

test.each([
  ['a header of no length', weights(0)],
  ['a header of more than 100 MB', weights(100_000_001)],
  ['no header', Buffer.alloc(5_000, 1)],
  ['eight bytes', weights(64).subarray(0, 8)],
])('what has %s is no file of weights', async (_name, bytes) => {
  const accept = ['application/x-safetensors']
  expect(await reasonOf(files.copy('no-weights', sourceOf(bytes).source, { ...patient, accept }))).toBe('wrong_type')
})
