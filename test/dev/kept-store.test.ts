// What an earlier version of `npm start` kept in Netlify's local blob server is there after an upgrade.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBlobs } from '../../dev/blobs.ts'
import { keptStore } from '../../dev/kept-store.ts'
import { openFiles } from '../../storage/files.ts'
import { openFolderStore } from '../../storage/folder/store.ts'
import { bytesOf, chunksOf, png } from '../storage/setup.ts'

test('files of an earlier version are moved into the folder, once', async () => {
  const data = await mkdtemp(join(tmpdir(), 'stepgate-kept-'))
  onTestFinished(() => rm(data, { recursive: true }))
  const log = { info: () => undefined }
  expect(await keptStore(data, log)).toBe(join(data, 'storage'))
  const blobs = await startBlobs(join(data, 'blobs'))
  const bytes = png(9_000_000)
  const image = { accept: ['image/png'], maxBytes: bytes.byteLength }
  const written = await openFiles(blobs.store('files')).write('results/a/1/p/0', chunksOf(bytes), image)
  await blobs.stop()
  const folder = await keptStore(data, log)
  const found = await openFiles(openFolderStore(folder, 'files')).read('results/a/1/p/0')
  expect(found?.file).toEqual(written)
  expect((await bytesOf(found?.body ?? null)).equals(bytes)).toBe(true)
  expect(await readdir(data)).toEqual(['storage'])
})
