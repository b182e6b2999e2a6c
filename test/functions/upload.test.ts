// POST /api/upload, and what becomes of an upload: used by its owner's tasks, shown to its owner, deleted after a day.
import { sql } from 'kysely'
import sharp from 'sharp'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { noteStart } from '../../engine/start-note.ts'
import { sweepStored } from '../../engine/sweep.ts'
import { sweepUploads } from '../../engine/sweep-uploads.ts'
import { recover } from '../../functions/recover.ts'
import { start } from '../../functions/start.ts'
import { upload } from '../../functions/upload.ts'
import { worker } from '../../functions/worker.ts'
import { rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, useTestDeps } from '../setup/deps.ts'

const clock = testClock('2026-03-01T12:10:00Z')
const app = await useTestDeps({ clock, mounted: true })
const shirt = 'https://images.test/shirt.png'
const photo = await sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } })
  .jpeg()
  .withMetadata({ orientation: 6, exif: { IFD0: { Make: 'Phone' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } } })
  .toBuffer()
const bytes = new Uint8Array(photo)

async function send(user: string, body: unknown = bytes, headers: Record<string, string> = {}): Promise<Response> {
  return app.call(upload, { path: '/api/upload', body, headers, token: await app.signIn(user) })
}

async function uploaded(user: string): Promise<string> {
  const answer = await send(user)
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { url: string }).url
}

/** As the copies that tasks have of it are called. */
const nameOf = (url: string) => url.split('id=')[1]

const view = async (user: string, path: string, method = 'GET') =>
  app.call(upload, { method, path, token: await app.signIn(user) })

const begin = async (user: string, person_image: string, more: object = {}) =>
  app.call(start, {
    path: '/api/start',
    body: { person_image, garments: [shirt], ...more },
    token: await app.signIn(user),
  })

async function idOf(answer: Response): Promise<string> {
  expect(answer.status).toBe(202)
  return ((await answer.json()) as { task_id: string }).task_id
}

/** Keys of all stored files, of one kind. */
async function stored(kind: 'uploads' | 'inputs'): Promise<string[]> {
  const { blobs } = await app.blobs.openStore('files').list({ prefix: `${kind}/` })
  return blobs.map(({ key }) => key)
}

function formOf(parts: Record<string, string | Uint8Array<ArrayBuffer>>): FormData {
  const form = new FormData()
  for (const [name, part] of Object.entries(parts))
    form.append(name, typeof part === 'string' ? part : new File([part], `${name}.txt`, { type: 'text/plain' }))
  return form
}

/** As a browser sends it. */
async function sendForm(form: FormData): Promise<Response> {
  const request = new Request('http://stepgate.test', { method: 'POST', body: form })
  return send('ada', await request.bytes(), { 'content-type': request.headers.get('content-type') ?? '' })
}

async function expectProblem(answer: Response, status: number, code: string): Promise<Record<string, unknown>> {
  const problem = (await answer.json()) as Record<string, unknown>
  expect([answer.status, problem['code']], String(problem['detail'])).toEqual([status, code])
  return problem
}

test('an image gets an address at which its owner sees it, upright and without the camera’s notes', async () => {
  const url = await uploaded('ada')
  const answer = await view('ada', url)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('image/jpeg')
  const kept = await sharp(await answer.bytes()).metadata()
  expect([kept.width, kept.height, kept.exif]).toEqual([40, 60, undefined])
  expect((await view('ada', url, 'HEAD')).headers.get('content-length')).toBe(answer.headers.get('content-length'))
})

test('a form with one file is as good, whatever it is called', async () => {
  const answer = await sendForm(formOf({ note: 'me', photo: bytes }))
  expect(answer.status).toBe(201)
})

test('a form without a file, with two, or cut short is refused', async () => {
  for (const form of [formOf({}), formOf({ image: 'me' }), formOf({ one: bytes, two: bytes })]) {
    const { errors } = await expectProblem(await sendForm(form), 400, 'invalid_request')
    expect(errors).toMatchObject([{ path: 'image' }])
  }
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  await expectProblem(await send('ada', '--x\r\nContent-Disp', headers), 400, 'invalid_request')
  expect(await stored('uploads')).toEqual(expect.not.arrayContaining([expect.stringContaining('undefined')]))
})

test.each([
  ['nothing', '', 415, 'unsupported_media_type'],
  ['a text', 'hello', 415, 'unsupported_media_type'],
  ['a page', '<!doctype html><script>1</script>', 415, 'unsupported_media_type'],
  ['an SVG image', '<svg xmlns="http://www.w3.org/2000/svg"/>', 415, 'unsupported_media_type'],
  ['half an image', bytes.subarray(0, bytes.length / 2), 415, 'unsupported_media_type'],
  ['5 MB', new Uint8Array(5_000_000), 413, 'body_too_large'],
] as const)('%s is refused, whatever its header says, and nothing is stored', async (_name, body, status, code) => {
  const before = await stored('uploads')
  await expectProblem(await send('ada', body, { 'content-type': 'image/jpeg' }), status, code)
  expect(await stored('uploads')).toEqual(before)
})

test('a form’s file over 4 MB is refused', async () => {
  await expectProblem(await sendForm(formOf({ image: new Uint8Array(4 * 1024 * 1024 + 1) })), 413, 'body_too_large')
})

test('nobody uploads or sees anything without a session, and nobody sees another’s', async () => {
  await expectProblem(await app.call(upload, { path: '/api/upload', body: bytes }), 401, 'unauthenticated')
  const url = await uploaded('ada')
  await expectProblem(await app.call(upload, { path: url }), 401, 'unauthenticated')
  await expectProblem(await view('eve', url), 404, 'not_found')
  await expectProblem(await view('ada', `${url.slice(0, -1)}x`), 400, 'invalid_request')
})

test('a task started with an upload gets a copy, and the provider a signed link to it with the attempt’s marker', async () => {
  const url = await uploaded('ada')
  const id = await idOf(await begin('ada', url))
  await app.settle()
  const row = await rowOf(app, { id })
  expect(row.input).toMatchObject({ person_image: `file:inputs/${id}/1-${nameOf(url)}` })
  const [prediction] = app.simulator.replicate.till().predictions
  const link = new URL(String(prediction?.input['person_image']))
  expect([link.origin, link.pathname]).toEqual([app.address, '/api/result'])
  expect(link.searchParams.get('marker')).toBe(row.claim_token)
  const answer = await fetch(link)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/jpeg'])
  expect(answer.headers.get('cache-control')).toBe('private, no-store')
})

test('an upload’s address with our own origin in front is the same, also for the Idempotency-Key', async () => {
  const url = await uploaded('ada')
  const headers = { 'idempotency-key': 'once' }
  const token = await app.signIn('ada')
  const ask = (image: string) =>
    app.call(start, { path: '/api/start', body: { person_image: shirt, garments: [image] }, token, headers })
  const first = await idOf(await ask(`${app.address}${url}`))
  const again = await ask(`http://stepgate.test${url}`)
  expect([again.status, await again.json()]).toMatchObject([200, { task_id: first }])
  expect((await rowOf(app, { id: first })).input).toMatchObject({
    garments: [{ image: `file:inputs/${first}/1-${nameOf(url)}` }],
  })
})

test('another user’s upload, and one that never was, are refused by the field’s name, and nothing stays', async () => {
  const own = await uploaded('eve')
  const foreign = await uploaded('ada')
  const before = await stored('inputs')
  for (const image of [foreign, `/api/upload?id=2026030112-${'0'.repeat(32)}`]) {
    const problem = await expectProblem(await begin('eve', own, { garments: [shirt, image] }), 400, 'invalid_request')
    expect(problem['errors']).toMatchObject([{ path: 'garments.1.image', message: expect.stringMatching(/upload/) }])
  }
  expect(await stored('inputs')).toEqual(before)
  const { rows } = await sql`select from tasks`.execute(app.deps.db)
  expect(rows).toEqual([])
})

test('a note that begins like an image’s data is a note', async () => {
  const id = await idOf(await begin('ada', shirt, { prompt_hints: 'data: none' }))
  expect((await rowOf(app, { id })).input).toMatchObject({ prompt_hints: 'data: none' })
})

const sweep = async () => {
  const answer = await app.call(recover, { path: '/api/recover', token: cronSecret })
  return ((await answer.json()) as { uploads_deleted: number }).uploads_deleted
}

test('recover deletes uploads after a day; a task’s own copy stays', async () => {
  clock.advance(30 * 24 * 3_600)
  await sweep()
  const old = await uploaded('ada')
  await uploaded('eve')
  const id = await idOf(await begin('ada', old))
  clock.advance(3_600)
  const young = await uploaded('ada')
  clock.advance(24 * 3_600 - 600)
  expect(await sweep()).toBe(2)
  expect([(await view('ada', old)).status, (await view('ada', young)).status]).toEqual([404, 200])
  expect(await stored('inputs')).toContain(`inputs/${id}/1-${nameOf(old)}/0`)
  expect(await sweep()).toBe(0)
})

test('any ping deletes them, however many there are, and none looks again within the hour', async () => {
  const store = app.blobs.openStore('files')
  clock.advance(26 * 3_600)
  await Promise.all(Array.from({ length: 105 }, (_, n) => store.set(`uploads/2026030100/ada/${n}/0`, 'x')))
  const ask = async () => {
    await app.call(worker, { path: '/api/worker', token: cronSecret })
    await app.settle()
    return (await store.list({ prefix: 'uploads/2026030100/' })).blobs.length
  }
  expect(await ask()).toBe(0)
  await store.set('uploads/2026030100/ada/late/0', 'x')
  expect(await ask()).toBe(1)
  clock.advance(3_600)
  expect(await ask()).toBe(0)
})

test('a sweep that comes to the end of its time leaves the rest to the next, and does not call itself done', async () => {
  const store = app.blobs.openStore('files')
  clock.advance(26 * 3_600)
  await Promise.all(Array.from({ length: 3 }, (_, n) => store.set(`uploads/2026030100/ada/${n}/0`, 'x')))
  expect(await sweepUploads(app.deps, 0)).toBe(0)
  expect(await sweepUploads(app.deps)).toBe(3)
})

const dieAfterNote = async (deps: typeof app.deps, id: string) => {
  await noteStart(deps, id, AbortSignal.timeout(5_000))
  await app.blobs.openStore('files').set(`inputs/${id}/1/0`, 'x')
}

const recoverOrphans = async () => {
  const answer = await app.call(recover, { path: '/api/recover', token: cronSecret })
  return ((await answer.json()) as { orphans_deleted: number }).orphans_deleted
}

test('recover deletes what a start that died has written, within hours, and nothing of another database', async () => {
  const store = app.blobs.openStore('files')
  const preview = { ...app.deps, config: { ...app.deps.config, DATABASE_URL: 'postgres://a@preview.test/stepgate' } }
  const [lost, others, young] = [v7(), v7(), v7()]
  const live = await idOf(await begin('ada', await uploaded('ada')))
  await app.settle()
  expect((await store.list({ prefix: 'starts/' })).blobs).toEqual([])
  await dieAfterNote(app.deps, lost)
  await dieAfterNote(app.deps, live)
  await dieAfterNote(preview, others)
  clock.advance(2 * 3_600)
  expect(await recoverOrphans()).toBe(0)
  clock.advance(2 * 3_600)
  await dieAfterNote(app.deps, young)
  expect(await recoverOrphans()).toBe(1)
  const keys = await stored('inputs')
  for (const id of [others, live, young]) expect(keys).toContain(`inputs/${id}/1/0`)
  expect(keys).not.toContain(`inputs/${lost}/1/0`)
  const notes = (await store.list({ prefix: 'starts/' })).blobs.map(({ key }) => key)
  expect([notes.length, notes.some((key) => key.includes(others)), notes.some((key) => key.includes(young))]).toEqual([
    2,
    true,
    true,
  ])
})

test('a start whose clock is hours behind keeps its files, though a sweep comes before its task', async () => {
  const behind = { ...app.deps, now: () => new Date(clock.now().getTime() - 4 * 3_600_000) }
  const id = v7()
  await dieAfterNote(behind, id)
  expect(await recoverOrphans()).toBe(0)
  const known = await idOf(await begin('ada', shirt))
  await sql`update tasks set id = ${id} where id = ${known}`.execute(app.deps.db)
  clock.advance(2 * 3_600)
  expect(await recoverOrphans()).toBe(0)
  expect(await stored('inputs')).toContain(`inputs/${id}/1/0`)
})

test('a clock that goes back in the middle of a sweep makes no start old', async () => {
  const id = v7()
  await dieAfterNote(app.deps, id)
  clock.advance(2 * 3_600)
  let back = 0
  const keys = async (folder: string) => {
    const found = await app.deps.files.keys(folder)
    back = 3 * 3_600_000
    return found
  }
  const now = () => new Date(clock.now().getTime() - back)
  await sweepStored({ ...app.deps, now, files: { ...app.deps.files, keys } })
  expect(await recoverOrphans()).toBe(0)
  expect(await stored('inputs')).toContain(`inputs/${id}/1/0`)
})

test('a blob store that fails does not keep recover from its other work', async () => {
  const failing = { folders: () => Promise.reject(new Error('out of sorts')) }
  const other = await app.openInstance()
  Object.assign(other.deps, { files: { ...other.deps.files, ...failing } })
  const answer = await other.call(recover, { path: '/api/recover', token: cronSecret })
  expect([answer.status, await answer.json()]).toMatchObject([200, { uploads_deleted: 0 }])
  expect(app.logged.map(({ msg }) => msg)).toContain('expired uploads were not all deleted')
})
