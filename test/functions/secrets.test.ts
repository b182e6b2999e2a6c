// What secrets sign and what strangers learn: cookies, rotation, what was signed before keys were derived, and health.
import { SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { health } from '../../functions/health.ts'
import { session } from '../../functions/session.ts'
import { tasks } from '../../functions/tasks.ts'
import { begun } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { sessionSecret, useTestDeps } from '../setup/deps.ts'
import { insertTask } from '../setup/factory.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const counter = statementCounter(app.database.url)
const proxied = app.openInstance({ env: { PUBLIC_URL: 'https://app.example' } })
const list = { path: '/api/tasks' }

test('behind a TLS proxy the session cookie is this host’s alone, and one that a sibling domain can set is not read', async () => {
  const answer = await proxied.call(session, { method: 'POST', path: '/api/session' })
  const cookie = answer.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(/^__Host-stepgate_session=.*; Path=\/; .*Secure/)
  expect(cookie).not.toMatch(/domain/i)
  const [pair = ''] = cookie.split(';')
  expect((await proxied.call(tasks, { ...list, headers: { cookie: pair } })).status).toBe(200)
  expect((await proxied.call(tasks, { ...list, headers: { cookie: pair.replace('__Host-', '') } })).status).toBe(401)
})

test('a second secret is accepted beside the first, which signs', async () => {
  const other = 'another secret of at least 32 chars'.replaceAll(' ', '-')
  const token = await app.signIn('ada')
  const rotated = app.openInstance({ env: { SESSION_SECRET: `${other} ${sessionSecret}` } })
  expect((await rotated.call(tasks, { ...list, token })).status).toBe(200)
  const fresh = await rotated.signIn('ada')
  expect((await app.call(tasks, { ...list, token: fresh })).status).toBe(401)
  expect(
    (await app.openInstance({ env: { SESSION_SECRET: other } }).call(tasks, { ...list, token: fresh })).status,
  ).toBe(200)
})

test('a session that was signed with the secret itself, before keys were derived, lives on', async () => {
  const at = Math.floor(clock.now().getTime() / 1000)
  const claims = new SignJWT()
    .setIssuer('stepgate')
    .setSubject('ada')
    .setExpirationTime(at + 60)
  const token = await claims.setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(sessionSecret))
  expect((await app.call(tasks, { ...list, token })).status).toBe(200)
})

test('what is missing is named in the log, not to strangers', async () => {
  const bare = app.openInstance({ env: { SESSION_SECRET: undefined } })
  const answer = await bare.call(session, { method: 'POST', path: '/api/session' })
  expect(answer.status).toBe(503)
  expect(await answer.text()).not.toMatch(/SESSION_SECRET/)
  expect(JSON.stringify(app.logged)).toMatch(/SESSION_SECRET is not set/)
})

test('strangers’ looks at health ask the database once a minute while there is work, and once an hour otherwise', async () => {
  const one = app.openInstance()
  const look = async () => expect((await one.call(health, { path: '/api/health' })).status).toBe(200)
  const asked = async (times: number) => {
    await counter.reset()
    for (let count = 0; count < times; count += 1) await look()
    return counter.count()
  }
  const askedAtOnce = async (times: number) => {
    await counter.reset()
    await Promise.all(Array.from({ length: times }, look))
    return counter.count()
  }
  const mark = await one.deps.wake.look()
  if (mark) await one.deps.wake.lower(mark)
  expect(await askedAtOnce(20)).toBe(1)
  expect(await asked(3)).toBe(0)
  clock.advance(120)
  expect(await asked(3)).toBe(0)
  await begun(app)
  expect(await asked(3)).toBe(1)
  clock.advance(61)
  expect(await askedAtOnce(20)).toBe(1)
})

test('an identity provider’s rows are told from anonymous ones by their prefix', async () => {
  await insertTask(app.deps.db, { user_id: `auth:${'x'.repeat(255)}` })
})
