// Users of an identity provider, beside anonymous sessions or instead of them: real tokens, and real keys on a real server.
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, expect, test, vi } from 'vitest'
import { session } from '../../functions/session.ts'
import { tasks } from '../../functions/tasks.ts'
import { parseConfig } from '../../providers/config.ts'
import { type Instance, sessionSecret, useTestDeps } from '../setup/deps.ts'
import { insertTask } from '../setup/factory.ts'
import { type KeyServer, useKeyServer } from '../setup/keys.ts'

const app = await useTestDeps()
const issuer = 'https://people.example/'
const audience = 'stepgate'
const algorithms = ['RS256', 'ES256', 'EdDSA'] as const
const pairs = new Map(
  await Promise.all(
    algorithms.map(async (alg) => [alg as string, await generateKeyPair(alg, { extractable: true })] as const),
  ),
)
afterEach(() => {
  vi.useRealTimers()
})

function pairOf(alg: string) {
  const pair = pairs.get(alg)
  if (!pair) throw new Error(`no key for ${alg}`)
  return pair
}

const jwkOf = async (alg: string, kid: string) => ({
  ...(await exportJWK(pairOf(alg).publicKey)),
  ...{ kid, alg, use: 'sig' },
})

const seconds = () => Math.floor(Date.now() / 1000)

interface Forging {
  key?: CryptoKey | Uint8Array
  alg?: string
  kid?: string
}

/** A good token, unless told otherwise. */
function tokenOf(claims: JWTPayload = {}, { key, alg = 'RS256', kid = 'one' }: Forging = {}): Promise<string> {
  const good = { iss: issuer, aud: audience, sub: 'auth0|ada', iat: seconds(), exp: seconds() + 60 }
  return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg, kid }).sign(key ?? pairOf(alg).privateKey)
}

const without = (claim: string) => ({ [claim]: undefined })

interface Stage {
  keys: KeyServer
  instance: Instance
}

/** A deployment with an identity provider of its own, so that no keys are remembered from the test before. */
async function openStage(env: Record<string, string> = {}): Promise<Stage> {
  const keys = await useKeyServer([await jwkOf('RS256', 'one'), await jwkOf('ES256', 'two')])
  const provided = { AUTH_JWKS_URL: keys.url, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience }
  return { keys, instance: app.openInstance({ env: { ...provided, ...env } }) }
}

const ask = (instance: Instance, token: string | undefined) => instance.call(tasks, { path: '/api/tasks', token })

async function expectRefusal(answer: Response, status: number, code: string): Promise<void> {
  expect([answer.status, await answer.json()]).toMatchObject([status, { code }])
}

test('a token’s subject is the user, who sees the own tasks and nobody else’s', async () => {
  const { instance } = await openStage()
  const own = await insertTask(app.deps.db, { user_id: 'auth:auth0|ada' })
  await insertTask(app.deps.db, { user_id: 'auth0|ada' })
  const answer = await ask(instance, await tokenOf())
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ tasks: [{ task_id: own.id }] })
})

test.each(algorithms)('%s keys are taken', async (alg) => {
  const { keys, instance } = await openStage()
  keys.publish([await jwkOf(alg, 'key')])
  expect((await ask(instance, await tokenOf({}, { alg, kid: 'key' }))).status).toBe(200)
})

test('one audience of several is enough, and with AUTH_AUDIENCE=any none is asked for', async () => {
  const { instance } = await openStage()
  expect((await ask(instance, await tokenOf({ aud: ['other', audience] }))).status).toBe(200)
  const { instance: open } = await openStage({ AUTH_AUDIENCE: 'any' })
  expect((await ask(open, await tokenOf(without('aud')))).status).toBe(200)
})

test('a token that has expired says so', async () => {
  const { instance } = await openStage()
  await expectRefusal(await ask(instance, await tokenOf({ exp: seconds() - 60 })), 401, 'token_expired')
})

const publicKey = async () => Buffer.from(await exportSPKI(pairOf('RS256').publicKey))
const thumb = async () => Buffer.from(JSON.stringify(await jwkOf('RS256', 'one')))
const stranger = await generateKeyPair('RS256')

test.each<[string, () => Promise<string> | string]>([
  ['another issuer', () => tokenOf({ iss: 'https://elsewhere.example/' })],
  ['no issuer', () => tokenOf(without('iss'))],
  ['our own issuer', () => tokenOf({ iss: 'stepgate' })],
  ['another audience', () => tokenOf({ aud: 'another app' })],
  ['no audience', () => tokenOf(without('aud'))],
  ['no subject', () => tokenOf(without('sub'))],
  ['an empty subject', () => tokenOf({ sub: '' })],
  ['a subject with a NUL', () => tokenOf({ sub: 'ada\0' })],
  ['a subject of 256 characters', () => tokenOf({ sub: 'x'.repeat(256) })],
  ['no end', () => tokenOf(without('exp'))],
  ['a beginning in the future', () => tokenOf({ nbf: seconds() + 60 })],
  ['a key of somebody else’s', () => tokenOf({}, { key: stranger.privateKey })],
  ['a key that is not published', () => tokenOf({}, { kid: 'three' })],
  ['another key than it names', () => tokenOf({}, { kid: 'two' })],
  ['the published key as a secret (HS256)', async () => tokenOf({}, { alg: 'HS256', key: await publicKey() })],
  ['the published key’s record as a secret', async () => tokenOf({}, { alg: 'HS256', key: await thumb() })],
  [
    'the published key as a secret, and our issuer',
    async () => tokenOf({ iss: 'stepgate' }, { alg: 'HS256', key: await publicKey() }),
  ],
  ['our secret, which is not the provider’s', () => tokenOf({}, { alg: 'HS256', key: Buffer.from(sessionSecret) })],
  [
    'our secret by another algorithm',
    () => tokenOf({ iss: 'stepgate' }, { alg: 'HS512', key: Buffer.from(sessionSecret) }),
  ],
  [
    'no signature (alg none)',
    () => new UnsecuredJWT({ iss: issuer, aud: audience, sub: 'auth0|ada', exp: seconds() + 60 }).encode(),
  ],
  ['a changed payload', async () => (await tokenOf()).replace(/\.(.)/, (_, first) => `.${first === 'e' ? 'f' : 'e'}`)],
  ['no signature at all', async () => (await tokenOf()).replace(/[^.]*$/, '')],
])('a token with %s is nobody’s', async (_name, forged) => {
  const { instance } = await openStage()
  await expectRefusal(await ask(instance, await forged()), 401, 'unauthenticated')
})

test('a token’s own word on where its key is, or what it is, is not listened to', async () => {
  const { instance, keys } = await openStage()
  const evil = await useKeyServer([{ ...(await exportJWK(stranger.publicKey)), kid: 'one', alg: 'RS256' }])
  for (const header of [{ jku: evil.url }, { jwk: await exportJWK(stranger.publicKey) }]) {
    const token = await new SignJWT({ iss: issuer, aud: audience, sub: 'ada', exp: seconds() + 60 })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
      .sign(stranger.privateKey)
    await expectRefusal(await ask(instance, token), 401, 'unauthenticated')
  }
  expect([evil.asked(), keys.asked()]).toEqual([0, 1])
})

test('keys are asked for once, and again when they have changed', async () => {
  const { keys, instance } = await openStage()
  for (let count = 0; count < 3; count += 1) expect((await ask(instance, await tokenOf())).status).toBe(200)
  expect(keys.asked()).toBe(1)
  keys.publish([await jwkOf('ES256', 'new')])
  const rotated = () => tokenOf({}, { alg: 'ES256', kid: 'new' })
  // Unknown names can't make us ask without end.
  await expectRefusal(await ask(instance, await rotated()), 401, 'unauthenticated')
  expect(keys.asked()).toBe(1)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 })
  expect((await ask(instance, await rotated())).status).toBe(200)
  expect(keys.asked()).toBe(2)
  await expectRefusal(await ask(instance, await tokenOf()), 401, 'unauthenticated')
})

test('where the keys cannot be had, that is no fault of the user’s', async () => {
  const { keys, instance } = await openStage()
  keys.publish([], 500)
  const broken = await ask(instance, await tokenOf())
  expect(broken.headers.get('retry-after')).toBe('5')
  await expectRefusal(broken, 503, 'unavailable')
  await keys.close()
  await expectRefusal(await ask(instance, await tokenOf()), 503, 'unavailable')
  expect(app.logged.map(({ msg }) => msg)).toContain('the identity provider’s keys could not be fetched')
  expect(JSON.stringify(app.logged)).not.toContain('eyJ')
})

test('anonymous sessions go on beside the identity provider, or are no longer taken', async () => {
  const anonymous = await app.signIn('ada')
  const { instance } = await openStage()
  expect((await ask(instance, anonymous)).status).toBe(200)
  const { instance: strict } = await openStage({ ANONYMOUS_SESSIONS: 'off' })
  await expectRefusal(await ask(strict, anonymous), 401, 'unauthenticated')
  await expectRefusal(await ask(strict, undefined), 401, 'unauthenticated')
  expect((await ask(strict, await tokenOf())).status).toBe(200)
})

test('without an identity provider, no token of one is taken', async () => {
  await expectRefusal(await ask(app, await tokenOf()), 401, 'unauthenticated')
})

test('a sign-in is not turned into a session of ours, which would outlive it', async () => {
  const { instance } = await openStage()
  const answer = await instance.call(session, { method: 'POST', path: '/api/session', token: await tokenOf() })
  const opened = (await answer.json()) as { user_id: string }
  expect([answer.status, opened.user_id === 'auth0|ada']).toEqual([201, false])
})

test('the settings belong together, and keys come over https', () => {
  const AUTH_JWKS_URL = 'https://people.example/jwks.json'
  expect(() => parseConfig({ AUTH_JWKS_URL })).toThrow(/AUTH_ISSUER: must be set/)
  expect(() => parseConfig({ AUTH_JWKS_URL, AUTH_ISSUER: issuer })).toThrow(/AUTH_AUDIENCE: must be set.*`any`/)
  expect(() => parseConfig({ AUTH_ISSUER: issuer })).toThrow(/AUTH_JWKS_URL: must be set/)
  expect(() => parseConfig({ AUTH_JWKS_URL: 'http://people.example/', AUTH_ISSUER: issuer })).toThrow(/must be https/)
  expect(
    parseConfig({ AUTH_JWKS_URL: 'http://localhost:9/', AUTH_ISSUER: issuer, AUTH_AUDIENCE: 'any' }).AUTH_ISSUER,
  ).toBe(issuer)
})
