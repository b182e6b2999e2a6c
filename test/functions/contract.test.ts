// The OpenAPI document is well made, speaks of every endpoint, and is true: every endpoint is asked for every answer it may give, and
// each answer is held against it, with no member beside those that are described.
import { BaseResolver, createConfig, lintDocument, makeDocumentFromString } from '@redocly/openapi-core'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import webPush from 'web-push'
import { loadDoors } from '../../build/doors.ts'
import { resultKey } from '../../core/task.ts'
import { linkFor, webhookUrl } from '../../engine/signed-urls.ts'
import { describeApi } from '../../functions/openapi.ts'
import { providers } from '../../providers/index.ts'
import { createKeys, digestOf } from '../../simulator/fal/signature.ts'
import { sign } from '../../simulator/replicate/signature.ts'
import type { Call } from '../setup/client.ts'
import { testClock } from '../setup/clock.ts'
import { type Instance, openTestDeps, sessionSecret, webhookSecret } from '../setup/deps.ts'
import { insertTask, type TaskOverrides } from '../setup/factory.ts'
import { startKeyServer } from '../setup/keys.ts'
import { endpoints } from '../setup/mount.ts'
import { chunksOf, png } from '../storage/setup.ts'
import { type Ask, type Known, asks as others, whileStopped } from './contract-calls.ts'
import { prepare, privacy } from './contract-privacy-calls.ts'
import { telling } from './contract-telling-calls.ts'
import { useTelegram } from './telegram-setup.ts'

const asks = [...others, ...privacy, ...telling]

interface Described {
  responses: Record<string, { content?: Record<string, { schema?: object }> }>
  requestBody?: { content: Record<string, { schema?: object }> }
}
type Document = { paths: Record<string, Record<string, Described>>; components: { schemas: object } }

const clock = testClock()
const falKeys = createKeys('contract')
const keyServer = await startKeyServer(falKeys.jwks(0).keys)
const bot = await useTelegram()
const { publicKey, privateKey } = webPush.generateVAPIDKeys()
const vapid = {
  VAPID_PUBLIC_KEY: publicKey,
  VAPID_PRIVATE_KEY: privateKey,
  VAPID_SUBJECT: 'mailto:ops@stepgate.example',
}
const env = { FAL_JWKS_URL: keyServer.url, PUBLIC_URL: 'https://stepgate.example', ...bot.env, ...vapid }
const app = await openTestDeps({ clock, env })
const none = undefined
const instances: Record<NonNullable<Ask['at']>, Instance> = {
  app,
  bare: app.openInstance({ env: { ...env, CRON_SECRET: none, SESSION_SECRET: none } }),
  keyless: app.openInstance({ env: { ...env, ANONYMOUS_SESSIONS: 'off', FAL_KEY: none, REPLICATE_API_TOKEN: none } }),
  baseless: app.openInstance({ env: { ...env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' } }),
  blobless: app.openInstance({ env }),
  capped: app.openInstance({ env: { ...env, DAILY_TASKS_PER_USER: '1' } }),
  once: app.openInstance({ env: { ...env, MAX_ATTEMPTS_PER_STEP: '1' } }),
  full: app.openInstance({ env, config: { STORED_MB_PER_USER: 0.000_001 } }),
  ...{ poor: app.openInstance({ env: { ...env, BUDGET_PER_DAY: '0' } }), stopped: app.openInstance({ env }) },
  guarded: app.openInstance({ env: { ...env, TURNSTILE_SITE_KEY: 'site', TURNSTILE_SECRET_KEY: 'secret' } }),
}
const document = describeApi([...app.deps.recipes.values()]) as unknown as Document
const known: Known = {
  ...{ waiting: '', spare: '', failed: '', locked: '', priced: '', completed: '', upload: '', link: '', expired: '' },
  replicateReport: (body) => reportTo('replicate', body),
  falReport: (body) => reportTo('fal', body),
}
let token = ''

const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ name: `${method} ${path}`, path, method, described })),
  )
const operations = operationsOf(document)

const shirt = { image: 'https://images.test/shirt.png', category: 'upper_body' }
const input = { person_image: 'https://images.test/ada.jpg', garments: [shirt, shirt, shirt] }

async function insert(more: TaskOverrides): Promise<string> {
  const { id, steps } = await insertTask(app.deps.db, { at: clock.now(), input, ...more })
  for (const { step, prediction_id, files } of steps) {
    if (!files) continue
    const key = resultKey(id, step, prediction_id ?? '')
    await app.deps.files.write(key, chunksOf(png(1_000)), { accept: ['image/png'], maxBytes: 1_000 })
  }
  return id
}

beforeAll(async () => {
  const lost = () => Promise.reject(new Error('the blob store does not answer'))
  Object.assign(instances.blobless.deps, { files: { ...app.deps.files, read: lost } })
  token = await app.signIn('ada')
  const memes = { recipe: 'memes', lock_key: 'memes ada' }
  known.waiting = await insert({ status: 'waiting_continue' })
  known.spare = await insert({ status: 'waiting_continue' })
  known.failed = await insert({ status: 'failed' })
  known.locked = await insert({ status: 'failed', ...memes })
  await insert({ phase: 'running', ...memes })
  known.priced = await insert({ status: 'waiting_continue', prices: [10, 10, 10] })
  known.completed = await insert({ status: 'completed' })
  const call = { path: '/api/upload', body: new Uint8Array(png(100)), token }
  known.upload = ((await (await app.call(endpointOf('/api/upload'), call)).json()) as { url: string }).url
  await prepare(app, token, known.completed, await insert({ status: 'completed' }))
  known.link = await linkTo(known.completed)
  clock.advance(-48 * 3_600)
  known.expired = await linkTo(known.completed)
  clock.advance(48 * 3_600)
})
afterAll(async () => {
  await keyServer.close()
  await app.close()
})

async function linkTo(id: string): Promise<string> {
  const { blobs } = await app.blobs.openStore('files').list({ prefix: `results/${id}/1/` })
  const { pathname, search } = new URL(await linkFor(app.deps, `file:${blobs[0]?.key.replace(/\/0$/, '')}`, 'marker'))
  return pathname + search
}

/** Signed as the provider does, to the address of an attempt that is over. */
function reportTo(provider: 'replicate' | 'fal', report: object | string): Call {
  const held = { id: known.waiting, step: 1, attempt: 1, claim_token: known.waiting }
  const { pathname, search } = new URL(
    webhookUrl(app.deps, provider, { ...held, recipe: 'try-on', model: 'someone/model' }),
  )
  const body = JSON.stringify(report)
  const timestampSeconds = Math.floor(clock.now().getTime() / 1000)
  const at = String(timestampSeconds)
  const headers: Record<string, string> =
    provider === 'fal'
      ? {
          'x-fal-webhook-request-id': 'p1',
          'x-fal-webhook-user-id': 'u1',
          'x-fal-webhook-timestamp': at,
          'x-fal-webhook-signature': falKeys.signature(0, ['p1', 'u1', at, digestOf(body)]),
        }
      : {
          'webhook-id': 'm1',
          'webhook-timestamp': at,
          'webhook-signature': sign({ secret: webhookSecret, id: 'm1', timestampSeconds, body }),
        }
  return { path: pathname + search, body, headers }
}

function endpointOf(path: string) {
  const name = path
    .replace('/api/session/end', 'session-end')
    .replace('/api/', '')
    .replace(/\/.*|\.json$/, '')
  const endpoint = endpoints[name]
  if (!endpoint) throw new Error(`no endpoint ${name}`)
  return endpoint
}

/** A copy in which nothing may be answered beside what is described. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed)
  if (typeof value !== 'object' || value === null) return value
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]))
  return copy['type'] === 'object' && 'properties' in copy ? { ...copy, additionalProperties: false } : copy
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(closed(document) as object, 'api')
const pointer = (...parts: string[]) =>
  `api#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

/** What is wrong with an answer. */
async function findFaults(operation: string, answer: Response): Promise<string[]> {
  const [method = '', path = ''] = operation.split(' ')
  const status = String(answer.status)
  const described = document.paths[path]?.[method]?.responses[status]
  if (!described) return [`${operation} is not said to answer ${status}`]
  const type = answer.headers.get('content-type')?.split(';')[0]
  const { content } = described
  if (!content) return answer.body ? [`${operation} ${status} is said to have no body`] : []
  if ('*/*' in content && !(type && type in content)) return type ? [] : [`${operation} ${status} has no type`]
  if (!type || !(type in content)) return [`${operation} ${status} is not said to be ${type}`]
  const validate = ajv.compile({ $ref: pointer('paths', path, method, 'responses', status, 'content', type, 'schema') })
  return validate(await answer.json())
    ? []
    : (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`)
}

test('a linter finds nothing to say', async () => {
  const config = await createConfig({ extends: ['recommended-strict'] })
  const source = makeDocumentFromString(JSON.stringify(document), 'openapi.json')
  const found = await lintDocument({ document: source, config, externalRefResolver: new BaseResolver() })
  expect(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
})

test('every endpoint is described, and nothing else', async () => {
  const doors = await loadDoors(new URL('../../netlify/functions', import.meta.url))
  const paths = doors
    .flatMap(({ config }) => config.path ?? [])
    .flatMap((path) =>
      path.includes(':provider') ? providers.map(({ name }) => path.replace(':provider', name)) : path,
    )
  expect(Object.keys(document.paths).toSorted()).toEqual(paths.toSorted())
})

/** The etag of a task changes with the task, so it is asked for right before. */
async function withEtag(call: Call): Promise<Call> {
  if (call.headers?.['if-none-match'] !== 'the one of before') return call
  const before = await app.call(endpointOf('/api/status'), { path: call.path, token })
  return { ...call, headers: { 'if-none-match': before.headers.get('etag') ?? '' } }
}

test.each(asks.map((one) => [`${one.operation} answers ${one.status} ${one.code ?? ''}`, one] as const))(
  '%s',
  async (_name, { operation, status, code, call, at = 'app', isAnonymous }) => {
    const instance = instances[at]
    const made = await withEtag(call(known))
    const bearer = isAnonymous ? undefined : token
    const path = operation.split(' ')[1] ?? ''
    const send = () => instance.call(endpointOf(path), { ...(bearer && { token: bearer }), ...made })
    const answer = at === 'stopped' ? await whileStopped(app.deps, send) : await send()
    if (code) expect(await answer.clone().json()).toMatchObject({ code, status })
    expect(answer.status).toBe(status)
    if (code === 'unavailable') expect(answer.headers.get('retry-after')).toBe('5')
    expect(await findFaults(operation, answer)).toEqual([])
    await app.settle()
  },
)

const ofUsers = operations.filter(({ described }) => /"security":\[{"token".*expired/.test(JSON.stringify(described)))

test.each(ofUsers.map(({ name, path, method }) => ({ name, path, method })))(
  '$name answers 401 without a session, and with one that has ended',
  async ({ name, path, method }) => {
    const call = { method: method.toUpperCase(), path, ...(method === 'post' && { body: {} }) }
    const nobody = await app.call(endpointOf(path), call)
    const ended = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('stepgate')
      .setSubject('ada')
      .setExpirationTime(Math.floor(clock.now().getTime() / 1000) - 3_600)
      .sign(Buffer.from(sessionSecret))
    const late = await app.call(endpointOf(path), { ...call, token: ended })
    expect([nobody.status, late.status]).toEqual([401, 401])
    expect([...(await findFaults(name, nobody)), ...(await findFaults(name, late))]).toEqual([])
  },
)

/** Of some endpoint, which is enough, as all of them render faults in one place. */
const general = [
  ...['method_not_allowed', 'internal', 'unavailable', 'not_configured', 'unauthenticated', 'token_expired'],
  'rate_limited', // by the server before the endpoints: test/dev/rate-limits.test.ts
]

test('every answer and every code that is described was asked for', () => {
  const asked = new Set(
    asks.flatMap(({ operation, status, code = '' }) => [`${operation} ${status}`, `${operation} ${code}`]),
  )
  const missing = operations.flatMap(({ name, described }) =>
    Object.entries(described.responses).flatMap(([status, { content }]) => {
      const codes = [...JSON.stringify(content ?? {}).matchAll(/"enum":\[("[^\]]*)\]/g)].flatMap(([, list = '']) =>
        JSON.parse(`[${list}]`),
      )
      const problem = content?.['application/problem+json']
      const wanted = problem
        ? codes.filter((code) => !general.includes(code)).map((code) => `${name} ${code}`)
        : [`${name} ${status}`]
      return wanted.filter((one) => !asked.has(one))
    }),
  )
  expect(missing).toEqual([])
  const codes = new Set(asks.map(({ code }) => code))
  expect(general.slice(0, 5).filter((code) => !codes.has(code))).toEqual([])
})

test.each<[string, object, boolean]>([
  ['a try-on', { person_image: 'https://a.test/p.jpg', garments: ['https://a.test/s.png'] }, true],
  [
    'a try-on by name, with full garments',
    {
      recipe: 'try-on',
      person_image: '/api/upload?id=1',
      garments: [{ image: 'https://a.test/s.png', category: 'dresses' }],
    },
    true,
  ],
  ['memes', { recipe: 'memes', topic: 'deadlines', count: 2 }, true],
  ['no garments', { person_image: 'https://a.test/p.jpg', garments: [] }, false],
  ['an unknown member', { person_image: 'https://a.test/p.jpg', garments: ['x'], colour: 'red' }, false],
  ['an unknown category', { person_image: 'x', garments: [{ image: 'x', category: 'shoes' }] }, false],
  ['an unknown recipe', { recipe: 'haircut', person_image: 'x', garments: ['x'] }, false],
])('a start request with %s is described rightly', (_name, body, isRight) => {
  const validate = ajv.compile({
    $ref: pointer('paths', '/api/start', 'post', 'requestBody', 'content', 'application/json', 'schema'),
  })
  expect([validate(body), validate.errors?.[0]?.message]).toEqual([isRight, isRight ? undefined : expect.any(String)])
})

test('an answer with a member that is not described is found', async () => {
  const answer = Response.json({ status: 'ok', more: 1 })
  expect(await findFaults('get /api/health', answer)).toEqual([expect.stringContaining('more')])
  expect(await findFaults('get /api/health', Response.json({ status: 'well' }))).not.toEqual([])
  expect(await findFaults('get /api/health', new Response('', { status: 418 }))).not.toEqual([])
})
