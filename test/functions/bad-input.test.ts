// Every malformed request is refused with a code and the field, and changes nothing: not a row, not a file, not a request to
// the provider. bad-input-cases.ts is the table.

import { SignJWT, UnsecuredJWT } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import type { Instance } from '../setup/deps.ts'
import { openTestDeps, sessionSecret } from '../setup/deps.ts'
import { insertTask, type Row } from '../setup/factory.ts'
import { endpoints } from '../setup/mount.ts'
import { chunksOf, png } from '../storage/setup.ts'
import { type Case, cases, type Known } from './bad-input-cases.ts'

const app = await openTestDeps({ env: { ALLOW_PRIVATE_IMAGES: '0' } })
const known: Known = { own: '', foreign: '' }
let token = ''

async function waitingTask(user_id: string, more: Partial<Row> = {}): Promise<string> {
  const { id, steps } = await insertTask(app.deps.db, { user_id, status: 'waiting_continue', ...more })
  const key = resultKey(id, 1, steps[0]?.prediction_id ?? '')
  await app.deps.files.write(key, chunksOf(png(100)), { accept: ['image/png'], maxBytes: 1_000 })
  return id
}

beforeAll(async () => {
  token = await app.signIn('ada')
  known.own = await waitingTask('ada', { idempotency_key: 'used', request_hash: 'of another request' })
  known.foreign = await waitingTask('eve')
})
afterAll(() => app.close())

/** All there is. */
async function everything() {
  const { rows } = await sql<{ row: string }>`select t::text as row from tasks t order by id`.execute(app.deps.db)
  const { blobs } = await app.blobs.openStore('files').list()
  return { rows, files: blobs.map(({ key, etag }) => `${key} ${etag}`).sort(), till: app.simulator.replicate.till() }
}

async function expectRefusal(instance: Instance, one: Case, bearer: string | undefined): Promise<void> {
  const endpoint = endpoints[one.endpoint]
  if (!endpoint) throw new Error(`no endpoint ${one.endpoint}`)
  const before = await everything()
  const call = typeof one.call === 'function' ? one.call(known) : one.call
  const answer = await instance.call(endpoint, { token: bearer, ...call })
  await instance.settle()
  const text = await answer.text()
  expect(answer.status, text).toBe(one.status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  for (const [name, value] of Object.entries(one.headers ?? {})) expect(answer.headers.get(name)).toBe(value)
  const problem: { detail: string; errors?: { path: string }[] } = JSON.parse(text)
  expect(problem).toMatchObject({ status: one.status, code: one.code, type: expect.stringContaining(one.code) })
  if (one.code === 'invalid_request') expect(problem.errors?.map((error) => error.path)).toContain(one.path)
  expect(text.length).toBeLessThan(10_000)
  expect(problem.errors?.length ?? 0).toBeLessThanOrEqual(20)
  if (one.says) expect(problem.detail).toMatch(one.says)
  expect(await everything()).toEqual(before)
}

test.each(cases.map((one) => [one.name, one] as const))('%s', (_name, one) => expectRefusal(app, one, token))

const forUsers = ['start', 'status', 'continue', 'redo', 'cancel', 'tasks', 'result']
const method = (endpoint: string) => (['status', 'tasks', 'result'].includes(endpoint) ? 'GET' : 'POST')
const year = 365 * 24 * 3_600
const now = () => Math.floor(Date.now() / 1000)
const claims = () =>
  new SignJWT()
    .setIssuer('stepgate')
    .setSubject('ada')
    .setExpirationTime(now() + year)
const key = Buffer.from(sessionSecret)

/** Tokens that aren't one of ours, though some nearly are. */
const forged: Record<string, () => Promise<string | undefined> | string | undefined> = {
  'no token': () => undefined,
  'a word as token': () => 'letmein',
  'a token without signature (alg none)': () =>
    new UnsecuredJWT()
      .setIssuer('stepgate')
      .setSubject('ada')
      .setExpirationTime(now() + year)
      .encode(),
  'a token signed with another key': () =>
    claims().setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from('another secret of at least 32 bytes')),
  'a token signed with another algorithm': () => claims().setProtectedHeader({ alg: 'HS512' }).sign(key),
  "another issuer's token": () => claims().setIssuer('elsewhere').setProtectedHeader({ alg: 'HS256' }).sign(key),
  'a token that never expires': () =>
    new SignJWT().setIssuer('stepgate').setSubject('ada').setProtectedHeader({ alg: 'HS256' }).sign(key),
  "a token of nobody's": () =>
    new SignJWT()
      .setIssuer('stepgate')
      .setExpirationTime(now() + year)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(key),
}

const byToken = forUsers.flatMap((endpoint) => Object.keys(forged).map((name) => [endpoint, name] as const))

test.each(byToken)('%s: %s', async (endpoint, name) => {
  const call = { method: method(endpoint), path: `/api/${endpoint}?task_id=${known.own}&step=1` }
  const headers = { 'www-authenticate': 'Bearer' }
  const bearer = await forged[name]?.()
  await expectRefusal(app, { name, endpoint, call, status: 401, code: 'unauthenticated', headers }, bearer)
})

test.each(forUsers)('%s: an expired token', async (endpoint) => {
  const call = { method: method(endpoint), path: `/api/${endpoint}?task_id=${known.own}&step=1` }
  const expired = await claims()
    .setExpirationTime(now() - 60)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(key)
  await expectRefusal(app, { name: '', endpoint, call, status: 401, code: 'token_expired' }, expired)
})

test.each(['worker', 'checker', 'recover'])('%s: no secret, a wrong one, and a user’s token', async (endpoint) => {
  const one: Case = { name: '', endpoint, call: { path: `/api/${endpoint}` }, status: 401, code: 'unauthenticated' }
  for (const bearer of [undefined, 'wrong-secret-of-a-test', token]) await expectRefusal(app, one, bearer)
  await expectRefusal(app, { ...one, call: { path: `/api/${endpoint}?key=wrong` } }, undefined)
})

test('without a secret or a key, what needs it answers 503 and does nothing', async () => {
  const bare = app.openInstance({
    env: { CRON_SECRET: undefined, SESSION_SECRET: undefined, REPLICATE_API_TOKEN: undefined },
  })
  const missing = { name: '', status: 503, code: 'not_configured' }
  for (const endpoint of ['worker', 'checker', 'recover']) {
    await expectRefusal(bare, { ...missing, endpoint, call: { path: '/', headers: {} } }, '')
  }
  await expectRefusal(bare, { ...missing, endpoint: 'session', call: { method: 'POST', path: '/' } }, token)
  const body = { person_image: 'https://images.test/ada.jpg', garments: ['https://images.test/shirt.png'] }
  await expectRefusal(bare, { ...missing, endpoint: 'start', call: { path: '/api/start', body } }, token)
  const keyless = app.openInstance({ env: { REPLICATE_API_TOKEN: undefined } })
  await expectRefusal(keyless, { ...missing, endpoint: 'start', call: { path: '/api/start', body } }, token)
})

test('a host that is not on the list is refused, and its neighbour in name too', async () => {
  const strict = app.openInstance({ env: { ALLOW_PRIVATE_IMAGES: '0', IMAGE_HOSTS: 'images.test' } })
  for (const host of ['elsewhere.test', 'myimages.test', 'images.test.evil.test']) {
    const body = { person_image: `https://${host}/ada.jpg`, garments: ['https://images.test/shirt.png'] }
    const call = { path: '/api/start', body }
    const one: Case = { name: '', endpoint: 'start', call, status: 400, code: 'invalid_request', path: 'person_image' }
    await expectRefusal(strict, one, token)
  }
})
