// Whatever a service on the other side does wrong, no secret of ours is quoted in the log, in the outbox, or in what a task says of its
// failure: each is made to fail over real HTTP, by a server that cuts the connection, sends it elsewhere, or quotes what it was asked.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { afterAll, beforeEach, expect, test } from 'vitest'
import webPush from 'web-push'
import { push } from '../../functions/push.ts'
import { result } from '../../functions/result.ts'
import { share } from '../../functions/share.ts'
import { telegram as telegramEndpoint } from '../../functions/telegram.ts'
import { telegramLink } from '../../functions/telegram-link.ts'
import { parseConfig } from '../../providers/config.ts'
import { startReceivers } from '../../simulator/receivers/index.ts'
import { openFiles } from '../../storage/files.ts'
import { openStoreOf } from '../../storage/open.ts'
import { begun, fault, isOver, pingUntil, rowOf } from '../scenarios/setup.ts'
import { openClient } from '../setup/client.ts'
import { testClock } from '../setup/clock.ts'
import { replicateToken, useTestDeps } from '../setup/deps.ts'
import { startS3 } from '../setup/s3.ts'

type Trouble = 'cut' | 'elsewhere' | 'quoted'
let trouble: Trouble = 'cut'
const asked: string[] = []

const secret = {
  bot: '123456:bot-token-of-a-test',
  update: 'update_secret_of_a_test',
  hook: 'hook-path-of-a-test',
  hookKey: 'hook-key-of-a-test',
  alert: 'alert-path-of-a-test',
  subscription: 'subscription-of-a-test',
  signing: 'whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3',
}

/** Knows the bot and its files' names; everything else fails. */
function answerOf({ url = '', headers }: IncomingMessage, body: string): { status: number; told: object } | undefined {
  asked.push(url)
  if (url.endsWith(`${secret.bot}/getMe`)) return ok({ id: 1, is_bot: true, first_name: 'Bot', username: 'a_bot' })
  if (url.endsWith('/getFile')) return ok({ file_id: 'a', file_path: 'photos/1.jpg' })
  if (trouble === 'cut') return undefined
  const said = `${headers.authorization} at http://${headers.host}${url} with ${body}`
  return {
    status: url.includes('/predictions') ? 422 : 500,
    told: { ok: false, error_code: 500, description: said, detail: said },
  }
}
const ok = (told: object) => ({ status: 200, told: { ok: true, result: told } })

const server = createServer(async (request, response) => {
  const answer = answerOf(request, await text(request))
  if (!answer) return void response.destroy()
  const isElsewhere = trouble === 'elsewhere' && answer.status !== 200
  response.writeHead(isElsewhere ? 302 : answer.status, {
    'content-type': 'application/json',
    ...(isElsewhere && { location: `${request.url}/again` }),
  })
  response.end(JSON.stringify(answer.told))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
const wrong = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`

const folder = await mkdtemp(join(tmpdir(), 'stepgate-s3-'))
const s3 = await startS3(folder)
const receivers = await startReceivers({ port: 0, secret: secret.signing })
afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await receivers.close()
  await s3.stop()
  await rm(folder, { recursive: true })
})

const { publicKey, privateKey } = webPush.generateVAPIDKeys()
const clock = testClock(new Date().toISOString())
const env = {
  ...s3.env,
  ...{ TELEGRAM_BOT_TOKEN: secret.bot, TELEGRAM_WEBHOOK_SECRET: secret.update, TELEGRAM_API_URL: wrong },
  ...{ NOTIFY_URL: `${wrong}/${secret.hook}?key=${secret.hookKey}`, NOTIFY_SECRET: secret.signing },
  ALERT_URL: `${wrong}/${secret.alert}`,
  ...{ VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: 'mailto:ops@app.test' },
}
const app = await useTestDeps({ clock, mounted: true, store: openStoreOf(parseConfig(s3.env)), env })
beforeEach(() => {
  asked.length = 0
})

/** All that is kept of what went wrong. Where somebody listens is kept too, in rows of its own. */
async function kept(): Promise<string> {
  const { rows } = await sql`
    select to_jsonb(o) as row from outbox o union all select to_jsonb(h) from task_events h
    union all select jsonb_build_array(error_message, unanswered_reason, steps) from tasks`.execute(app.deps.db)
  return JSON.stringify([rows, app.logged])
}

async function expectNothingTold(more: readonly string[] = []): Promise<void> {
  const said = await kept()
  const secrets = [...Object.values(secret), ...more, privateKey, s3.access.secretAccessKey, replicateToken]
  for (const one of secrets) expect(said, one).not.toContain(one)
  expect(said).not.toMatch(/X-Amz-Signature=[0-9a-f]/i)
}

const updateOf = (message: object) => ({
  path: '/api/telegram',
  headers: { 'x-telegram-bot-api-secret-token': secret.update },
  body: {
    update_id: Math.floor(Math.random() * 1e9),
    message: { message_id: 1, date: 1, chat: { id: 7, type: 'private' }, from: { id: 7, first_name: 'A' }, ...message },
  },
})

test.each(['cut', 'elsewhere', 'quoted'] as const)(
  'a chat, a browser, an app and an alert that can’t be told: %s',
  async (how) => {
    trouble = how
    await app.call(telegramEndpoint, updateOf({ text: '/status' }))
    const token = await app.signIn('telegram:7')
    const subscription = { ...receivers.subscribe(), endpoint: `${wrong}/${secret.subscription}` }
    expect((await app.call(push, { path: '/api/push', body: subscription, token })).status).toBe(201)
    fault(app, { on: 'outcome', fault: 'failed' })
    const story = await begun(app, { user: 'telegram:7' })
    await pingUntil(app, story, isOver, { clock })
    await app.settle()
    const { rows } = await sql`select receiver from outbox where last_error is not null`.execute(app.deps.db)
    expect(rows).toHaveLength(3)
    const hooks = [secret.hook, secret.alert, secret.subscription, 'sendMessage']
    for (const hook of hooks) expect(asked.join(' ')).toContain(hook)
    await expectNothingTold()
  },
)

test.each(['cut', 'elsewhere', 'quoted'] as const)('a photo that Telegram does not give: %s', async (how) => {
  trouble = how
  const photo = [{ file_id: 'a', file_unique_id: 'a', width: 1, height: 1 }]
  const answer = await app.call(telegramEndpoint, updateOf({ photo, caption: 'a red sky' }))
  await app.settle()
  expect(asked.join(' ')).toContain('/file/bot')
  expect(await answer.text()).not.toContain(secret.bot)
  await expectNothingTold()
})

test('a person is told nothing that Telegram quotes of the bot', async () => {
  trouble = 'quoted'
  const other = '654321:token-of-another-bot'
  const away = app.openInstance({ env: { ...env, TELEGRAM_BOT_TOKEN: other } })
  const answer = await away.call(telegramLink, {
    path: '/api/telegram-link',
    body: {},
    token: await away.signIn('ada'),
  })
  expect(answer.status).toBe(503)
  expect(await answer.text()).not.toContain(other)
  await expectNothingTold([other])
})

test.each(['cut', 'quoted'] as const)('a provider that quotes the links it was given: %s', async (how) => {
  trouble = how
  const one = app.openInstance({ env: { ...env, REPLICATE_BASE_URL: `${wrong}/v1` } })
  const pixel =
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const story = await begun(one, { body: { person_image: pixel, garments: ['https://images.test/coat.png'] } })
  await app.settle()
  const { error_message } = await rowOf(app, story)
  if (how === 'quoted') expect(error_message).toContain('/pictures/')
  await expectNothingTold()
})

test.each(['cut', 'elsewhere', 'quoted'] as const)('a bucket that is away: %s', async (how) => {
  const story = await begun(app)
  await pingUntil(app, story, isOver, { clock })
  const body = { task_id: story.id, step: 1 }
  const shared = await app.call(share, { path: '/api/share', body, token: story.token })
  const { url } = (await shared.json()) as { url: string }
  const id = new URL(url).searchParams.get('id') ?? ''
  trouble = how
  const store = openStoreOf(parseConfig({ ...s3.env, S3_ENDPOINT: wrong }))('files', { patienceMs: 300 })
  const away = openClient({ ...app.deps, files: openFiles(store) })
  const answers = await Promise.all([
    away.call(share, { path: `/api/share?id=${id}&picture=after` }),
    away.call(result, { path: `/api/result?task_id=${story.id}&step=1`, token: story.token }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([503, 503])
  await expectNothingTold([id, story.token])
})
