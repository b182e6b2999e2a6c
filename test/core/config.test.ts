// The environment: defaults, what is wrong said of all variables at once, and never a value in what is said.
import { expect, test } from 'vitest'
import { canBeCalledBack, isHttps, isStoreReached, sessionSecrets } from '../../core/config.ts'
import { storeOrigin } from '../../core/store-choice.ts'
import { parseConfig } from '../../providers/config.ts'

const secret = 'hunter2'
const wrong: Record<string, string> = {
  DATABASE_URL: `mysql://${secret}`,
  DATABASE_DRIVER: secret,
  REPLICATE_BASE_URL: `ftp://${secret}`,
  REPLICATE_WEBHOOK_SECRET: secret,
  FAL_QUEUE_URL: secret,
  FAL_API_URL: `javascript:${secret}`,
  FAL_JWKS_URL: secret,
  STORAGE: secret,
  STORED_MB_PER_USER: '0',
  S3_ENDPOINT: secret,
  S3_PUBLIC_ENDPOINT: `ftp://${secret}`,
  S3_BUCKET: `${secret}/x`,
  PUBLIC_URL: `ftp://${secret}`,
  ALLOW_HTTP_CALLBACKS: secret,
  CRON_SECRET: secret,
  SESSION_SECRET: secret,
  ANONYMOUS_SESSIONS: secret,
  ALLOW_PRIVATE_IMAGES: 'true',
  ALERT_URL: `https://ada:${secret}@app.test`,
  NOTIFY_URL: `https://${secret}@app.test`,
  LOG_LEVEL: secret,
  LOG_FORMAT: secret,
  BUDGET_PER_DAY: '-1',
  BUDGET_PER_USER_PER_DAY: secret,
  PASS_SECONDS: '51',
  PASS_BATCH: '0',
  HTTP_CONCURRENCY: '1.5',
  SUBMIT_TIMEOUT_SECONDS: '-1',
  CHECK_TIMEOUT_SECONDS: secret,
  SUBMIT_LEASE_SECONDS: '3601',
  SUBMIT_GRACE_SECONDS: '3001',
  CHECK_MIN_SECONDS: '0',
  CHECK_MAX_SECONDS: ' ',
}

function faultOf(env: Record<string, string>): string {
  try {
    parseConfig(env)
  } catch (error) {
    return error instanceof Error ? `${error.message}${JSON.stringify(error)}` : ''
  }
  throw new Error('the environment was accepted')
}

test('parseConfig() names every wrong variable at once, on a line each', () => {
  const lines = faultOf(wrong).split('\n').slice(1)
  expect(lines.map((line) => line.trim().split(':')[0]).toSorted()).toEqual(Object.keys(wrong).toSorted())
})

test.each(['0', 'off', '1.5', '10001', '99999999999'])('a cap of %s is told what it may be', (value) => {
  const caps = ['DAILY_TASKS_PER_USER', 'REPLICATE_CONCURRENCY', 'FAL_CONCURRENCY', 'CHECK_MAX_SECONDS']
  const said = faultOf(Object.fromEntries([...caps, 'MAX_ATTEMPTS_PER_STEP'].map((name) => [name, value])))
  for (const name of caps) expect(said).toContain(`${name}: must be a whole number from 1 to 10000, or left out`)
  expect(said).toContain('MAX_ATTEMPTS_PER_STEP: must be a whole number from 1 to 1000')
})

test('parseConfig() repeats no value', () => {
  expect(faultOf(wrong)).not.toContain(secret)
})

test.each(Object.entries(wrong))('parseConfig() names %s alone when it alone is wrong', (name, value) => {
  expect(faultOf({ [name]: value })).toMatch(new RegExp(`^Wrong environment:\\n  ${name}: [^\\n]+$`))
})

test.each(['AUTH_JWKS_URL', 'ALERT_URL', 'NOTIFY_URL', 'PUBLIC_URL'])('%s that is no address is named', (name) => {
  expect(faultOf({ [name]: secret })).toContain(`${name}: must be an address such as https://app.example`)
})

test('parseConfig() says what would be right', () => {
  const said = faultOf(wrong)
  for (const words of [
    'postgres://user:password@host:5432/database',
    'at least 16 characters',
    'at least 32 characters',
    '"pg"',
  ]) {
    expect(said).toContain(words)
  }
})

test('parseConfig() takes an empty variable for an absent one', () => {
  const empty = Object.fromEntries([...Object.keys(wrong), 'FAL_KEY', 'IMAGE_HOSTS', 'URL'].map((name) => [name, '']))
  expect(parseConfig(empty)).toEqual(parseConfig({}))
})

test('parseConfig() has a default for all that needs none of ours, and cannot be changed', () => {
  const config = parseConfig({ UNRELATED: 'x' })
  expect(config).toMatchObject({
    ...{ REPLICATE_BASE_URL: 'https://api.replicate.com/v1', FAL_QUEUE_URL: 'https://queue.fal.run' },
    ...{ FAL_API_URL: 'https://api.fal.ai/v1', FAL_JWKS_URL: 'https://rest.fal.ai/.well-known/jwks.json' },
    ...{ ALLOW_HTTP_CALLBACKS: false, ANONYMOUS_SESSIONS: true, IMAGE_HOSTS: [], ALLOW_PRIVATE_IMAGES: false },
    ...{ LOG_LEVEL: 'info', LOG_FORMAT: 'json', PASS_SECONDS: 20, PASS_BATCH: 1_024, HTTP_CONCURRENCY: 32 },
    ...{ SUBMIT_TIMEOUT_SECONDS: 15, CHECK_TIMEOUT_SECONDS: 10, SUBMIT_LEASE_SECONDS: 90, SUBMIT_GRACE_SECONDS: 180 },
  })
  expect(Object.isFrozen(config)).toBe(true)
})

test('parseConfig() reads what is set', () => {
  const given = {
    ...{ REPLICATE_API_TOKEN: 'r8', REPLICATE_BASE_URL: 'http://127.0.0.1:9//', PUBLIC_URL: 'https://app.test/' },
    ...{ IMAGE_HOSTS: ' a.test, ,b.test', ANONYMOUS_SESSIONS: 'off', ALLOW_PRIVATE_IMAGES: '1', PASS_BATCH: '7' },
    ...{ REPLICATE_WEBHOOK_SECRET: 'whsec_a whsec_b', CHECK_MIN_SECONDS: '1', DATABASE_DRIVER: 'neon' },
  }
  expect(parseConfig(given)).toMatchObject({
    ...{ ...given, REPLICATE_BASE_URL: 'http://127.0.0.1:9', PUBLIC_URL: 'https://app.test', PASS_BATCH: 7 },
    ...{
      IMAGE_HOSTS: ['a.test', 'b.test'],
      ANONYMOUS_SESSIONS: false,
      ALLOW_PRIVATE_IMAGES: true,
      CHECK_MIN_SECONDS: 1,
    },
  })
})

const [own, netlify, older] = ['postgres://own/db', 'postgresql://netlify/db', 'postgres://older/db']
test.each([
  [{ DATABASE_URL: own, NETLIFY_DB_URL: netlify, NETLIFY_DATABASE_URL: older }, own],
  [{ DATABASE_URL: '', NETLIFY_DB_URL: netlify, NETLIFY_DATABASE_URL: older }, netlify],
  [{ NETLIFY_DB_URL: '', NETLIFY_DATABASE_URL: older }, older],
  [{}, undefined],
])('parseConfig() finds the database of %j at %s', (env, url) => {
  expect(parseConfig(env).DATABASE_URL).toBe(url)
})

test("parseConfig() takes the platform's own address where none is given", () => {
  expect(parseConfig({ URL: 'https://site.test' }).PUBLIC_URL).toBe('https://site.test')
  expect(parseConfig({ URL: 'https://site.test', PUBLIC_URL: 'https://own.test' }).PUBLIC_URL).toBe('https://own.test')
})

test.each([
  [{}, false],
  [{ PUBLIC_URL: 'https://app.test' }, true],
  [{ PUBLIC_URL: 'http://app.test' }, false],
  [{ PUBLIC_URL: 'http://app.test', ALLOW_HTTP_CALLBACKS: '1' }, true],
])('canBeCalledBack() with %j is %s', (env, expected) => {
  expect(canBeCalledBack(parseConfig(env))).toBe(expected)
})

test('allowed origins are origins, each of them', () => {
  const parsed = parseConfig({ ALLOWED_ORIGINS: 'https://app.example, http://localhost:3000' })
  expect(parsed.ALLOWED_ORIGINS).toEqual(['https://app.example', 'http://localhost:3000'])
  for (const wrong of ['*', 'null', 'app.example', 'https://app.example/', 'https://*.app.example/x', 'file:///etc'])
    expect(() => parseConfig({ ALLOWED_ORIGINS: `https://fine.example,${wrong}` })).toThrow(/ALLOWED_ORIGINS: must be/)
})

test('parseConfig() limits answers where the platform does, unless it is told otherwise', () => {
  expect(parseConfig({}).ANSWER_LIMIT_MB).toBeUndefined()
  expect(parseConfig({ AWS_LAMBDA_FUNCTION_NAME: 'result' }).ANSWER_LIMIT_MB).toBe(16)
  expect(parseConfig({ AWS_LAMBDA_FUNCTION_NAME: 'result', ANSWER_LIMIT_MB: '6' }).ANSWER_LIMIT_MB).toBe(6)
})

test('parseConfig() refuses a limit of answers under which an accepted upload could not be given to a provider', () => {
  expect(parseConfig({ ANSWER_LIMIT_MB: '5' }).ANSWER_LIMIT_MB).toBe(5)
  expect(() => parseConfig({ ANSWER_LIMIT_MB: '4' })).toThrow('ANSWER_LIMIT_MB: must be at least 5: an upload')
})

test('parseConfig() refuses to tell an app without a secret to sign with', () => {
  expect(() => parseConfig({ NOTIFY_URL: 'https://app.example' })).toThrow('NOTIFY_SECRET')
})

test('parseConfig() refuses a grace time that ends before a create may have been sent', () => {
  const settings = { SUBMIT_LEASE_SECONDS: '300', SUBMIT_TIMEOUT_SECONDS: '15', SUBMIT_GRACE_SECONDS: '180' }
  expect(() => parseConfig(settings)).toThrow('SUBMIT_GRACE_SECONDS: must be at least')
})

test("Netlify's own database is spoken to as Netlify says, any other by its host or as told", () => {
  const driver = (env: Record<string, string>) => parseConfig(env).DATABASE_DRIVER
  const netlifys = { NETLIFY_DB_URL: 'postgres://netlify.example/db', NETLIFY_DB_DRIVER: 'serverless' }
  expect(driver(netlifys)).toBe('neon')
  expect(driver({ ...netlifys, NETLIFY_DB_DRIVER: 'server' })).toBeUndefined()
  expect(driver({ ...netlifys, DATABASE_DRIVER: 'pg' })).toBe('pg')
  expect(driver({ ...netlifys, DATABASE_URL: 'postgres://own.example/db' })).toBeUndefined()
})

test('a database address that no driver could read is named, and not repeated', () => {
  for (const address of ['postgres://user:secret@host:port/x', 'https://host/x', 'postgres:///secret']) {
    expect(() => parseConfig({ DATABASE_URL: address })).toThrow(/DATABASE_URL.*must be an address such as/s)
    expect(() => parseConfig({ DATABASE_URL: address })).not.toThrow(/secret/)
  }
})

test.each([
  [undefined, 10_000_000, 2_000_000],
  ['0.0375', 37_500, 37_500],
  ['0', 0, 0],
  ['12', 12_000_000, 12_000_000],
  ['off', null, null],
])('parseConfig() reads the budget %s in millionths of a dollar', (written, day, user) => {
  const config = parseConfig({ BUDGET_PER_DAY: written, BUDGET_PER_USER_PER_DAY: written })
  expect([config.BUDGET_PER_DAY, config.BUDGET_PER_USER_PER_DAY]).toEqual([day, user])
})

const bucket = { S3_ENDPOINT: 'https://s3.test/', S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'i', S3_SECRET_ACCESS_KEY: 's' }
test.each([
  [{}, 'netlify'],
  [{ STORAGE: '', STORAGE_DIR: '' }, 'netlify'],
  [{ STORAGE_DIR: '/srv/files' }, 'folder'],
  [{ STORAGE_DIR: '/srv/files', NETLIFY_BLOBS_CONTEXT: 'e30=' }, 'folder'],
  [{ STORAGE_DIR: '/srv/files', STORAGE: 'netlify' }, 'netlify'],
  [bucket, 's3'],
  // As while files are copied into the bucket.
  [{ ...bucket, NETLIFY_BLOBS_CONTEXT: 'e30=' }, 'netlify'],
  [{ ...bucket, NETLIFY_BLOBS_CONTEXT: 'e30=', STORAGE: 's3' }, 's3'],
])('parseConfig() chooses the store of %j: %s', (env, kind) => {
  expect(parseConfig(env).STORAGE).toBe(kind)
})

test('parseConfig() names all that the chosen store needs', () => {
  const said = faultOf({ STORAGE: 's3', SUBMIT_GRACE_SECONDS: '20' })
  for (const name of [...Object.keys(bucket), 'SUBMIT_GRACE_SECONDS'])
    expect(said).toMatch(new RegExp(`^  ${name}: `, 'm'))
  expect(faultOf({ STORAGE: 'folder' })).toMatch(/STORAGE_DIR: must be set where STORAGE is folder/)
})

test('people and providers fetch from the store itself where it is a bucket, by its public address', () => {
  expect(storeOrigin(parseConfig(bucket))).toBe('https://s3.test')
  expect(storeOrigin(parseConfig({ ...bucket, S3_PUBLIC_ENDPOINT: 'https://files.test/s3' }))).toBe(
    'https://files.test',
  )
  expect(storeOrigin(parseConfig({ ...bucket, STORAGE: 'netlify' }))).toBeUndefined()
  expect(storeOrigin(parseConfig({ STORAGE_DIR: '/srv' }))).toBeUndefined()
})

test('isStoreReached() is true of a bucket over https, and of any where all is local', () => {
  const address = { S3_ENDPOINT: 'https://bucket.example', S3_PUBLIC_ENDPOINT: undefined }
  const bucket = { STORAGE: 's3', ...address, ALLOW_HTTP_CALLBACKS: false } as const
  expect(isStoreReached(bucket)).toBe(true)
  expect(isStoreReached({ ...bucket, S3_ENDPOINT: 'http://127.0.0.1:9000' })).toBe(false)
  expect(isStoreReached({ ...bucket, S3_ENDPOINT: 'http://127.0.0.1:9000', ALLOW_HTTP_CALLBACKS: true })).toBe(true)
  expect(isStoreReached({ ...bucket, STORAGE: 'folder' })).toBe(false)
})

test('sessionSecrets() are none, one, or two during a rotation', () => {
  expect(sessionSecrets({})).toEqual([])
  expect(sessionSecrets({ SESSION_SECRET: 'one two' })).toEqual(['one', 'two'])
})

test('isHttps() is what PUBLIC_URL says', () => {
  expect([isHttps({ PUBLIC_URL: 'https://a.example' }), isHttps({ PUBLIC_URL: undefined })]).toEqual([true, false])
})

test('days and megabytes are numbers, or off', () => {
  const kept = (env: Record<string, string>) => {
    const { KEEP_FINISHED_DAYS, STORED_MB_PER_USER } = parseConfig(env)
    return [KEEP_FINISHED_DAYS, STORED_MB_PER_USER]
  }
  expect(kept({})).toEqual([30, null])
  expect(kept({ KEEP_FINISHED_DAYS: 'off', STORED_MB_PER_USER: '5000' })).toEqual([null, 5_000])
})

test('signing secrets and session secrets are held to their shape', () => {
  const short = { CRON_SECRET: 'long enough for a secret', SESSION_SECRET: 'short', NOTIFY_SECRET: 'whsec_short' }
  expect(() => parseConfig(short)).toThrow(/NOTIFY_SECRET[\s\S]*|SESSION_SECRET/)
})

test('hosts that a task may name are names of hosts', () => {
  const secret = `whsec_${Buffer.alloc(24).toString('base64')}`
  const { NOTIFY_HOSTS } = parseConfig({ NOTIFY_HOSTS: 'app.example, hooks.example', NOTIFY_SECRET: secret })
  expect(NOTIFY_HOSTS).toEqual(['app.example', 'hooks.example'])
  expect(() => parseConfig({ NOTIFY_HOSTS: 'https://app.example/', NOTIFY_SECRET: secret })).toThrow('NOTIFY_HOSTS')
})

test('hosts of images are kept as addresses name them, with or without a star', () => {
  const { IMAGE_HOSTS } = parseConfig({ IMAGE_HOSTS: 'Shop.Example, *.bücher.example, .cdn.example' })
  expect(IMAGE_HOSTS).toEqual(['shop.example', 'xn--bcher-kva.example', 'cdn.example'])
})

test.each(['https://shop.example', 'shop.example/photos', 'shop.example:8443', 'a b', 'ada@shop.example'])(
  'what is no host of images is told: %s',
  (name) => expect(() => parseConfig({ IMAGE_HOSTS: `shop.example,${name}` })).toThrow(/IMAGE_HOSTS: must be host/),
)

test('operators in the chat are named by their numbers', () => {
  expect(parseConfig({ TELEGRAM_OPERATORS: '7, 42' }).TELEGRAM_OPERATORS).toEqual(['7', '42'])
  expect(() => parseConfig({ TELEGRAM_OPERATORS: '@ada' })).toThrow('TELEGRAM_OPERATORS')
})
