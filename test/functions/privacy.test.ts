// Signing out, signing in with what a browser made before, deleting uploads, and sharing one picture: what each of them opens and closes.
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Session, Uploaded } from '../../core/answers.ts'
import { resultKey } from '../../core/task.ts'
import { deleteEndpoint } from '../../functions/delete.ts'
import { recover } from '../../functions/recover.ts'
import { session } from '../../functions/session.ts'
import { sessionEnd } from '../../functions/session-end.ts'
import { share } from '../../functions/share.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { tasks } from '../../functions/tasks.ts'
import { upload } from '../../functions/upload.ts'
import { inputOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, type Instance, useTestDeps } from '../setup/deps.ts'
import { insertTask } from '../setup/factory.ts'
import { useKeyServer } from '../setup/keys.ts'
import { chunksOf, png } from '../storage/setup.ts'

const app = await useTestDeps()

async function openSession(instance: Instance = app, headers: Record<string, string> = {}): Promise<Session> {
  const answer = await instance.call(session, { method: 'POST', path: '/api/session', headers })
  expect(answer.status).toBe(201)
  return (await answer.json()) as Session
}

const ask = (token: string, instance: Instance = app) => instance.call(tasks, { path: '/api/tasks', token })
const statusOf = async (answer: Promise<Response>) => (await answer).status

async function uploadPng(instance: Instance, token: string): Promise<string> {
  const answer = await instance.call(upload, { path: '/api/upload', body: new Uint8Array(png(100)), token })
  return ((await answer.json()) as Uploaded).url
}

test('signing out: every token of the session is refused from then on, in every instance', async () => {
  const first = await openSession()
  const extended = await openSession(app, { authorization: `Bearer ${first.token}` })
  const other = await openSession()
  const { id } = await insertTask(app.deps.db, { user_id: first.user_id, status: 'completed' })
  const elsewhere = app.openInstance()
  const look = (token: string) => elsewhere.call(status, { path: `/api/status?task_id=${id}`, token })
  expect(await statusOf(look(first.token))).toBe(200)
  const photo = await uploadPng(app, first.token)
  const begin = {
    path: '/api/start',
    headers: { 'idempotency-key': 'again' },
    body: { ...inputOf(1), person_image: photo },
  }
  expect(await statusOf(app.call(start, { ...begin, token: first.token }))).toBe(202)
  const ended = await app.call(sessionEnd, { method: 'POST', path: '/api/session/end', token: extended.token })
  expect([ended.status, ended.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')])
  expect(ended.headers.get('clear-site-data')).toBe('"cache"')
  for (const { token } of [first, extended]) {
    expect([await statusOf(look(token)), await statusOf(ask(token, elsewhere))]).toEqual([401, 401])
  }
  expect(await statusOf(ask(other.token, elsewhere))).toBe(200)
  // Nor is it told of what it has started, by the key of a start that is repeated.
  expect(await statusOf(app.call(start, { ...begin, token: first.token }))).toBe(401)
  // Nor does it live on by being extended: another person begins.
  const anew = await openSession(app, { authorization: `Bearer ${first.token}` })
  expect(anew.user_id).not.toBe(first.user_id)
})

test('a session that was ended by an early token stays ended for the one that extended it', async () => {
  // What an earlier test began may still sweep, by another clock.
  await app.settle()
  const clock = testClock()
  const instance = app.openInstance()
  instance.deps.now = clock.now
  const first = await openSession(instance)
  const day = 24 * 3_600
  clock.advance(10 * day)
  const extended = await openSession(instance, { authorization: `Bearer ${first.token}` })
  expect(extended.user_id).toBe(first.user_id)
  clock.advance(day)
  const ended = await instance.call(sessionEnd, { method: 'POST', path: '/api/session/end', token: first.token })
  expect(ended.status).toBe(204)
  // A day after the first token is over, and before the extended one is.
  clock.advance(20 * day)
  await instance.call(recover, { path: '/api/recover', token: cronSecret })
  expect(await statusOf(ask(extended.token, instance))).toBe(401)
  clock.advance(12 * day)
  await instance.call(recover, { path: '/api/recover', token: cronSecret })
  const { rows } = await sql`select from ended_sessions where until < ${clock.now()}`.execute(app.deps.db)
  expect(rows).toEqual([])
})

test('signing in takes along what this browser made, once, and its session is over', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const keys = await useKeyServer([{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }])
  const env = { AUTH_JWKS_URL: keys.url, AUTH_ISSUER: 'https://people.example/', AUTH_AUDIENCE: 'stepgate' }
  const instance = app.openInstance({ env })
  const claims = { iss: env.AUTH_ISSUER, aud: env.AUTH_AUDIENCE, sub: 'ada', exp: Math.floor(Date.now() / 1000) + 60 }
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey)
  const before = await openSession()
  const photo = await uploadPng(instance, before.token)
  const { id } = await insertTask(app.deps.db, { user_id: before.user_id, status: 'completed' })
  const cookie = { cookie: `stepgate_session=${before.token}` }
  const listed = async (headers = {}) => {
    const answer = await instance.call(tasks, { path: '/api/tasks', token, headers })
    return ((await answer.json()) as { tasks: { task_id: string }[] }).tasks.map(({ task_id }) => task_id)
  }
  expect(await listed()).toEqual([])
  expect(await listed(cookie)).toEqual([id])
  expect(await listed()).toEqual([id])
  expect(await statusOf(instance.call(upload, { path: photo, token }))).toBe(200)
  expect(await statusOf(ask(before.token))).toBe(401)
  // The cookie goes where sessions are asked for; the sign-in is the session then.
  const answer = await instance.call(session, { method: 'POST', path: '/api/session', token, headers: cookie })
  expect([answer.status, answer.headers.get('set-cookie')]).toEqual([201, expect.stringContaining('Max-Age=0')])
  expect(await answer.json()).toMatchObject({ user_id: 'auth:ada', token })
})

test('a session that was ended gives nothing to whoever signs in with its cookie', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const keys = await useKeyServer([{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }])
  const env = { AUTH_JWKS_URL: keys.url, AUTH_ISSUER: 'https://people.example/', AUTH_AUDIENCE: 'any' }
  const instance = app.openInstance({ env })
  const claims = { iss: env.AUTH_ISSUER, sub: 'eve', exp: Math.floor(Date.now() / 1000) + 60 }
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey)
  const before = await openSession()
  await insertTask(app.deps.db, { user_id: before.user_id, status: 'completed' })
  await app.call(sessionEnd, { method: 'POST', path: '/api/session/end', token: before.token })
  const headers = { cookie: `stepgate_session=${before.token}` }
  const answer = await instance.call(tasks, { path: '/api/tasks', token, headers })
  expect(await answer.json()).toMatchObject({ tasks: [] })
})

test('deleting an upload: its owner’s is gone, another user’s is not found', async () => {
  const [ada, eve] = [await openSession(), await openSession()]
  const url = await uploadPng(app, ada.token)
  const remove = (token: string) => app.call(deleteEndpoint, { path: '/api/delete', body: { upload: url }, token })
  expect(await statusOf(remove(eve.token))).toBe(404)
  const removed = await remove(ada.token)
  expect(await removed.json()).toMatchObject({ deleted: { tasks: 0, uploads: 1 }, erased: true })
  // A browser would go on showing what it has kept.
  expect(removed.headers.get('clear-site-data')).toBe('"cache"')
  expect(await statusOf(app.call(upload, { path: url, token: ada.token }))).toBe(404)
  expect(await statusOf(remove(ada.token))).toBe(404)
})

test('everything: the confirmation is this person’s alone, and ends every session of an anonymous one', async () => {
  const [ada, eve] = [await openSession(), await openSession()]
  const everything = async (token: string, body: object = {}) => {
    const answer = await app.call(deleteEndpoint, { path: '/api/delete', body: { everything: true, ...body }, token })
    return [answer.status, await answer.json()] as const
  }
  const [, confirmation] = await everything(ada.token)
  expect(await everything(eve.token, confirmation as object)).toMatchObject([409, { code: 'confirm_expired' }])
  const { id } = await insertTask(app.deps.db, { user_id: ada.user_id, status: 'completed' })
  expect(await everything(ada.token, confirmation as object)).toMatchObject([
    200,
    { deleted: { tasks: 1 }, erased: true },
  ])
  expect(await statusOf(ask(ada.token))).toBe(401)
  expect(await statusOf(ask(await app.signIn(ada.user_id)))).toBe(401)
  expect(await statusOf(app.call(status, { path: `/api/status?task_id=${id}`, token: eve.token }))).toBe(404)
})

test('a shared page shows one picture, not the input, until it is revoked or its task is deleted', async () => {
  const { token, user_id } = await openSession()
  const input = { person_image: 'file:inputs/x/1', garments: [] }
  const { id, steps } = await insertTask(app.deps.db, {
    user_id,
    status: 'completed',
    input,
    total_steps: 1,
    current_step: 1,
  })
  const options = { accept: ['image/png'], maxBytes: 1_000 }
  await app.deps.files.write(resultKey(id, 1, steps[0]?.prediction_id ?? ''), chunksOf(png(900)), options)
  await app.deps.files.write('inputs/x/1', chunksOf(png(800)), options)
  const make = async (more = {}) => {
    const answer = await app.call(share, { path: '/api/share', body: { task_id: id, ...more }, token })
    expect(answer.status).toBe(201)
    const { pathname, search } = new URL(((await answer.json()) as { url: string }).url)
    return pathname + search
  }
  const show = (path: string) => app.call(share, { path })
  const path = await make()
  expect(await make()).toBe(path)
  const page = await show(path)
  const html = await page.text()
  expect(html).toContain(`<meta property="og:image" content="http://stepgate.test${path}&amp;picture=after">`)
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
  expect([await statusOf(show(`${path}&picture=after`)), await statusOf(show(`${path}&picture=before`))]).toEqual([
    200, 404,
  ])
  const both = await make({ before: true })
  expect(await statusOf(show(`${both}&picture=before`))).toBe(200)
  const list = (asking: string) => app.call(share, { path: `/api/share?task_id=${id}`, token: asking })
  const of = { step: 1, attempt: 1, file: 1 }
  const { links } = (await (await list(token)).json()) as { links: { before: boolean }[] }
  expect(links.toSorted((a, b) => Number(a.before) - Number(b.before))).toEqual([
    { ...of, url: `http://stepgate.test${path}`, before: false },
    { ...of, url: `http://stepgate.test${both}`, before: true },
  ])
  const stranger = await app.call(share, { path: `/api/share?task_id=${id}` })
  const eve = await list((await openSession()).token)
  const unclear = await app.call(share, { path: `${path}&task_id=${id}`, token })
  expect([stranger.status, eve.status, unclear.status]).toEqual([401, 404, 400])
  await app.call(share, { path: '/api/share', body: { task_id: id, revoke: true }, token })
  expect([await statusOf(show(path)), await statusOf(show(both))]).toEqual([404, 404])
  const visit = (to: string, language: string) =>
    app.call(share, { path: to, headers: { accept: 'text/html,*/*;q=0.8', 'accept-language': language } })
  const [ended, cut] = [await visit(path, 'ru-RU'), await visit(path.slice(0, -3), 'en')]
  expect([ended.status, ended.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8'])
  expect(await ended.text()).toContain('Этой картинкой больше не делятся')
  expect([cut.status, await cut.text()]).toEqual([400, expect.stringContaining('was not copied whole')])
  expect((await visit(`${path}&picture=after`, 'en')).headers.get('content-type')).toBe('application/problem+json')
  expect(await (await list(token)).json()).toEqual({ links: [] })
  const again = await make()
  await app.call(deleteEndpoint, { path: '/api/delete', body: { task_id: id }, token })
  expect(await statusOf(show(again))).toBe(404)
})

test('a shared page shows the picture that a task began with, never another file of its input', async () => {
  const { token, user_id } = await openSession()
  const options = { accept: ['image/png', 'application/json'], maxBytes: 1_000 }
  await app.deps.files.write('inputs/y/1', chunksOf(png(800)), options)
  await app.deps.files.write('inputs/y/2', chunksOf(Buffer.from('{"weights": true}')), options)
  const cases = [
    ['portraits', { avatar: 'file:inputs/y/2', prompts: ['by the sea'] }],
    ['try-on', { person_image: 'https://images.test/me.png', garments: [{ image: 'file:inputs/y/1' }] }],
  ] as const
  for (const [recipe, input] of cases) {
    const done = { user_id, recipe, input, status: 'completed', total_steps: 1, current_step: 1 } as const
    const { id, steps } = await insertTask(app.deps.db, done)
    await app.deps.files.write(resultKey(id, 1, steps[0]?.prediction_id ?? ''), chunksOf(png(900)), options)
    const answer = await app.call(share, { path: '/api/share', body: { task_id: id, before: true }, token })
    expect([answer.status, await answer.json()], recipe).toMatchObject([400, { errors: [{ path: 'before' }] }])
  }
})
