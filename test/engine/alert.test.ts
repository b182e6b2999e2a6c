// The alert that goes to ALERT_URL: when it is sent, that it is signed, and that no pass waits for it or fails with it.

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { deriveKey } from '../../engine/keys.ts'
import { start } from '../../functions/start.ts'
import { worker } from '../../functions/worker.ts'
import { verifySignature } from '../../providers/signature.ts'
import { begun, fault, inputOf, isOver, isResting, ping, pingUntil } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, useTestDeps } from '../setup/deps.ts'
import { insertTask, later, type TaskOverrides } from '../setup/factory.ts'

interface Alert {
  headers: Headers
  raw: string
  body: Record<string, unknown>
}

const received: Alert[] = []
let answerWith = 204
const receiver = createServer(async (request: IncomingMessage, response) => {
  const raw = await text(request)
  received.push({ headers: new Headers(request.headers as Record<string, string>), raw, body: JSON.parse(raw) })
  response.writeHead(answerWith).end()
}).listen(0, '127.0.0.1')
await once(receiver, 'listening')
const address = receiver.address()
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/alerts`

const secret = 'whsec_c3RlcGdhdGUtYWxlcnQtb2YtYS10ZXN0'
const clock = testClock()
const app = await useTestDeps({ clock, env: { ALERT_URL: url, ALERT_SECRET: secret } })

beforeEach(() => {
  received.length = 0
  answerWith = 204
})
afterAll(() => receiver.close())

async function failOnce(user: string): Promise<string> {
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app, { user })
  await pingUntil(app, story, isOver, { clock })
  await app.settle()
  return story.id
}

test('the first failure of a run is told, those after it are not, and after a success the next is', async () => {
  const first = await failOnce('ada')
  await failOnce('eve')
  expect(received.map(({ body }) => body)).toMatchObject([
    {
      type: 'failure',
      task_id: first,
      step: 1,
      attempt: 1,
      code: 'provider_failed',
      memory: { rss_mb: expect.any(Number) },
    },
  ])
  await pingUntil(app, await begun(app, { user: 'joe' }), isResting, { clock })
  const next = await failOnce('ada')
  expect(received.map(({ body }) => body['task_id'])).toEqual([first, next])
})

test('it is signed with ALERT_SECRET, or with a key derived from CRON_SECRET where there is none, over its id, time and body', async () => {
  await failOnce('ada')
  const alert = received[0]
  if (!alert) throw new Error('no alert came')
  verifySignature(alert.headers, alert.raw, secret, clock.now())
  expect(() => verifySignature(alert.headers, `${alert.raw} `, secret, clock.now())).toThrow('does not fit')
  const plain = app.openInstance({ env: { ALERT_URL: url } })
  await pingUntil(app, await begun(app, { user: 'joe' }), isResting, { clock })
  fault(app, { on: 'create', fault: 'rejected' })
  await begun(plain, { user: 'eve' })
  await app.settle()
  const derived = `whsec_${deriveKey(cronSecret, 'alert').toString('base64')}`
  const { headers = new Headers(), raw = '' } = received[1] ?? {}
  verifySignature(headers, raw, derived, clock.now())
  expect(() => verifySignature(headers, raw, cronSecret, clock.now())).toThrow('does not fit')
})

/** As start does it: the mark is raised, so that no ping takes the deployment for asleep. */
async function insertDue(task: TaskOverrides): Promise<void> {
  await app.deps.wake.raise()
  await insertTask(app.deps.db, task)
}

test('due work that nobody looked at for ten minutes is told, once an hour', async () => {
  await insertDue({ phase: 'running', due_at: later(clock.now(), -599) })
  await ping(app)
  expect(received).toEqual([])
  await insertDue({ phase: 'running', due_at: later(clock.now(), -700) })
  await ping(app)
  expect(received.map(({ body }) => body)).toMatchObject([{ type: 'overdue', overdue_seconds: 700 }])
  await insertDue({ phase: 'running', due_at: later(clock.now(), -800) })
  await ping(app.openInstance({ env: { ALERT_URL: url } }))
  expect(received).toHaveLength(1)
  clock.advance(3_700)
  await ping(app)
  expect(received).toHaveLength(2)
})

test('due work that no pass may claim is told too', async () => {
  clock.advance(3_700)
  await insertDue({ phase: 'running', due_at: later(clock.now(), -900), recipe: 'of another version' })
  await ping(app)
  expect(received.map(({ body }) => body)).toMatchObject([{ type: 'overdue', overdue_seconds: 900 }])
})

test('without ALERT_URL nothing is sent', async () => {
  const quiet = app.openInstance({ env: { ALERT_URL: undefined, ALERT_SECRET: undefined } })
  fault(app, { on: 'create', fault: 'rejected' })
  await begun(quiet)
  await insertDue({ phase: 'running', due_at: later(clock.now(), -9_000) })
  await ping(quiet)
  expect(received).toEqual([])
})

test.each([
  ['that refuses it', () => url, 500],
  ['that is not there', () => 'http://127.0.0.1:9/', 204],
])('a pass does not fail with a receiver %s, and the log says so', async (_name, at, answers) => {
  answerWith = answers
  const other = app.openInstance({ env: { ALERT_URL: at() } })
  fault(app, { on: 'create', fault: 'rejected' })
  await begun(other)
  await app.settle()
  expect(app.logged.map(({ msg }) => msg)).toContain(
    answers === 500 ? 'the alert was not taken' : 'the alert was not delivered',
  )
  expect(await ping(other)).toMatchObject({ idle: true })
})

test('a pass does not wait for the receiver', async () => {
  const held = Promise.withResolvers<void>()
  const slow = app.openInstance({
    env: { ALERT_URL: url },
    http: (real) => ({
      ...real,
      send: async (request) => {
        if (request.url === url) await held.promise
        return real.send(request)
      },
    }),
  })
  await insertDue({ at: clock.now(), input: 'not an input of try-on' })
  const answer = await slow.call(worker, { path: '/api/worker', token: cronSecret })
  expect(await answer.json()).toMatchObject({ rejected: 1 })
  expect(received).toEqual([])
  held.resolve()
  await app.settle()
  expect(received).toHaveLength(1)
})

test('eighty percent of the day, and all of it, are told once each', async () => {
  const env = { ALERT_URL: url, ALERT_SECRET: secret, BUDGET_PER_DAY: '0.072', BUDGET_PER_USER_PER_DAY: 'off' }
  const tight = app.openInstance({ env })
  const token = await tight.signIn('ada')
  // Too much at once says nothing of the day.
  expect((await tight.call(start, { path: '/api/start', body: inputOf(10), token })).status).toBe(429)
  const ask = async (garments: number) => {
    const answer = await tight.call(start, { path: '/api/start', body: inputOf(garments), token })
    await tight.settle()
    return answer.status
  }
  expect(await ask(2)).toBe(202)
  expect(received).toEqual([])
  expect([await ask(1), await ask(1), await ask(2)]).toEqual([202, 429, 429])
  const told = received.map(({ body }) => body).filter(({ type }) => type === 'spending')
  expect(told).toMatchObject([
    { percent: 80, spent_micros: 69_000, limit_micros: 72_000 },
    { percent: 100, spent_micros: 69_000, limit_micros: 72_000 },
  ])
  const other = app.openInstance({ env })
  await other.call(start, { path: '/api/start', body: inputOf(1), token })
  await other.settle()
  expect(received.filter(({ body }) => body['type'] === 'spending')).toHaveLength(2)
})
