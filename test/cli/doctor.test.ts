// The doctor before the whole product as it runs on one machine: all well, and then with one thing after another broken.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { examine } from '../../cli/doctor/examine.ts'
import { report } from '../../cli/doctor/report.ts'
import { startStack } from '../../dev/stack.ts'
import { startSimulator } from '../../simulator/server.ts'
import { type Noted, openInstants } from '../../storage/instants.ts'
import { openNetlifyStore } from '../../storage/netlify/store.ts'
import { createDatabase } from '../setup/database.ts'
import { insertTask, later } from '../setup/factory.ts'

// Its log would stand between the results.
process.env['LOG_LEVEL'] = 'silent'
const folder = await mkdtemp(join(tmpdir(), 'stepgate-doctor-'))
const database = await createDatabase()
const { db } = await database.connect()
const stack = await startStack({ databaseUrl: database.url, folder, secondsPerStep: 4, webhooks: true })
const keyed = await startSimulator({ port: 0, webhookSecret: 'whsec_b3RoZXI=', falKey: 'fal_right', secondsPerStep: 4 })
const fal = {
  FAL_KEY: 'fal_right',
  FAL_QUEUE_URL: `${keyed.url}/fal/queue`,
  FAL_API_URL: `${keyed.url}/fal/api`,
  FAL_JWKS_URL: `${keyed.url}/fal/jwks.json`,
}
Object.assign(process.env, fal)
const names = [
  ...['DATABASE_URL', 'CRON_SECRET', 'SESSION_SECRET', 'PUBLIC_URL', 'ALLOW_HTTP_CALLBACKS', 'NETLIFY_BLOBS_CONTEXT'],
  ...['REPLICATE_API_TOKEN', 'REPLICATE_BASE_URL', 'REPLICATE_WEBHOOK_SECRET', ...Object.keys(fal)],
]
const well: Record<string, string> = {
  ...Object.fromEntries(names.map((name) => [name, process.env[name] ?? ''])),
}
afterAll(async () => {
  await stack.close()
  await keyed.close()
  await database.drop()
  await rm(folder, { recursive: true })
})

/** The lines about `name`, with these variables instead of the deployment's own. */
async function linesOf(name: string, change: Record<string, string | undefined> = {}): Promise<string[]> {
  const findings = await examine({ ...well, ...change })
  const lines = report(findings, { isJson: false }).split('\n')
  return lines.filter((line) => line.slice(6).startsWith(`${name}  `)).map((line) => line.replaceAll(/ {2,}/g, ' '))
}

async function note(name: Noted, at: Date): Promise<void> {
  const access = JSON.parse(Buffer.from(well['NETLIFY_BLOBS_CONTEXT'] ?? '', 'base64').toString())
  await openInstants(openNetlifyStore('instants', { access }), () => at).note(name)
}

async function withServer<T>(listener: RequestListener, work: (address: string) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await listening
  const address = server.address()
  try {
    return await work(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
  } finally {
    server.close()
  }
}

const databaseAt = (change: Partial<URL>) => ({ DATABASE_URL: Object.assign(new URL(database.url), change).href })

test('a deployment that has never been pinged is well but for its pings and its guessable secrets', async () => {
  const findings = await examine(well)
  expect(findings.map(({ name, state }) => `${state} ${name}`)).toEqual([
    ...['warn environment', 'warn environment', 'ok database', 'ok schema', 'ok clocks', 'ok site', 'warn cron'],
    ...['ok webhooks', 'ok webhooks', 'ok providers', 'ok blob store', 'ok replicate', 'ok webhook secret'],
    ...['ok fal', 'ok fal scope', 'ok fal signatures', 'ok budget', 'ok ledger'],
  ])
})

test('pings are fresh, late or missing for long', async () => {
  await note('recover', later(new Date(), -7_200))
  expect(await linesOf('cron')).toEqual([expect.stringMatching(/^FAIL cron no ping for 2 h: .*recover 2 h ago.* → /)])
  await note('checker', later(new Date(), -1_500))
  expect(await linesOf('cron')).toEqual([expect.stringMatching(/^warn cron no ping for 25 min: .*worker never/)])
  const ping = await fetch(`${stack.url}/api/worker`, { headers: { authorization: `Bearer ${well['CRON_SECRET']}` } })
  expect(ping.status).toBe(200)
  expect(await linesOf('cron')).toEqual([expect.stringMatching(/^ok cron worker (now|\d+ s ago), checker 25 min ago/)])
})

test('work that stays due fails', async () => {
  const { id } = await insertTask(db, { due_at: later(new Date(), -1_800) })
  expect(await linesOf('due work')).toEqual([expect.stringMatching(/^FAIL due work work has been due for 30 min/)])
  await sql`delete from tasks where id = ${id}`.execute(db)
})

const broken: [string, string, Record<string, string | undefined>, RegExp][] = [
  ['no database', 'environment', { DATABASE_URL: undefined }, /^FAIL .* DATABASE_URL is not set/],
  ['no cron secret', 'environment', { CRON_SECRET: '' }, /^FAIL .* CRON_SECRET is not set/],
  ['a short secret', 'environment', { SESSION_SECRET: 'short' }, /^FAIL .* SESSION_SECRET: must be at least 32/],
  ['one secret for two', 'environment', { CRON_SECRET: well['SESSION_SECRET'] }, /the same as CRON_SECRET/],
  ['no key', 'environment', { REPLICATE_API_TOKEN: '', FAL_KEY: '' }, /^FAIL .* no provider's key/],
  ['no address', 'environment', { PUBLIC_URL: '' }, /^warn .* PUBLIC_URL is not set/],
  ['http only', 'environment', { ALLOW_HTTP_CALLBACKS: '0' }, /^warn .* PUBLIC_URL is not https/],
  ['no webhook secret', 'environment', { REPLICATE_WEBHOOK_SECRET: '' }, /^warn .* webhooks are refused/],
  [
    'a slip',
    'environment',
    { DAILY_TASK_PER_USER: '5' },
    /DAILY_TASK_PER_USER is not read → Is DAILY_TASKS_PER_USER meant/,
  ],
  ['a name like others', 'environment', { ALERT_WEBHOOK_URL: 'https://x.example' }, /Is ALERT_URL meant/],
  ['no server', 'database', databaseAt({ port: '9' }), /^FAIL database .*ECONNREFUSED.* → Check the host and port/],
  [
    'no such user',
    'database',
    databaseAt({ username: 'nobody' }),
    /^FAIL database .* → Check user, password and database/,
  ],
  ['a wrong password', 'database', databaseAt({ password: 'guessed' }), /^FAIL database .* → Check user, password/],
  ['no tables', 'schema', databaseAt({ pathname: '/template1' }), /^FAIL schema .*no tables yet → npm run migrate/],
  ['another address', 'site', { PUBLIC_URL: 'http://127.0.0.1:9' }, /^FAIL site .*ECONNREFUSED → Check the address/],
  ['another cron secret', 'cron', { CRON_SECRET: randomUUID() }, /^FAIL cron the site has another CRON_SECRET/],
  ['a wrong token', 'replicate', { REPLICATE_API_TOKEN: 'r8_wrong' }, /^FAIL replicate 401: the key is refused/],
  [
    'another account',
    'webhook secret',
    { REPLICATE_BASE_URL: `${keyed.url}/v1` },
    /^FAIL webhook secret .*not this account's/,
  ],
  [
    'one of two secrets',
    'webhook secret',
    { REPLICATE_WEBHOOK_SECRET: `whsec_b2xk ${well['REPLICATE_WEBHOOK_SECRET']}` },
    /^ok/,
  ],
  ['a wrong key', 'fal', { FAL_KEY: 'fal_wrong' }, /^FAIL fal 401: the key is refused/],
  [
    'no published keys',
    'fal signatures',
    { FAL_JWKS_URL: `${keyed.url}/fal/none` },
    /^FAIL fal signatures .*FAL_JWKS_URL/,
  ],
  ['a provider that is away', 'fal', { FAL_API_URL: 'http://127.0.0.1:9' }, /^FAIL fal .*ECONNREFUSED/],
  ['another blob token', 'blob store', blobsAs({ token: 'guessed' }), /^FAIL blob store it does not work: .*403/],
  [
    'a blob context of nothing',
    'blob store',
    { NETLIFY_BLOBS_CONTEXT: '{"token"' },
    /^FAIL blob store .*is not what Netlify makes/,
  ],
  ['a folder', 'blob store', { STORAGE_DIR: join(folder, 'files') }, /^ok blob store a probe was written/],
  ['no folder', 'blob store', { STORAGE_DIR: '/dev/null' }, /^FAIL blob store it does not work: .*STORAGE_DIR/],
  [
    'a bucket that is away',
    'blob store',
    {
      STORAGE: 's3',
      S3_ENDPOINT: 'http://127.0.0.1:9',
      S3_BUCKET: 'b',
      S3_ACCESS_KEY_ID: 'i',
      S3_SECRET_ACCESS_KEY: 's',
    },
    /^FAIL blob store it does not work: .*S3_BUCKET/,
  ],
  ['no blob credentials', 'blob store', { NETLIFY_BLOBS_CONTEXT: '' }, /^ok blob store the site notes its pings there/],
]

test.each(broken)('%s: %s', async (_what, name, change, line) => {
  await note('worker', new Date())
  const lines = await linesOf(name, change)
  expect(
    lines.filter((one) => line.test(one)),
    lines.join('\n'),
  ).toHaveLength(1)
})

function blobsAs(change: object): Record<string, string> {
  const access = JSON.parse(Buffer.from(well['NETLIFY_BLOBS_CONTEXT'] ?? '', 'base64').toString())
  return { NETLIFY_BLOBS_CONTEXT: Buffer.from(JSON.stringify({ ...access, ...change })).toString('base64') }
}

test('a database behind this version, or ahead of it', async () => {
  await sql`insert into kysely_migration values ('0009_future', now()::text)`.execute(db)
  expect(await linesOf('schema')).toEqual([
    expect.stringMatching(/^warn schema .*newer than this checkout: 0009_future/),
  ])
  await sql`delete from kysely_migration where name in ('0009_future', '0002_history')`.execute(db)
  expect(await linesOf('schema')).toEqual([
    expect.stringMatching(/^FAIL schema not applied yet: 0002_history → npm run migrate/),
  ])
  await sql`insert into kysely_migration values ('0002_history', now()::text)`.execute(db)
})

const sites: [string, string, RequestListener, RegExp][] = [
  [
    'a redirect',
    'site',
    (_, answer) => answer.writeHead(301, { location: 'https://www.example' }).end(),
    /^FAIL site it redirects to https:\/\/www\.example → Make that PUBLIC_URL/,
  ],
  [
    'a redirect',
    'webhooks',
    (_, answer) => answer.writeHead(308, { location: 'https://www.example' }).end(),
    /^FAIL webhooks .*replicate answers 308 → Webhooks follow no redirects: make https:\/\/www\.example/,
  ],
  [
    "somebody else's page",
    'site',
    (_, answer) => answer.end('<h1>Welcome</h1>'),
    /^FAIL site 200, and no answer of ours/,
  ],
  [
    "somebody else's page",
    'webhooks',
    (_, answer) => answer.end('<h1>Welcome</h1>'),
    /^FAIL webhooks \/api\/webhook\/replicate answers 200/,
  ],
  [
    'a door that is missing',
    'webhooks',
    (_, answer) => answer.writeHead(404).end(),
    /^FAIL webhooks .*fal answers 404 → The key of fal is not set/,
  ],
  [
    'a site without its settings',
    'site',
    unset,
    /^FAIL site 503 not_configured: This deployment is not set up.* → The log of its functions names what/,
  ],
  [
    'a site without its settings',
    'webhooks',
    unset,
    /^FAIL webhooks .*fal answers 503 not_configured → The log of its functions names what is missing/,
  ],
]

function unset(...[, answer]: Parameters<RequestListener>): void {
  const document = { code: 'not_configured', detail: 'This deployment is not set up completely.' }
  answer.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(document))
}

test.each(sites)('%s: %s', (_what, name, listener, line) =>
  withServer(listener, async (address) => {
    const lines = await linesOf(name, { PUBLIC_URL: address })
    expect(
      lines.filter((one) => line.test(one)),
      lines.join('\n'),
    ).toHaveLength(1)
  }),
)

test("a site whose clock is off fails against the database's", () => {
  const body = JSON.stringify({ status: 'ok', database: { answered_in_ms: 1 } })
  const late: RequestListener = (_, answer) =>
    answer.writeHead(200, { date: later(new Date(), -300).toUTCString() }).end(body)
  return withServer(late, async (address) => {
    expect(await linesOf('clocks', { PUBLIC_URL: address })).toEqual([
      expect.stringMatching(/^FAIL clocks database and site are (5 min|\d+ s) apart/),
    ])
    expect(await linesOf('clocks', { PUBLIC_URL: address, DATABASE_URL: '' })).toEqual([
      expect.stringMatching(/^FAIL clocks this machine and the site are (5 min|\d+ s) apart/),
    ])
  })
})

test('anybody who may spend without end is warned of', async () => {
  expect(await linesOf('budget')).toEqual(['ok budget $10.00 a day at most, $2.00 a user'])
  expect(await linesOf('budget', { BUDGET_PER_DAY: 'off' })).toEqual([
    expect.stringMatching(/^warn budget BUDGET_PER_DAY is off: anybody .* → Set BUDGET_PER_DAY/),
  ])
})

test('what the provider lists and the ledger does not know is counted and named', async () => {
  const body = { input: { prompt: 'a cat' } }
  const made = await fetch(`${well['REPLICATE_BASE_URL']}/models/black-forest-labs/flux-schnell/predictions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${well['REPLICATE_API_TOKEN']}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { id } = (await made.json()) as { id: string }
  expect(await linesOf('ledger')).toEqual([
    expect.stringMatching(
      new RegExp(`^warn ledger Replicate lists 1 predictions .*, 1 of them are not in the ledger: ${id}`),
    ),
  ])
})
