// The outbox, delivered as signed webhooks over real HTTP: every move is told, in order, however its receiver or our process fails.
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { cancelTask } from '../../db/statements/user-moves.ts'
import { deliver } from '../../engine/deliver.ts'
import { readHealth } from '../../engine/health.ts'
import { sweepStored } from '../../engine/sweep.ts'
import { cancel } from '../../functions/cancel.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { notifyOf } from '../../notify/index.ts'
import { begun, fault, inputOf, isOver, isWaiting, ping, pingUntil, press, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { openReceiver } from './receiver.ts'

const receiver = await openReceiver()
const [old, secret] = ['whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xk', 'whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3']
const env = {
  NOTIFY_URL: `${receiver.url}/hook?key=hidden`,
  NOTIFY_SECRET: `${secret} ${old}`,
  ALLOW_HTTP_CALLBACKS: '1',
}
const clock = testClock(new Date().toISOString())
const app = await useTestDeps({
  clock,
  env,
})

beforeEach(() => {
  Object.assign(receiver, { answer: 204, headers: {} })
  receiver.received.length = 0
})
afterAll(() => receiver.close())

const heard = () => receiver.received.map(({ body }) => `${body.type} ${body.task['current_step']}`)
const outbox = async () =>
  (
    await sql<{ tries: number; last_error: string | null; due_at: Date | null; given_up_at: Date | null }>`
    select tries, last_error, due_at, given_up_at from outbox order by seq`.execute(app.deps.db)
  ).rows

test('each move of a task is told once, in order, signed with every secret, as its task was then', async () => {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  await press(app, continueEndpoint, story)
  await app.settle()
  await pingUntil(app, story, isOver, { clock })
  expect(heard()).toEqual(['task.waiting 1', 'task.completed 2'])
  const [first] = receiver.received
  expect(first?.body).toMatchObject({ user_id: 'ada' })
  expect(first?.body).toMatchObject({ task: { task_id: story.id, status: 'waiting_continue', steps: [{ step: 1 }] } })
  expect(first?.headers['webhook-id']).toBe(first?.body.id)
  for (const key of [old, secret]) {
    const judge = new Webhook(key)
    for (const { raw, headers } of receiver.received) expect(judge.verify(raw, headers)).toEqual(JSON.parse(raw))
  }
  expect(first?.raw).not.toMatch(/images\.test|claim_token/)
  expect(first?.body.task).not.toHaveProperty('user_id')
  expect(() => new Webhook('whsec_YW5vdGhlcg==').verify(first?.raw ?? '', first?.headers ?? {})).toThrow()
})

test('a receiver that is down for a day loses nothing, and hears in order when it is back', async () => {
  receiver.answer = 503
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  await press(app, cancel, story)
  await app.settle()
  expect(heard()).toEqual(['task.waiting 1'])
  for (let hour = 0; hour < 24; hour += 1) {
    clock.advance(3_600)
    await ping(app)
  }
  expect(new Set(heard())).toEqual(new Set(['task.waiting 1']))
  expect(receiver.received.length).toBeLessThan(10)
  receiver.answer = 204
  clock.advance(12 * 3_600)
  await ping(app)
  expect(heard().slice(-2)).toEqual(['task.waiting 1', 'task.canceled 1'])
  const ids = receiver.received.map(({ body }) => body.id)
  expect(new Set(ids.slice(0, -1)).size).toBe(1)
  expect(JSON.stringify(app.logged)).not.toContain('hidden')
})

test('after three days an event is given up, and the next one of its task is told', async () => {
  receiver.answer = 500
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  clock.advance(86_400)
  await press(app, cancel, story)
  await app.settle()
  for (let hour = 0; hour < 6 * 13 && (await outbox())[0]?.due_at; hour += 6) {
    clock.advance(6 * 3_600)
    await ping(app)
  }
  receiver.answer = 204
  receiver.received.length = 0
  clock.advance(60)
  await ping(app)
  expect(heard()).toEqual(['task.canceled 1'])
  expect(await outbox()).toMatchObject([
    { last_error: 'the receiver answers 500', due_at: null },
    { given_up_at: null },
  ])
})

test('a process that dies between the move and the send leaves its event to the next pass', async () => {
  const story = await begun(app, { garments: 2 })
  const { user_id } = await rowOf(app, story)
  await cancelTask(app.deps.db, { id: story.id, user_id, now: clock.now(), notify: notifyOf(app.deps.config) })
  expect(heard()).toEqual([])
  await ping(app)
  expect(heard()).toEqual(['task.canceled 1'])
})

test('a message whose answer was lost is repeated under the same id, and told no more', async () => {
  receiver.answer = 'lost'
  const story = await begun(app, { garments: 2 })
  await press(app, cancel, story)
  await app.settle()
  receiver.answer = 204
  clock.advance(10)
  await ping(app)
  await ping(app)
  expect(heard()).toEqual(['task.canceled 1', 'task.canceled 1'])
  expect(new Set(receiver.received.map(({ body }) => body.id)).size).toBe(1)
  expect(new Set(receiver.received.map(({ raw }) => raw)).size).toBe(1)
})

test('a receiver that says when is asked then, and one that answers 410 not again', async () => {
  Object.assign(receiver, { answer: 429, headers: { 'retry-after': '120' } })
  const story = await begun(app)
  await press(app, cancel, story)
  await app.settle()
  clock.advance(100)
  await ping(app)
  expect(receiver.received).toHaveLength(1)
  receiver.answer = 410
  clock.advance(40)
  await ping(app)
  clock.advance(86_400)
  await ping(app)
  expect(receiver.received).toHaveLength(2)
  expect(await outbox()).toMatchObject([{ last_error: 'the receiver answers 410 Gone', tries: 2, due_at: null }])
})

test('two passes at once tell an event once', async () => {
  const story = await begun(app)
  const { user_id } = await rowOf(app, story)
  await cancelTask(app.deps.db, { id: story.id, user_id, now: clock.now(), notify: notifyOf(app.deps.config) })
  await Promise.all([deliver(app.deps), deliver(app.deps), deliver(app.deps)])
  expect(heard()).toEqual(['task.canceled 1'])
})

test('a failure is told as one, and not once more for what is left to do at the provider', async () => {
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app)
  await pingUntil(app, story, isOver, { clock })
  await app.settle()
  expect(heard()).toEqual(['task.failed 1'])
  expect(receiver.received[0]?.body.task).toMatchObject({ error_code: 'provider_failed' })
})

test('a task with an address of its own tells it there as well, until that answers 410', async () => {
  const app2 = app.openInstance({ env: { ...env, NOTIFY_HOSTS: '127.0.0.1' } })
  const body = { ...inputOf(2), notify_url: `${receiver.url}/own?key=hidden` }
  const story = await begun(app2, { body })
  expect(
    JSON.stringify(
      await (await app2.call(status, { path: `/api/status?task_id=${story.id}`, token: story.token })).json(),
    ),
  ).not.toContain('hidden')
  await pingUntil(app2, story, isWaiting, { clock })
  await app2.settle()
  expect(receiver.received.map(({ path }) => path).toSorted()).toEqual(['/hook?key=hidden', '/own?key=hidden'])
  receiver.answer = 410
  await press(app2, continueEndpoint, story)
  await pingUntil(app2, story, isOver, { clock })
  await app2.settle()
  expect(receiver.received).toHaveLength(4)
  expect(await rowOf(app2, story)).toMatchObject({ notify_url: null })
  expect(JSON.stringify(app.logged)).not.toContain('hidden')
})

test.each([
  ['https://elsewhere.test/hook', /must name one of these hosts: app.test, 127.0.0.1/],
  ['http://app.test/hook', /must be an https URL/],
  ['https://ada:secret@app.test/hook', /must not carry a user name/],
  [`https://app.test/${'x'.repeat(2_000)}`, /at most 2000 characters/],
  ['https://app.test\\@evil.test/', /must not hold control characters or backslashes/],
  ['ftp://app.test/', /must be an https URL/],
  ['hook', /must be an https URL/],
])('an address that is not to be told is refused with the reason: %s', async (notify_url, says) => {
  const app2 = app.openInstance({ env: { ...env, NOTIFY_HOSTS: 'app.test,127.0.0.1' } })
  const token = await app2.signIn('ada')
  const answer = await app2.call(start, { path: '/api/start', body: { ...inputOf(1), notify_url }, token })
  expect(answer.status).toBe(400)
  const { code, errors } = (await answer.json()) as { code: string; errors: { path: string; message: string }[] }
  expect([code, errors[0]?.path]).toEqual(['invalid_request', 'notify_url'])
  expect(errors[0]?.message).toMatch(says)
})

test('a receiver on a private host is asked for nothing, and its event ends', async () => {
  const alone = app.openInstance({ env: { ...env, NOTIFY_URL: 'https://10.0.0.7/hook', ALLOW_HTTP_CALLBACKS: '0' } })
  const story = await begun(alone)
  await press(alone, cancel, story)
  await alone.settle()
  expect(await outbox()).toMatchObject([
    { tries: 1, due_at: null, last_error: expect.stringContaining('not on a public host') },
  ])
})

test('a slow receiver of many events is left alone after three failures, and nothing else waits for it', async () => {
  receiver.answer = 503
  const stories = []
  for (let count = 0; count < 12; count += 1) stories.push(await begun(app, { user: `user-${count}` }))
  const rows = await Promise.all(stories.map((story) => rowOf(app, story)))
  const timed = { now: clock.now(), notify: notifyOf(app.deps.config) }
  for (const { id, user_id } of rows) await cancelTask(app.deps.db, { id, user_id, ...timed })
  await deliver(app.deps)
  // Four at once, and none begins after the third has failed.
  expect(receiver.received.length).toBeLessThanOrEqual(6)
  expect((await outbox()).filter(({ tries }) => tries === 0).length).toBeGreaterThanOrEqual(6)
})

test('health and stats tell what is still to be told, and the command shows and repeats it', async () => {
  receiver.answer = 500
  const story = await begun(app)
  await press(app, cancel, story)
  await app.settle()
  clock.advance(3)
  const standing = await readHealth(app.deps)
  expect(standing.outbox).toEqual({ undelivered: 1, given_up: 0, oldest_seconds: 3 })
  expect(await sweepStored(app.deps)).toEqual({ tasks: 0, orphans: 0 })
})
