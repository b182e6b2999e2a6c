// One conformance suite for every kind of store: what files, the wake mark and instants rely on.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { startBlobs } from '../../dev/blobs.ts'
import { openFolderStore } from '../../storage/folder/store.ts'
import { openS3Store } from '../../storage/s3/store.ts'
import type { OpenStore } from '../../storage/store.ts'
import { openWakeMark } from '../../storage/wake.ts'
import { startS3 } from '../setup/s3.ts'
import { keysIn } from './setup.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-stores-'))
const [server, blobs] = await Promise.all([startS3(join(folder, 's3')), startBlobs(join(folder, 'netlify'))])
afterAll(async () => {
  await Promise.all([server.stop(), blobs.stop()])
  await rm(folder, { recursive: true })
})
const kinds: [string, OpenStore][] = [
  ['netlify', blobs.store],
  ['s3', (name) => openS3Store(server.access, name)],
  ['folder', (name) => openFolderStore(join(folder, 'folder'), name)],
]

const bytes = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer
const textOf = async (body: ReadableStream<Uint8Array> | undefined) => body && new Response(body).text()

describe.each(kinds)('blobs in %s', (kind, open) => {
  const store = open('files')

  test('knows nothing of what was never written', async () => {
    expect(await store.head('none')).toBeUndefined()
    expect(await store.read('none')).toBeUndefined()
    expect(await store.readJson('none')).toBeUndefined()
    await store.remove('none')
    expect(await keysIn(store, 'none')).toEqual([])
  })

  test('gives back bytes, ranges and metadata', async () => {
    await store.write('a/b/0', bytes('0123456789'), { type: 'text/plain', note: 'Ёж "x"' }, 'text/plain')
    expect(await store.head('a/b/0')).toEqual({ type: 'text/plain', note: 'Ёж "x"' })
    expect(await textOf(await store.read('a/b/0'))).toBe('0123456789')
    expect(await textOf(await store.read('a/b/0', { start: 3, end: 5 }))).toBe('345')
    expect(await textOf(await store.read('a/b/0', { start: 8, end: 90 }))).toBe('89')
    await store.write('a/b/0', bytes('again'))
    expect(await textOf(await store.read('a/b/0'))).toBe('again')
    expect(await store.head('a/b/0')).toEqual({})
    await store.remove('a/b/0')
    expect(await store.read('a/b/0')).toBeUndefined()
    expect(await keysIn(store, 'a/')).toEqual([])
  })

  test('gives the end of a blob as it was when it was asked for', async () => {
    const size = 3_000_000
    await store.write('long', new Uint8Array(size).fill(1).buffer)
    const body = await store.read('long', { start: size - 2_000_000, end: size - 1 })
    expect((await new Response(body).bytes()).every((byte) => byte === 1)).toBe(true)
  })

  test('keeps records, each in a store of its own', async () => {
    await store.writeJson('raised', { id: 'x' })
    await open('other').writeJson('raised', { id: 'y' })
    expect(await store.readJson('raised')).toEqual({ id: 'x' })
    expect(await keysIn(open('other'), '')).toEqual(['raised'])
  })

  test('has the wake mark up after every raise that ran beside lowerings, by plain writes alone', async () => {
    const openMark = () => openWakeMark(open('wake'), { now: () => new Date(), graceMs: 0 })
    const [mark, other] = [openMark(), openMark()]
    for (let round = 0; round < 4; round += 1) {
      const seen = await other.look()
      if (!seen) throw new Error(`asleep in round ${round}`)
      // A server that writes in place may give a torn record meanwhile: then nothing is lowered.
      const lower = () => other.lower(seen).catch(() => false)
      await Promise.all([lower(), mark.raise(), lower()])
      expect(await other.look(), `round ${round}`).toBeDefined()
    }
    const seen = await other.look()
    expect(seen && (await other.lower(seen))).toBe(true)
    expect(await mark.look()).toBeUndefined()
  })

  // The S3 server here writes a record in place; no S3 does.
  test.skipIf(kind === 's3')('gives a record whole, however often it is written meanwhile', async () => {
    const records = ['x'.repeat(10), 'y'.repeat(3_000)]
    await store.writeJson('busy', records[0])
    const writing = (async () => {
      for (let round = 0; round < 30; round += 1) await store.writeJson('busy', records[round % 2])
    })()
    for (let round = 0; round < 30; round += 1) expect(records).toContain(await store.readJson('busy'))
    await writing
  })
})

describe.each(kinds)('keys in %s', (kind, open) => {
  const store = open('keys')

  // The servers of the other kinds here make paths of keys; ours hold nothing of the kind.
  test.runIf(kind === 'folder')('keeps keys apart that a file system would not', async () => {
    const keys = ['k/..', 'k/../l', 'k/.meta', 'k/a.blob', 'k/a', 'k/a b+c&d', 'k/ü%20']
    for (const key of keys) await store.write(key, bytes(key))
    for (const key of keys) expect(await textOf(await store.read(key)), key).toBe(key)
    expect(await keysIn(store, 'k/')).toEqual(keys.toSorted())
  })

  test('lists by prefix, flat and by folder', async () => {
    const keys = ['u/1/x', 'u/1/y', 'u/2', 'u/22/deep/er/z', 'u/3/deep/x', 'u/30/x']
    for (const key of [...keys, 'v/1']) await store.write(key, bytes(key))
    expect(await keysIn(store, 'u/')).toEqual(keys)
    expect(await keysIn(store, 'u/2')).toEqual(['u/2', 'u/22/deep/er/z'])
    const folders: string[] = []
    for await (const page of store.list({ prefix: 'u/', directories: true })) folders.push(...page.directories)
    expect(folders.toSorted()).toEqual(['u/1', 'u/22', 'u/3', 'u/30'])
  })

  test('makes one blob of parts where it can, and links to it', async () => {
    if (!store.compose || !store.link) return
    const part = new Uint8Array(5 * 1024 * 1024).fill(97)
    await store.write('big/1', part.buffer)
    await store.write('big/2', bytes('end'))
    await store.compose('big/0', part.buffer, ['big/1', 'big/2'], { metadata: { size: 1 }, type: 'image/png' })
    expect(await store.head('big/0')).toEqual({ size: 1 })
    expect(await keysIn(store, 'big/')).toEqual(['big/0', 'big/1', 'big/2'])
    const how = { disposition: `attachment; filename="x y+z.png"`, cacheControl: 'private, max-age=60' }
    const answer = await fetch(await store.link('big/0', 60, how))
    expect(answer.headers.get('content-type')).toBe('image/png')
    expect(answer.headers.get('content-disposition')).toBe(how.disposition)
    expect(answer.headers.get('cache-control')).toBe(how.cacheControl)
    expect((await answer.arrayBuffer()).byteLength).toBe(2 * part.byteLength + 3)
  })
})
