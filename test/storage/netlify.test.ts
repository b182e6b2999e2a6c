// Netlify's store as functions meet it: tokens that expire between two calls, stores that refuse, fail or say nothing.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { renewedContext, startBlobGate } from '../../dev/blob-gate.ts'
import { startBlobs } from '../../dev/blobs.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import { openNetlifyStore } from '../../storage/netlify/store.ts'
import { type BlobStore, StoreFault, StoreRefusal } from '../../storage/store.ts'
import { openWakeMark } from '../../storage/wake.ts'
import { serve } from '../setup/serve.ts'
import { bytesOf, chunksOf, keysIn, png } from './setup.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-blobs-'))
const blobs = await startBlobs(folder)
const gate = await startBlobGate(blobs.context)
const image = { accept: ['image/png'], maxBytes: 20_000_000 }
afterEach(() => {
  delete process.env['NETLIFY_BLOBS_CONTEXT']
})
afterAll(async () => {
  await gate.stop()
  await blobs.stop()
  await rm(folder, { recursive: true })
})

const namesIn = (store: BlobStore) => keysIn(store, 'a')

const beginInvocation = () => {
  process.env['NETLIFY_BLOBS_CONTEXT'] = renewedContext(gate)
}

test('each call uses the token of the current invocation, not the one that the container began with', async () => {
  beginInvocation()
  const now = () => new Date()
  const files = openFiles(openNetlifyStore('files'))
  const wake = openWakeMark(openNetlifyStore('wake'), { now })
  const instants = openInstants(openNetlifyStore('instants'), now)
  const bytes = png(9_000_000)
  await files.write('a', chunksOf(bytes), image)
  await wake.raise()
  gate.expire()
  beginInvocation()
  const found = await files.read('a')
  expect((await bytesOf(found?.body ?? null)).equals(bytes)).toBe(true)
  expect(await wake.look()).toMatchObject({ id: expect.not.stringMatching('unknown') })
  await instants.note('tick')
  expect(await instants.last('tick')).toBeInstanceOf(Date)
  expect(await files.clear('a/', 10)).toBe(2)
})

test('a store that refuses our token is a refusal by name, told at once and by every call', async () => {
  beginInvocation()
  const store = openNetlifyStore('files')
  gate.expire()
  const calls = [
    () => store.readJson('a'),
    () => store.head('a'),
    () => store.write('a', new ArrayBuffer(3)),
    () => store.writeJson('a', {}),
    () => store.remove('a'),
    () => namesIn(store),
  ]
  for (const call of calls) {
    const refusal = await call().catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(StoreRefusal)
    expect(String(refusal)).not.toContain('Bearer')
  }
})

test('an environment that names no store is named itself, by each call', async () => {
  const store = openNetlifyStore('files')
  for (const call of [() => store.remove('a'), () => namesIn(store)]) {
    await expect(call()).rejects.toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('NETLIFY_BLOBS_CONTEXT is not set'),
    })
  }
})

const accessTo = (url: string) => ({ siteID: 'local', token: 'any', edgeURL: url, uncachedEdgeURL: url })

test('a store that fails for a moment is asked again, within the time of the call', async () => {
  let asked = 0
  const url = await serve((_, response) => {
    asked += 1
    if (asked === 1) response.destroy()
    else if (asked === 2) response.writeHead(503).end()
    else response.end('{"is":"there"}')
  })
  const store = openNetlifyStore('files', { access: accessTo(url) })
  expect(await store.readJson('a')).toEqual({ is: 'there' })
})

test('a store that answers nothing, or half of it, ends the call by its deadline', async () => {
  const silent = await serve((request) => request.resume())
  const half = await serve((_, response) => response.writeHead(200, { 'content-length': '100' }).write('{'))
  for (const url of [silent, half]) {
    const store = openNetlifyStore('files', { access: accessTo(url), patienceMs: 50, partPatienceMs: 50 })
    const calls = [
      store.readJson('a'),
      store.writeJson('a', {}),
      store.remove('a'),
      store.write('a', new ArrayBuffer(9)),
      namesIn(store),
    ]
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      if (url === silent) expect(status).toBe('rejected')
      if (status === 'rejected') expect(reason).toBeInstanceOf(StoreFault)
    }
  }
})

test('a caller who gives up is not kept waiting by a silent store', async () => {
  const url = await serve((request) => request.resume())
  const store = openNetlifyStore('files', { access: accessTo(url) })
  const call = store.until?.(AbortSignal.timeout(20)).readJson('a')
  await expect(call).rejects.toBeInstanceOf(StoreFault)
})
