// Images inside a start request come in as uploads do: decoded, upright, without a position; what isn't one is refused before anything
// is paid, and leaves nothing behind.
import { readFile } from 'node:fs/promises'
import { zipSync } from 'fflate'
import { sql } from 'kysely'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { start } from '../../functions/start.ts'
import { upload } from '../../functions/upload.ts'
import { StoreFault } from '../../storage/store.ts'
import { useTestDeps } from '../setup/deps.ts'

const app = await useTestDeps()
const shirt = 'https://images.test/shirt.png'
const caseOf = (name: string) => readFile(new URL(`../storage/cases/${name}`, import.meta.url))
const uriOf = (bytes: Uint8Array, head = 'data:image/jpeg;base64,') => head + Buffer.from(bytes).toString('base64')
const photo = await sharp({ create: { width: 60, height: 40, channels: 3, background: 'red' } })
  .jpeg()
  .toBuffer()

const begin = async (body: object, headers: Record<string, string> = {}) =>
  app.call(start, { path: '/api/start', body, headers, token: await app.signIn('ada') })
const beginWith = (person_image: string) => begin({ person_image, garments: [shirt] })
const inputs = async () => (await app.blobs.openStore('files').list({ prefix: 'inputs/' })).blobs.map(({ key }) => key)
const taskIds = async () => (await sql<{ id: string }>`select id from tasks`.execute(app.deps.db)).rows

test('an inline photo is stored upright, and without the position in it', async () => {
  const answer = await beginWith(uriOf(await caseOf('gps-exif-6.jpg')))
  expect(answer.status).toBe(202)
  const { task_id } = (await answer.json()) as { task_id: string }
  const found = await app.deps.files.read(`inputs/${task_id}/1`)
  const kept = Buffer.from(await new Response(found?.body).bytes())
  expect(kept.includes('GPSMARKER')).toBe(false)
  const { width, height, orientation, exif } = await sharp(kept).metadata()
  expect([width, height, orientation, exif]).toEqual([400, 600, undefined, undefined])
})

const huge = await sharp({ create: { width: 12_000, height: 9_000, channels: 3, background: 'red' } })
  .png({ compressionLevel: 9 })
  .toBuffer()
test.each<[string, Uint8Array, RegExp]>([
  ['half a photo', await caseOf('truncated.jpg'), /damaged/],
  ['four magic bytes', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), /damaged/],
  ['108 megapixels', huge, /million pixels/],
  ['a HEIC photo', Buffer.from('00000018667479706865696300000000686569636d696631', 'hex'), /save it as JPEG/],
])('%s is refused by the field’s name, and nothing is stored or started', async (_name, bytes, words) => {
  const before = await inputs()
  const answer = await beginWith(uriOf(bytes))
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { errors: [{ path: 'person_image', message: expect.stringMatching(words) }] },
  ])
  expect(await inputs()).toEqual(before)
  expect(await taskIds()).toEqual([])
})

test.each([
  ...['data:image/jpg;base64,', 'DATA:IMAGE/JPEG;charset=utf-8;BASE64,', 'data:image/pjpeg;base64,'],
  ...['data:application/octet-stream;base64,', 'data:;base64,', 'data:image/jpe;name="my, photo";base64,'],
])('a photo is taken as %s', async (head) => {
  expect((await beginWith(uriOf(photo, head).replace(/=+$/, ''))).status).toBe(202)
})

test.each([
  ['with our origin', 'http://stepgate.test/api/result?task_id=x'],
  ['in capitals', 'HTTP://STEPGATE.TEST/api/result'],
  ['with dots', 'http://stepgate.test/api/../api/./result?step=1'],
  ['percent-encoded', 'http://stepgate.test/api/%72esult?step=1'],
  ['with backslashes', '\\api\\result?step=1'],
])('what is no address of a result, %s, is refused at start with a sentence', async (_name, address) => {
  const answer = await begin({ person_image: shirt, garments: [shirt, { image: address }] })
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { errors: [{ path: 'garments.1.image', message: expect.stringMatching(/result/) }] },
  ])
})

const portraits = (count: number) =>
  zipSync(Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index}.jpg`, new Uint8Array(photo)])))
const train = (images_url: string) => begin({ recipe: 'avatar', training_type: 'portrait', images_url })

test('a portrait is trained on ten photos or more, uploaded or inline', async () => {
  const sent = async (bytes: Uint8Array) => {
    const answer = await app.call(upload, { path: '/api/upload', body: bytes, token: await app.signIn('ada') })
    return ((await answer.json()) as { url: string }).url
  }
  const head = 'data:application/x-zip-compressed;base64,'
  for (const address of [await sent(portraits(9)), uriOf(portraits(9), head)]) {
    const refused = await train(address)
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { errors: [{ path: 'images_url', message: expect.stringMatching(/holds 9 photos, at least 10/) }] },
    ])
  }
  expect((await train(await sent(portraits(10)))).status).toBe(202)
})

test('nothing is written where the mark cannot be raised, and nothing stays where a write fails', async () => {
  const before = await inputs()
  const instance = app.openInstance()
  const { deps } = instance
  const token = await app.signIn('ada')
  const ask = () =>
    instance.call(start, { path: '/api/start', body: { person_image: uriOf(photo), garments: [uriOf(photo)] }, token })
  const fail = async () => {
    throw new StoreFault('out of sorts')
  }
  const { wake, files } = deps
  Object.assign(deps, { wake: { ...wake, raise: fail } })
  expect((await ask()).status).toBe(503)
  expect(await inputs()).toEqual(before)
  let writes = 0
  const write: typeof files.write = async (...given) => {
    writes += 1
    return writes === 2 ? fail() : files.write(...given)
  }
  Object.assign(deps, { wake, files: { ...files, write } })
  expect((await ask()).status).toBe(503)
  expect(await inputs()).toEqual(before)
  expect(await taskIds()).toEqual([])
})
