// Who may call from where: other sites' pages change nothing, allowed ones read answers, and every answer has the headers that
// security scanners ask for.
import { expect, test } from 'vitest'
import { health } from '../../functions/health.ts'
import { result } from '../../functions/result.ts'
import { session } from '../../functions/session.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { upload } from '../../functions/upload.ts'
import { useTestDeps } from '../setup/deps.ts'
import { endpoints } from '../setup/mount.ts'

const allowed = 'https://shop.example'
const app = await useTestDeps({
  env: { ALLOWED_ORIGINS: `${allowed}, http://localhost:3000`, PUBLIC_URL: 'https://stepgate.example' },
})
const path = '/api/start'
const body = { person_image: 'https://images.test/ada.jpg', garments: ['https://images.test/shirt.png'] }

async function cookieOf(user: string): Promise<string> {
  return `__Host-stepgate_session=${await app.signIn(user)}`
}

type Headers = Record<string, string>
const own = 'http://stepgate.test'

test.each<[string, Headers]>([
  ['another site, as the browser says', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['another site of the same domain', { origin: 'https://other.stepgate.test', 'sec-fetch-site': 'same-site' }],
  ['another site, by its origin alone', { origin: 'https://evil.example' }],
  ['another port of the same host', { origin: 'http://stepgate.test:81' }],
  ['a frame that hides its origin', { origin: 'null' }],
  ['a hidden origin, as the browser says', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['no origin, but the browser says that it is another', { 'sec-fetch-site': 'cross-site' }],
  ['an origin that is none', { origin: 'evil' }],
  ['an origin that begins like an allowed one', { origin: `${allowed}.evil.example` }],
  ['our own origin, which the browser denies', { origin: own, 'sec-fetch-site': 'cross-site' }],
])('a cookie opens nothing to %s', async (_name, headers) => {
  const answer = await app.call(start, { path, body, headers: { ...headers, cookie: await cookieOf('ada') } })
  expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'origin_not_allowed' }])
  const opened = await app.call(session, { method: 'POST', path: '/api/session', headers })
  expect([opened.status, opened.headers.get('set-cookie')]).toEqual([403, null])
  const image = new Uint8Array(9)
  const stored = await app.call(upload, { path: '/api/upload', body: image, headers: { ...headers, cookie: 'x=y' } })
  expect(stored.status).toBe(403)
})

test.each<[string, Headers]>([
  ['our own page', { origin: own, 'sec-fetch-site': 'same-origin' }],
  ['our own page, where no browser says so', { origin: own }],
  ['our own page behind a proxy that ends TLS', { origin: 'https://stepgate.test' }],
  ['our own page at its public address', { origin: 'https://stepgate.example' }],
  ['the person herself', { 'sec-fetch-site': 'none' }],
  ['a program without a page', {}],
  ['an allowed site', { origin: allowed, 'sec-fetch-site': 'cross-site' }],
])('a cookie is taken from %s', async (_name, headers) => {
  const answer = await app.call(start, { path, body, headers: { ...headers, cookie: await cookieOf('ada') } })
  expect(answer.status).toBe(202)
  await app.settle()
})

test('a bearer token is taken from anywhere: no browser sends one by itself', async () => {
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
  const answer = await app.call(start, { path, body, headers, token: await app.signIn('ada') })
  expect(answer.status).toBe(202)
  expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  await app.settle()
})

test('reading is left to the browser’s own rules', async () => {
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', cookie: await cookieOf('ada') }
  const address = '/api/status?task_id=019b76da-a800-7000-8000-000000000000'
  const answer = await app.call(status, { path: address, headers })
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([404, null])
})

const preflight = (origin: string): Headers => ({ origin, 'access-control-request-method': 'POST' })
const corsOf = (answer: Response) =>
  Object.fromEntries([...answer.headers].filter(([name]) => name === 'vary' || name.startsWith('access-control-')))

test('a browser that asks for an allowed site gets leave; credentials are no part of it', async () => {
  for (const endpoint of Object.keys(endpoints).filter((name) => name !== 'tick')) {
    const method = 'OPTIONS'
    const answer = await app.call(endpoints[endpoint] ?? health, {
      method,
      path: `/api/${endpoint}`,
      headers: preflight(allowed),
    })
    expect([answer.status, await answer.text()]).toEqual([204, ''])
    expect(corsOf(answer)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': allowed,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': expect.stringContaining('authorization'),
      'access-control-expose-headers': expect.stringContaining('etag'),
      'access-control-max-age': '7200',
    })
  }
})

test('for any other site, and where nobody asked for leave, OPTIONS stays refused', async () => {
  for (const headers of [preflight('https://evil.example'), preflight('null'), { origin: allowed }, {}]) {
    const answer = await app.call(start, { method: 'OPTIONS', path, headers })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
    expect(answer.headers.get('access-control-allow-methods')).toBeNull()
  }
})

test('an allowed site reads answers, refusals, files and 304s; any other reads nothing', async () => {
  const token = await app.signIn('ada')
  const calls = [
    await app.call(health, { path: '/api/health', headers: { origin: allowed } }),
    await app.call(start, { path, body: {}, token, headers: { origin: allowed } }),
    await app.call(result, { path: '/api/result', token, headers: { origin: allowed } }),
  ]
  for (const answer of calls) {
    expect(answer.headers.get('access-control-allow-origin')).toBe(allowed)
    expect(answer.headers.get('vary')).toBe('Origin')
  }
  for (const headers of [{ origin: 'https://evil.example' }, {}] as Headers[]) {
    const other = await app.call(health, { path: '/api/health', headers })
    expect(corsOf(other)).toEqual({ vary: 'Origin' })
  }
})

test('without ALLOWED_ORIGINS no other site is spoken to', async () => {
  const closed = await app.openInstance({ env: { ALLOWED_ORIGINS: undefined } })
  const answer = await closed.call(health, { path: '/api/health', headers: { origin: allowed } })
  expect(corsOf(answer)).toEqual({})
  const asked = await closed.call(health, { method: 'OPTIONS', path: '/api/health', headers: preflight(allowed) })
  expect(asked.status).toBe(405)
})

test('every answer has the headers that keep it from being taken for a page, framed or embedded', async () => {
  const answers = [
    await app.call(health, { path: '/api/health' }),
    await app.call(start, { path, body: {} }),
    await app.call(health, { method: 'OPTIONS', path: '/api/health', headers: preflight(allowed) }),
  ]
  for (const answer of answers) {
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringMatching(/^max-age=\d{8}/),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
  }
})
