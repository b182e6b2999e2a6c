// A person has everything erased, and the process is killed in the midst of it: at whatever moment, in whatever store. After the next pass a
// search of every table and of every byte of the store finds nothing of theirs.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { startBlobs } from '../../dev/blobs.ts'
import { uploaderOf } from '../../engine/uploads.ts'
import { deleteEndpoint } from '../../functions/delete.ts'
import { session } from '../../functions/session.ts'
import { start } from '../../functions/start.ts'
import { tasks } from '../../functions/tasks.ts'
import { upload } from '../../functions/upload.ts'
import { openFiles } from '../../storage/files.ts'
import { openFolderStore } from '../../storage/folder/store.ts'
import { openS3Store } from '../../storage/s3/store.ts'
import { type OpenStore, StoreFault } from '../../storage/store.ts'
import { testClock } from '../setup/clock.ts'
import { dyingAfter } from '../setup/death.ts'
import { type Instance, useTestDeps } from '../setup/deps.ts'
import { startS3 } from '../setup/s3.ts'
import { filesWith, tablesWith } from '../setup/search.ts'
import { ping, pingUntil } from './setup.ts'

vi.setConfig({ testTimeout: 400_000 })

const clock = testClock()
const app = await useTestDeps({ clock })
const folder = await mkdtemp(join(tmpdir(), 'stepgate-erasure-'))
const [s3, blobs] = await Promise.all([startS3(join(folder, 's3')), startBlobs(join(folder, 'netlify'))])
afterAll(async () => {
  await Promise.all([s3.stop(), blobs.stop()])
  await rm(folder, { recursive: true })
})
const kinds: [string, OpenStore][] = [
  ['netlify', blobs.store],
  ['s3', (name) => openS3Store(s3.access, name)],
  ['folder', (name) => openFolderStore(join(folder, 'folder'), name)],
]
const photo = await readFile(join(import.meta.dirname, '..', 'storage', 'cases', 'gps-exif-6.jpg'))

interface Person {
  token: string
  id: string
  /** Their words, their id, and bytes of all that is stored for them. */
  words: string
  user: string
  needles: Buffer[]
}

function openInstance(open: OpenStore): Instance {
  const instance = app.openInstance()
  instance.deps.files = openFiles(open('files'))
  return instance
}

/** Who has a photo uploaded, one result stored, and a second step running at the provider. */
async function openPerson(instance: Instance, open: OpenStore, name: string): Promise<Person> {
  const opened = await instance.call(session, { method: 'POST', path: '/api/session' })
  const { token, user_id } = (await opened.json()) as { token: string; user_id: string }
  const form = new FormData()
  form.append('image', new File([photo], `${name}-at-the-beach.jpg`))
  const request = new Request('http://x.test', { method: 'POST', body: form })
  const uploaded = await instance.call(upload, {
    ...{ path: '/api/upload', body: await request.bytes(), token },
    headers: { 'content-type': request.headers.get('content-type') ?? '' },
  })
  const { url } = (await uploaded.json()) as { url: string }
  const shirt = `data:image/jpeg;base64,${photo.toString('base64')}`
  const body = { person_image: url, garments: [shirt, shirt], prompt_hints: `${name} wears it`, auto_continue: true }
  const headers = { 'idempotency-key': `${name}-once` }
  const started = await instance.call(start, { path: '/api/start', body, token, headers })
  const { task_id: id } = (await started.json()) as { task_id: string }
  expect(started.status).toBe(202)
  await instance.settle()
  const isSecondRunning = (row: { current_step: number; phase: string | null }) =>
    row.current_step === 2 && row.phase === 'running'
  await pingUntil(instance, { id, token }, isSecondRunning, { clock, every: 2 })
  return { token, id, words: name, user: user_id, needles: await needlesOf(open, [user_id, name]) }
}

/** From the midst of each stored file. */
async function needlesOf(open: OpenStore, texts: readonly string[]): Promise<Buffer[]> {
  const files = openFiles(open('files'))
  const keys = [...(await files.keys('results/')), ...(await files.keys('inputs/')), ...(await files.keys('uploads/'))]
  const slices = await Promise.all(
    keys.map(async (key) => {
      const bytes = Buffer.from(await new Response((await files.read(key))?.body).bytes())
      return bytes.subarray(bytes.length >> 1, (bytes.length >> 1) + 24)
    }),
  )
  expect(slices.length).toBeGreaterThanOrEqual(4)
  return [...slices, ...texts.map((text) => Buffer.from(text))]
}

async function confirmed(instance: Instance, token: string): Promise<object> {
  const asked = await instance.call(deleteEndpoint, { path: '/api/delete', body: { everything: true }, token })
  return { everything: true, ...((await asked.json()) as { confirm: string }) }
}

const findAll = async ({ words, needles }: Person, kind: string): Promise<string[]> => [
  ...(await tablesWith(app.deps.db, words)),
  ...(await filesWith(join(folder, kind), needles)),
]

describe.each(kinds)('everything of a person, in %s', (kind, open) => {
  test('killed at any moment of the erasure: after the next pass, nothing is found', async () => {
    const instance = openInstance(open)
    for (let moment = 0, isOver = false; !isOver; moment += 1) {
      const person = await openPerson(instance, open, `marker-${kind}-${moment}`)
      const { token } = person
      expect(await findAll(person, kind)).not.toEqual([])
      const body = await confirmed(instance, token)
      const victim = app.openInstance({ isApart: true })
      const dying = dyingAfter(moment, instance.deps, open('files'))
      Object.assign(victim.deps, dying.deps)
      const answered = victim.call(deleteEndpoint, { path: '/api/delete', body, token }).then(({ status }) => status)
      const status = await Promise.race([answered, dying.died])
      isOver = status !== undefined && !dying.isDead()
      if (isOver) expect(status).toBe(200)
      const { rows: noted } = await sql`select from erasures`.execute(app.deps.db)
      // Killed before it was noted: the person had no answer, and asks again.
      if (!isOver && noted.length === 0) {
        expect((await instance.call(deleteEndpoint, { path: '/api/delete', body, token })).status).toBe(200)
        await instance.settle()
      }
      await ping(instance)
      expect(await findAll(person, kind), `killed after ${moment} operations`).toEqual([])
      expect((await instance.call(tasks, { path: '/api/tasks', token })).status).toBe(401)
      // Their name is in the note until nobody can be writing any more.
      clock.advance(200)
      await ping(instance)
      expect(await tablesWith(app.deps.db, person.user)).toEqual([])
      await app.reset()
      expect(moment).toBeLessThan(60)
    }
  })
})

test('a stub waits for its provider, and goes with the note when that is over', async () => {
  const instance = openInstance(app.blobs.store)
  const { token, id } = await openPerson(instance, app.blobs.store, 'marker-stub')
  const body = { task_id: id }
  const answer = await instance.call(deleteEndpoint, { path: '/api/delete', body, token })
  expect(await answer.json()).toMatchObject({ deleted: { tasks: 1, uploads: 1 }, erased: false })
  expect((await instance.call(deleteEndpoint, { path: '/api/delete', body, token })).status).toBe(404)
  await instance.settle()
  // Its own pass has canceled the prediction.
  expect(app.simulator.replicate.till().predictions.filter(({ canceled }) => canceled)).toHaveLength(1)
  for (let minute = 0; minute < 6; minute += 1) {
    clock.advance(60)
    await ping(instance)
  }
  expect(await tablesWith(app.deps.db, id)).toEqual(['ledger'])
})

test('a deleted task takes along the photos that were uploaded for it, also where the store is away at first', async () => {
  const instance = openInstance(app.blobs.store)
  const { token, id, user } = await openPerson(instance, app.blobs.store, 'marker-photo')
  const { files } = instance.deps
  const keys = await files.keys('uploads/')
  expect(keys).toHaveLength(1)
  const stranger = await openPerson(instance, app.blobs.store, 'marker-stranger')
  const away = async () => {
    throw new StoreFault('away')
  }
  instance.deps.files = { ...files, stat: away, clear: away }
  const answer = await instance.call(deleteEndpoint, { path: '/api/delete', body: { task_id: id }, token })
  expect(await answer.json()).toMatchObject({ deleted: { tasks: 1, uploads: 1 }, erased: false })
  instance.deps.files = files
  clock.advance(60)
  await ping(instance)
  expect(await files.keys(`uploads/`)).toHaveLength(1)
  expect([keys, await files.keys('uploads/')].flat().map((key) => key.includes(uploaderOf(user)))).toEqual([
    true,
    false,
  ])
  expect(stranger.id).not.toBe(id)
})
