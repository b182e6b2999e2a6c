// Results and inputs in a bucket: whoever may see one is sent to the store itself, so that no function carries a byte and no answer is cut.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import { linkFor } from '../../engine/signed-urls.ts'
import { result } from '../../functions/result.ts'
import { share } from '../../functions/share.ts'
import { parseConfig } from '../../providers/config.ts'
import { openStoreOf } from '../../storage/open.ts'
import { begun, isOver, pingUntil, rowOf, type Story } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { startS3 } from '../setup/s3.ts'

const folder = await mkdtemp(join(tmpdir(), 'stepgate-s3-'))
const s3 = await startS3(folder)
afterAll(async () => {
  await s3.stop()
  await rm(folder, { recursive: true })
})
const clock = testClock()
const store = openStoreOf(parseConfig(s3.env))
// What a function streams would be cut off after 5 MB.
const env = { ...s3.env, ANSWER_LIMIT_MB: '5' }
const app = await useTestDeps({ clock, mounted: true, store, env })

async function finished(garments = 1): Promise<Story> {
  const story = await begun(app, { garments, auto_continue: true })
  await pingUntil(app, story, isOver, { clock })
  return story
}

const get = ({ id, token }: Story, query = '&step=1', method = 'GET') =>
  app.call(result, { method, path: `/api/result?task_id=${id}${query}`, token })

async function keyOf(story: Story): Promise<string> {
  return resultKey(story.id, 1, (await rowOf(app, story)).steps[0]?.prediction_id ?? '')
}

test('the owner is sent to the bucket by an answer that nobody keeps, and another user is not', async () => {
  const story = await finished()
  const answer = await get(story, '&step=1&attempt=1&download=1')
  expect([answer.status, answer.headers.get('cache-control'), await answer.text()]).toEqual([
    302,
    'private, no-store',
    '',
  ])
  const address = new URL(answer.headers.get('location') ?? '')
  expect(address.origin).toBe(s3.access.endpoint)
  const file = await fetch(address)
  expect(file.headers.get('content-type')).toBe('image/png')
  expect(file.headers.get('content-disposition')).toMatch(/^attachment; filename="[^"]+\.png"/)
  expect(file.headers.get('cache-control')).toBe('private, max-age=900, immutable')
  expect(Buffer.from(await file.arrayBuffer()).toString('latin1', 1, 4)).toBe('PNG')
  const tampered = new URL(address)
  tampered.pathname = tampered.pathname.replace(story.id, '0'.repeat(story.id.length))
  expect((await fetch(tampered)).status).toBe(403)
  expect((await get({ ...story, token: await app.signIn('eve') })).status).toBe(404)
})

test('HEAD and If-None-Match are answered here, and a missing file is told of', async () => {
  const story = await finished()
  const head = await get(story, '&step=1', 'HEAD')
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'image/png'])
  await app.deps.files.remove(await keyOf(story))
  expect((await get(story)).status).toBe(404)
})

test('providers get addresses of the bucket that name their attempt', async () => {
  const story = await finished(2)
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
  const [, second] = app.simulator.replicate.till().predictions
  const link = new URL(String(second?.input['person_image']))
  expect([link.origin, link.hash.slice(0, 8)]).toEqual([s3.access.endpoint, '#marker='])
  expect(JSON.stringify(app.logged)).not.toContain(link.searchParams.get('X-Amz-Signature'))
  expect((await fetch(link)).headers.get('content-type')).toBe('image/png')
})

test('a link of ours that was signed before leads to the bucket, too', async () => {
  const story = await finished()
  const unreached = app.openInstance({
    env: { S3_PUBLIC_ENDPOINT: 'http://store.test' },
    config: { ALLOW_HTTP_CALLBACKS: false, PUBLIC_URL: 'https://app.test' },
  })
  const link = new URL(await linkFor(unreached.deps, `file:${await keyOf(story)}`, 'marker'))
  expect(link.pathname).toBe('/api/result')
  const answer = await app.call(result, { path: link.pathname + link.search })
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([302, 'private, no-store'])
  expect((await fetch(answer.headers.get('location') ?? '')).headers.get('cache-control')).toBe('private, no-store')
})

const mebi = 1024 * 1024
const beginnings = {
  'image/png': Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
    'base64',
  ),
  'application/x-safetensors': Buffer.from(`\x40\0\0\0\0\0\0\0{"lora":{}}${' '.repeat(53)}`, 'latin1'),
}

/** So many MiB, of which no two are the same. */
async function* large(size: number, beginning: Buffer): AsyncGenerator<Buffer> {
  for (let index = 0; index < size; index += 1) {
    const chunk = Buffer.alloc(mebi, index)
    if (index === 0) beginning.copy(chunk)
    yield chunk
  }
}

async function sha256(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

/** A minute of copying on a busy machine: by `npm run test:large` alone. */
const weights = process.env['LARGE'] ? [[300, 'application/x-safetensors'] as const] : []
test.each([[60, 'image/png'] as const, ...weights])(
  'a result of %i MB (%s) is copied in several passes and downloaded whole, past every function',
  { timeout: 180_000 },
  async (size, type) => {
    const story = await finished()
    const key = await keyOf(story)
    await app.deps.files.remove(key)
    const options = { accept: [type], maxBytes: size * mebi, isLate: () => true }
    const total = size * mebi
    const source = {
      open: async (start: number) => ({
        start: 0,
        total,
        body: Object.assign(large(size, beginnings[type]), { cancel: () => undefined, start }),
      }),
    }
    let passes = 1
    while (!(await app.deps.files.copy(key, source, { ...options, isLate: () => passes < 3 }))) passes += 1
    expect(passes).toBe(3)
    const answer = await get(story)
    expect([answer.status, await answer.text()]).toEqual([302, ''])
    const file = await fetch(answer.headers.get('location') ?? '')
    expect([file.headers.get('content-length'), file.headers.get('content-type')]).toEqual([String(total), type])
    if (!file.body) throw new Error('nothing came')
    expect(await sha256(file.body)).toBe(await sha256(large(size, beginnings[type])))
  },
)

test('the page of a shared picture lets a browser follow it to the bucket', async () => {
  const { id, token } = await finished()
  const made = await app.call(share, { path: '/api/share', body: { task_id: id }, token })
  const { search } = new URL(((await made.json()) as { url: string }).url)
  const page = await app.call(share, { path: `/api/share${search}` })
  const picture = await app.call(share, { path: `/api/share${search}&picture=after` })
  const { origin } = new URL(picture.headers.get('location') ?? '')
  const [, sources = ''] = /img-src ([^;]*)/.exec(page.headers.get('content-security-policy') ?? '') ?? []
  expect(sources.split(' ')).toContain(origin)
})
