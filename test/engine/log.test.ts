// The log: one line for every pass and every move, and no secret in any of them, whatever happened.
import { expect, test } from 'vitest'
import { openLog } from '../../engine/log.ts'
import { cancel } from '../../functions/cancel.ts'
import { checker } from '../../functions/checker.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { recover } from '../../functions/recover.ts'
import { redo } from '../../functions/redo.ts'
import { result } from '../../functions/result.ts'
import { status } from '../../functions/status.ts'
import { webhook } from '../../functions/webhook.ts'
import { worker } from '../../functions/worker.ts'
import { begun, deliverWebhooks, fault, isOver, isWaiting, ping, pingUntil, press, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, replicateToken, sessionSecret, useTestDeps, webhookSecret } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock, mounted: true })

const moves = (id: string) =>
  app.logged
    .filter(({ msg, task }) => msg === 'moved' && task === id)
    .map(({ by, move, from, to }) => `${by} ${move}: ${from} → ${to}`)

const loseWebhooks = () => fault(app, { on: 'webhook', fault: 'lost', times: 99 })

test('every move of a task is one line: what, from where, to where, by whom, for how long it was there, with how much memory', async () => {
  loseWebhooks()
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  clock.advance(40)
  await press(app, continueEndpoint, story)
  await app.settle()
  await press(app, cancel, story)
  await app.settle()
  expect(moves(story.id)).toEqual([
    'user started: null → pending',
    'start claimed: pending → processing/submitting',
    'start created: processing/submitting → processing/running',
    'worker succeeded: processing/running → processing/storing',
    'worker stored: processing/storing → waiting_continue',
    'user continued: waiting_continue → processing/submitting',
    'continue created: processing/submitting → processing/running',
    'user canceled: processing/running → canceled',
  ])
  expect(app.logged.find(({ move }) => move === 'continued')).toMatchObject({
    ...{ level: 30, step: 2, attempt: 1, ms: 40_000, rss_mb: expect.any(Number), heap_mb: expect.any(Number) },
  })
})

test('a failure is logged with its code', async () => {
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app)
  await pingUntil(app, story, isOver, { clock })
  expect(app.logged.find(({ move }) => move === 'failed')).toMatchObject({ task: story.id, code: 'provider_failed' })
})

test('a webhook and a poll are named as what caused a move', async () => {
  const reported = await begun(app)
  clock.advance(5)
  await deliverWebhooks(app, clock)
  expect(moves(reported.id).at(-1)).toBe('webhook stored: processing/running → completed')
  loseWebhooks()
  const polled = await begun(app, { user: 'eve' })
  clock.advance(5)
  await app.call(status, { path: `/api/status?task_id=${polled.id}`, token: polled.token })
  await app.settle()
  expect(moves(polled.id).at(-1)).toBe('status stored: processing/storing → completed')
})

test('every pass is one line that names its trigger', async () => {
  await begun(app)
  clock.advance(5)
  await ping(app, checker)
  const passes = app.logged.filter(({ msg }) => msg === 'pass')
  expect(passes.map(({ by, idle }) => [by, idle])).toEqual([
    ['start', false],
    ['checker', false],
  ])
})

/** Everything that happens to go wrong, and right. */
async function runEventfully(): Promise<string[]> {
  fault(app, { on: 'create', fault: 'error_after' }, { on: 'get', fault: 'error' }, { on: 'file', fault: 'error' })
  const story = await begun(app, { garments: 2 })
  await deliverWebhooks(app, clock)
  await pingUntil(app, story, isWaiting, { clock })
  await press(app, redo, story)
  await app.settle()
  const { claim_token } = await rowOf(app, story)
  await pingUntil(app, story, isWaiting, { clock })
  const path = `/api/result?task_id=${story.id}&step=1`
  await app.call(result, { path, token: story.token })
  await app.call(result, { path: `${path}&signature=of-a-test`, token: `${story.token}x` })
  await app.call(worker, { path: '/api/worker?key=a-wrong-secret-of-a-test' })
  await app.call(recover, { path: `/api/recover?key=${cronSecret}` })
  await app.call(webhook, { path: '/api/webhook/replicate?mac=of-a-test', body: {} })
  const broken = app.openInstance({ env: { DATABASE_URL: 'postgres://someone:hidden-word@127.0.0.1:9/none' } })
  await broken.call(worker, { path: `/api/worker?key=${cronSecret}` })
  await app.settle()
  return [story.token, claim_token ?? 'none', 'hidden-word', 'a-wrong-secret-of-a-test']
}

test('no token, secret, signature or link that opens anything is in the log', async () => {
  const secrets = [...(await runEventfully()), cronSecret, sessionSecret, webhookSecret, replicateToken]
  const log = app.logged.map((line) => JSON.stringify(line)).join('\n')
  expect(app.logged.length).toBeGreaterThan(20)
  for (const secret of secrets) expect(log).not.toContain(secret)
  expect(log).not.toMatch(/signature=[A-Za-z0-9_-]{8}|mac=[A-Za-z0-9_-]{8}/)
})

test('a secret in somebody else’s words is cut out, wherever it stands', () => {
  const lines: string[] = []
  const log = openLog({ LOG_LEVEL: 'info', LOG_FORMAT: 'json' }, { write: (line) => lines.push(line) })
  const link = 'https://app.test/api/result?file=a&marker=m1234&signature=abc-DEF_1&expires=1'
  log.warn({ reason: `could not fetch ${link}`, err: new Error(`Bearer r8_abc refused at ${link}`) }, `see ${link}`)
  log.info({ url: '/api/worker?key=s3cret', deep: { list: ['?mac=x1y2z3'] } }, 'called')
  const text = lines.join('')
  for (const secret of ['m1234', 'abc-DEF_1', 'r8_abc', 's3cret', 'x1y2z3']) expect(text).not.toContain(secret)
  expect(text).toContain('file=a')
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
})

test('a key of a provider or of ours is cut out of a line, whoever quotes it', () => {
  const lines: string[] = []
  const keys = {
    REPLICATE_API_TOKEN: 'r8_quoted-by-somebody',
    REPLICATE_WEBHOOK_SECRET: 'whsec_first whsec_second',
    TELEGRAM_BOT_TOKEN: '123456:bot-token',
  }
  const log = openLog({ LOG_LEVEL: 'info', LOG_FORMAT: 'json', ...keys }, { write: (line) => lines.push(line) })
  log.info({ reason: 'wrong key r8_quoted-by-somebody at /bot123456:bot-token/getMe' }, 'whsec_second is not known')
  expect(lines.join()).toContain('wrong key …')
  expect(lines.join()).not.toMatch(/r8_quoted|whsec_second|bot-token/)
})
