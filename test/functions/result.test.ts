// GET /api/result: to the owner, or by a signed link that expires and opens one file only.
import { expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import { linkFor } from '../../engine/signed-urls.ts'
import { result } from '../../functions/result.ts'
import { begun, isOver, pingUntil, rowOf, type Story } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock, mounted: true })

async function finished(garments = 1): Promise<Story> {
  const story = await begun(app, { garments, auto_continue: true })
  await pingUntil(app, story, isOver, { clock })
  return story
}

const get = ({ id, token }: Story, query = '&step=1', headers: Record<string, string> = {}, method = 'GET') =>
  app.call(result, { method, path: `/api/result?task_id=${id}${query}`, token, headers })

/** A link as a provider gets it, to the stored result of step 1. */
async function signedLink(story: Story): Promise<URL> {
  const key = resultKey(story.id, 1, (await rowOf(app, story)).steps[0]?.prediction_id ?? '')
  return new URL(await linkFor(app.deps, `file:${key}`, 'marker-of-an-attempt'))
}

const open = (link: URL, headers: Record<string, string> = {}) =>
  app.call(result, { path: link.pathname + link.search, headers })

test('the owner gets the stored file with its type, and no browser takes it for a page', async () => {
  const answer = await get(await finished())
  expect(answer.status).toBe(200)
  const headers = Object.fromEntries(answer.headers)
  expect(headers).toMatchObject({
    'content-type': 'image/png',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  expect(headers['content-length']).toBe(String(bytes.length))
})

test('HEAD, If-None-Match and ranges are honoured', async () => {
  const story = await finished()
  const head = await get(story, '&step=1', {}, 'HEAD')
  expect([head.status, await head.text()]).toEqual([200, ''])
  const etag = head.headers.get('etag') ?? ''
  expect((await get(story, '&step=1', { 'if-none-match': etag })).status).toBe(304)
  const part = await get(story, '&step=1', { range: 'bytes=1-3' })
  expect([part.status, await part.text()]).toEqual([206, 'PNG'])
  const outside = await get(story, '&step=1', { range: 'bytes=100000-' })
  expect([outside.status, await outside.json()]).toMatchObject([416, { code: 'range_not_satisfiable' }])
})

test('a link that names its attempt may be kept for long; the newest must be asked for again', async () => {
  const story = await finished()
  expect((await get(story, '&step=1&attempt=1')).headers.get('cache-control')).toContain('immutable')
  expect((await get(story)).headers.get('cache-control')).toBe('private, no-cache')
})

test('an id in capitals is the same task', async () => {
  const { id, token } = await finished()
  expect((await get({ id: id.toUpperCase(), token })).status).toBe(200)
})

test('a download is named after recipe and step', async () => {
  const disposition = (await get(await finished(), '&step=1&download=1')).headers.get('content-disposition')
  expect(disposition).toMatch(/^attachment; filename="try-on-step-1\.png"/)
})

test('a signed link opens its file without a session, until it expires', async () => {
  const link = await signedLink(await finished())
  expect(link.origin).toMatch(/^http:\/\/127\.0\.0\.1:/)
  const answer = await fetch(link)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
  await answer.body?.cancel()
  clock.advance(24 * 3_600 - 5)
  expect((await open(link)).status).toBe(200)
  clock.advance(10)
  const late = await open(link)
  expect([late.status, await late.json()]).toMatchObject([403, { code: 'link_expired' }])
})

test('a signed link that was changed opens nothing', async () => {
  const story = await finished(2)
  const link = await signedLink(story)
  const second = resultKey(story.id, 2, (await rowOf(app, story)).steps[1]?.prediction_id ?? '')
  const changes: [string, string][] = [
    ['file', second],
    ['expires', String(Number(link.searchParams.get('expires')) + 1)],
    ['expires', '9'.repeat(15)],
    ['signature', 'A'.repeat(43)],
    ['signature', `${link.searchParams.get('signature')}A`],
  ]
  for (const [name, value] of changes) {
    const changed = new URL(link)
    changed.searchParams.set(name, value)
    const answer = await open(changed)
    expect([name, answer.status, await answer.json()]).toMatchObject([name, 401, { code: 'bad_signature' }])
  }
  const without = new URL(link)
  without.searchParams.delete('file')
  expect((await open(without)).status).toBe(400)
})

test('a signed link to a file that is gone is not found', async () => {
  const story = await finished()
  const link = await signedLink(story)
  await app.deps.files.remove(link.searchParams.get('file') ?? '')
  expect((await open(link)).status).toBe(404)
  expect((await get(story)).status).toBe(404)
})

test('the provider is handed such links, with the attempt’s marker, and can fetch them', async () => {
  await finished(2)
  const [, second] = app.simulator.replicate.till().predictions
  const link = new URL(String(second?.input['person_image']))
  expect(link.searchParams.get('marker')).toMatch(/^[0-9a-f-]{36}$/)
  expect((await fetch(link)).status).toBe(200)
})
