// POST /api/start and POST /api/session: what is accepted, what is answered, and what is stored of it.
import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { recover } from '../../functions/recover.ts'
import { session } from '../../functions/session.ts'
import { start } from '../../functions/start.ts'
import { upload } from '../../functions/upload.ts'
import { begun, costs, inputOf, ping, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { sessionSecret, useTestDeps } from '../setup/deps.ts'
import { insertTask, states } from '../setup/factory.ts'
import { png } from '../storage/setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

const startOf = (token: string, body: unknown, headers: Record<string, string> = {}) =>
  app.call(start, { path: '/api/start', body, token, headers })

test('start answers 202 with the task, where to ask for it and how long it may take', async () => {
  const answer = await startOf(await app.signIn('ada'), inputOf(3))
  expect(answer.status).toBe(202)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const body = (await answer.json()) as { task_id: string }
  expect(body).toEqual({
    task_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/),
    ...{ status: 'pending', current_step: 0, total_steps: 3, estimated_time_seconds: 60 },
    status_url: `/api/status?task_id=${body.task_id}`,
  })
  await app.settle()
  expect(await rowOf(app, { id: body.task_id })).toMatchObject({ user_id: 'ada', recipe: 'try-on', phase: 'running' })
})

test('the same Idempotency-Key and body answer 200 with the same task, also when it has moved on', async () => {
  const token = await app.signIn('ada')
  const first = await startOf(token, inputOf(), { 'idempotency-key': 'once' })
  await app.settle()
  const again = await startOf(token, inputOf(), { 'idempotency-key': 'once' })
  await app.settle()
  expect([first.status, again.status]).toEqual([202, 200])
  expect(await again.json()).toMatchObject({ task_id: ((await first.json()) as { task_id: string }).task_id })
  expect(costs(app).sent).toBe(1)
})

test('the same key with the fields in another order is the same request; of another user it is another task', async () => {
  const headers = { 'idempotency-key': 'once' }
  const { person_image, garments } = inputOf()
  const answers = [
    await startOf(await app.signIn('ada'), { person_image, garments }, headers),
    await startOf(await app.signIn('ada'), { garments, person_image, auto_continue: false }, headers),
    await startOf(await app.signIn('eve'), { person_image, garments }, headers),
  ]
  await app.settle()
  expect(answers.map(({ status }) => status)).toEqual([202, 200, 202])
})

test('images inside the request are stored as files, and the row keeps only links', async () => {
  const image = `data:image/png;base64,${png(5_000).toString('base64')}`
  const answer = await startOf(await app.signIn('ada'), { person_image: image, garments: [image, { image }] })
  await app.settle()
  const row = await rowOf(app, { id: ((await answer.json()) as { task_id: string }).task_id })
  expect(JSON.stringify(row.input).length).toBeLessThan(1_000)
  const { blobs } = await app.blobs.openStore('files').list({ prefix: `inputs/${row.id}/` })
  expect(blobs).toHaveLength(3)
})

test('a repeated start with images inside leaves no files of its own', async () => {
  const image = `data:image/png;base64,${png(700).toString('base64')}`
  const token = await app.signIn('ada')
  const files = async () => (await app.blobs.openStore('files').list({ prefix: 'inputs/' })).blobs.length
  const before = await files()
  for (let times = 0; times < 3; times += 1)
    await startOf(token, { ...inputOf(), person_image: image }, { 'idempotency-key': 'once' })
  await app.settle()
  expect(await files()).toBe(before + 1)
})

test('a repeated start whose upload was deleted meanwhile answers the task; of another request, or without one, it is refused', async () => {
  const token = await app.signIn('ada')
  const kept = await app.call(upload, { path: '/api/upload', body: png(200), token })
  const { url } = (await kept.json()) as { url: string }
  const body = { ...inputOf(), person_image: url }
  const first = await startOf(token, body, { 'idempotency-key': 'once' })
  await app.settle()
  clock.advance(2 * 24 * 3_600)
  await ping(app, recover)
  const again = await startOf(token, body, { 'idempotency-key': 'once' })
  expect([first.status, again.status]).toEqual([202, 200])
  expect(await again.json()).toMatchObject({ task_id: ((await first.json()) as { task_id: string }).task_id })
  const other = await startOf(token, { ...body, auto_continue: true }, { 'idempotency-key': 'once' })
  expect([other.status, await other.json()]).toEqual([422, expect.objectContaining({ code: 'idempotency_mismatch' })])
  for (const headers of [{}, { 'idempotency-key': 'another' }]) {
    const refused = await startOf(token, body, headers)
    expect(await refused.json()).toMatchObject({ code: 'invalid_request', errors: [{ path: 'person_image' }] })
  }
  await app.settle()
  expect(costs(app).sent).toBe(1)
})

test('a task is one user’s: the token says whose', async () => {
  await begun(app, { user: 'ada' })
  await begun(app, { user: 'eve' })
  const { rows } = await sql<{ user_id: string }>`select user_id from tasks order by user_id`.execute(app.deps.db)
  expect(rows).toEqual([{ user_id: 'ada' }, { user_id: 'eve' }])
})

test('a database that cannot be reached answers 503 with Retry-After, and nothing of why', async () => {
  const lost = app.openInstance({ env: { DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:9/none' } })
  const answer = await lost.call(start, { path: '/api/start', body: inputOf(), token: await app.signIn('ada') })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  const problem = await answer.text()
  expect(JSON.parse(problem)).toMatchObject({ code: 'unavailable' })
  expect(problem + JSON.stringify(app.logged)).not.toMatch(/hunter2/)
})

test('session makes a user, with a token for 30 days and the same as a cookie no script can read', async () => {
  const answer = await app.call(session, { method: 'POST', path: '/api/session' })
  expect(answer.status).toBe(201)
  const opened = (await answer.json()) as { user_id: string; token: string; expires_at: string }
  expect(decodeJwt(opened.token)).toMatchObject({ sub: opened.user_id, iss: 'stepgate' })
  expect(Date.parse(opened.expires_at)).toBe(clock.now().getTime() + 30 * 24 * 3_600_000)
  const cookie = answer.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(new RegExp(`^stepgate_session=${opened.token}; `))
  for (const flag of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Max-Age=2592000']) expect(cookie).toContain(flag)
  expect(cookie).not.toContain('Secure')
  const secure = await app.call(session, { method: 'POST', path: 'https://stepgate.test/api/session' })
  expect(secure.headers.get('set-cookie')).toContain('Secure')
})

test('session with a valid token or cookie extends the same user; with a bad or expired one it makes another', async () => {
  const first = await app.call(session, { method: 'POST', path: '/api/session' })
  const { user_id, token } = (await first.json()) as { user_id: string; token: string }
  const headers = { cookie: `other=1; stepgate_session=${token}` }
  const ask = async (call: object) =>
    (await (await app.call(session, { method: 'POST', path: '/api/session', ...call })).json()) as typeof opened
  const opened = { user_id, token, expires_at: '' }
  clock.advance(29 * 24 * 3_600)
  const extended = await ask({ headers })
  expect(extended.user_id).toBe(user_id)
  expect(Date.parse(extended.expires_at)).toBe(clock.now().getTime() + 30 * 24 * 3_600_000)
  expect((await ask({ token })).user_id).toBe(user_id)
  expect((await ask({ token: `${token}x` })).user_id).not.toBe(user_id)
  clock.advance(2 * 24 * 3_600)
  expect((await ask({ headers })).user_id).not.toBe(user_id)
})

test('the cookie is as good as the token', async () => {
  const opened = await app.call(session, { method: 'POST', path: '/api/session' })
  const { token } = (await opened.json()) as { token: string }
  const headers = { cookie: `stepgate_session=${token}` }
  const answer = await app.call(start, { path: '/api/start', body: inputOf(), headers })
  expect(answer.status).toBe(202)
  await app.settle()
})

test('sessions that are switched off are not found', async () => {
  const closed = app.openInstance({ env: { ANONYMOUS_SESSIONS: 'off' } })
  expect((await closed.call(session, { method: 'POST', path: '/api/session' })).status).toBe(404)
})

test('no log line carries a secret, a token or a signed link', async () => {
  await begun(app, { garments: 2 })
  const text = JSON.stringify(app.logged)
  for (const secret of [sessionSecret, 'r8_', 'whsec_', 'Bearer', 'signature=', 'mac='])
    expect(text).not.toContain(secret)
})

test('who has as much stored as they may starts nothing new; a repeated start, and anybody else, is answered', async () => {
  const one = 1 / 1_000
  const full = app.openInstance({ config: { STORED_MB_PER_USER: 3 * one } })
  const [ada, eve] = [await app.signIn('ada'), await app.signIn('eve')]
  const again = { 'idempotency-key': 'before' }
  const startThere = (token: string, headers: Record<string, string> = {}) =>
    full.call(start, { path: '/api/start', body: inputOf(), token, headers })
  expect((await startThere(ada, again)).status).toBe(202)
  await app.settle()
  // Three steps are stored, a kilobyte each.
  await insertTask(app.deps.db, { ...states.completed, user_id: 'ada' })
  const refused = await startThere(ada)
  expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'storage_exceeded' }])
  expect((await startThere(ada, again)).status).toBe(200)
  expect((await startThere(eve)).status).toBe(202)
  await app.settle()
})
