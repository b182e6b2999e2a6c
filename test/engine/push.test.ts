// Web push, from the subscription to what a browser reads: real encryption and real HTTP, against a push service that refuses what a real one would.
import { sql } from 'kysely'
import { afterAll, beforeEach, expect, test } from 'vitest'
import webPush from 'web-push'
import { cancelTask } from '../../db/statements/user-moves.ts'
import { push } from '../../functions/push.ts'
import { notifyOf } from '../../notify/index.ts'
import { type Subscription, startReceivers } from '../../simulator/receivers/index.ts'
import { barrier, begun, fault, isOver, isWaiting, ping, pingUntil, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { type Instance, useTestDeps } from '../setup/deps.ts'

const receivers = await startReceivers({ port: 0, secret: 'whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3' })
const { publicKey, privateKey } = webPush.generateVAPIDKeys()
const clock = testClock(new Date().toISOString())
const env = {
  ...{ VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: 'mailto:ops@app.test' },
  ALLOW_HTTP_CALLBACKS: '1',
}
const app = await useTestDeps({ clock, env })

let seen = 0
beforeEach(() => {
  receivers.answer(undefined)
  seen = receivers.pushes.length
})
afterAll(() => receivers.close())

const pushed = () => receivers.pushes.slice(seen)
const ask = async (instance: Instance, body: object, user = 'ada') =>
  instance.call(push, { path: '/api/push', body, token: await instance.signIn(user) })

async function subscribe(user = 'ada', more: object = {}): Promise<Subscription> {
  const subscription = receivers.subscribe()
  expect((await ask(app, { ...subscription, expirationTime: null, ...more }, user)).status).toBe(201)
  return subscription
}

const listeners = async () =>
  (await sql<{ user_id: string }>`select user_id from listeners order by created_at`.execute(app.deps.db)).rows

test('with the tab closed, a training ends and exactly one push arrives, in the person’s language', async () => {
  await subscribe('ada', { language: 'ru' })
  const body = {
    recipe: 'avatar',
    training_type: 'portrait',
    images_url: 'https://images.test/photos.zip',
    trigger_phrase: 'ada',
  }
  const story = await begun(app, { body })
  await pingUntil(app, story, isOver, { clock, every: 60, within: 90_000 })
  await ping(app)
  expect(pushed()).toEqual([
    {
      id: expect.any(String),
      type: 'task.completed',
      task_id: story.id,
      title: 'Готово',
      body: expect.stringContaining('результат'),
    },
  ])
})

test('the process died between the move and the send: exactly one push arrives', async () => {
  await subscribe()
  // It is killed with the send on its way out: the request never begins, and nothing after it runs.
  const gate = barrier('before', (url) => url.startsWith(receivers.url))
  const dying = app.openInstance({ env, http: gate.http, isApart: true })
  const story = await begun(app)
  for (let seconds = 0; (await rowOf(app, story)).status !== 'completed'; seconds += 5) {
    clock.advance(5)
    await dying.call((await import('../../functions/worker.ts')).worker, {
      path: '/api/worker',
      token: 'cron-secret-of-a-test',
    })
    if (seconds > 300) throw new Error('the task does not end')
  }
  await gate.reached
  expect(pushed()).toEqual([])
  await ping(app)
  expect(pushed()).toEqual([])
  clock.advance(91)
  await ping(app)
  await ping(app)
  expect(pushed().map(({ type }) => type)).toEqual(['task.completed'])
})

test('a gate is pushed with its step, a person’s own cancel is not', async () => {
  await subscribe()
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  expect(pushed()).toMatchObject([{ type: 'task.waiting', title: 'Step 1 of 2 is ready' }])
  const { user_id } = await rowOf(app, story)
  await cancelTask(app.deps.db, { id: story.id, user_id, now: clock.now(), notify: notifyOf(app.deps.config) })
  await ping(app)
  expect(pushed()).toHaveLength(1)
})

test.each([404, 410] as const)('a subscription dies when its service answers %i', async (status) => {
  await subscribe()
  receivers.answer(status)
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app)
  await pingUntil(app, story, isOver, { clock })
  await app.settle()
  expect(await listeners()).toEqual([])
  receivers.answer(undefined)
  clock.advance(3_600)
  await ping(app)
  expect(pushed()).toEqual([])
})

test('whoever uses the browser now is told, and nobody else; removed is removed', async () => {
  const subscription = await subscribe('ada')
  expect((await ask(app, subscription, 'eve')).status).toBe(201)
  expect(await listeners()).toEqual([{ user_id: 'eve' }])
  expect((await ask(app, { endpoint: subscription.endpoint, remove: true }, 'ada')).status).toBe(200)
  expect(await listeners()).toHaveLength(1)
  expect((await ask(app, { endpoint: subscription.endpoint, remove: true }, 'eve')).status).toBe(200)
  expect(await listeners()).toEqual([])
})

test('an address is kept, and found again, as it was parsed', async () => {
  const { endpoint, keys } = receivers.subscribe()
  const typed = ` ${endpoint.replace('http:', 'HTTP:')}/a b `
  expect((await ask(app, { endpoint: typed, keys })).status).toBe(201)
  const { rows } = await sql<{ kept: string }>`select address->>'endpoint' as kept from listeners`.execute(app.deps.db)
  expect(rows).toEqual([{ kept: `${endpoint}/a%20b` }])
  expect((await ask(app, { endpoint: typed, remove: true })).status).toBe(200)
  expect(await listeners()).toEqual([])
})

test('a user has ten browsers at most: the oldest goes', async () => {
  for (let count = 0; count < 12; count += 1) {
    clock.advance(1)
    await subscribe()
  }
  expect(await listeners()).toHaveLength(10)
})

const { keys } = receivers.subscribe()
test.each([
  ['an address of anywhere', { endpoint: 'https://evil.test/push', keys }, 'endpoint'],
  ['a known service on another port', { endpoint: 'https://fcm.googleapis.com:8443/x', keys }, 'endpoint'],
  ['a name that only ends like one', { endpoint: 'https://evilfcm.googleapis.com/x', keys }, 'endpoint'],
  ['no address', { endpoint: 'x', keys }, 'endpoint'],
  ...['\\@evil.test/x', '/\tx', '/x\n', '\\x'].map((end): [string, object, string] => [
    `an address that can be read in two ways, ${JSON.stringify(end)}`,
    { endpoint: `https://fcm.googleapis.com${end}`, keys },
    'endpoint',
  ]),
  ['no keys', { endpoint: 'https://fcm.googleapis.com/fcm/send/x' }, 'keys'],
  [
    'a key that is no point',
    { endpoint: 'https://fcm.googleapis.com/fcm/send/x', keys: { ...keys, p256dh: 'AAAA' } },
    'keys.p256dh',
  ],
  [
    'a secret that is too short',
    { endpoint: 'https://fcm.googleapis.com/fcm/send/x', keys: { ...keys, auth: 'AAAA' } },
    'keys.auth',
  ],
])('a subscription is refused with the field that is wrong: %s', async (_name, body, path) => {
  const answer = await ask(app, body)
  expect(answer.status).toBe(400)
  expect(((await answer.json()) as { errors: { path: string }[] }).errors[0]?.path).toBe(path)
  expect(await listeners()).toEqual([])
})

test('without keys push is off: the page is told so, and a subscription is refused', async () => {
  const off = app.openInstance({ env: { VAPID_PUBLIC_KEY: '', VAPID_PRIVATE_KEY: '', VAPID_SUBJECT: '' } })
  expect(await (await off.call(push, { path: '/api/push' })).json()).toEqual({ public_key: null })
  expect((await ask(off, receivers.subscribe())).status).toBe(503)
  expect(await (await app.call(push, { path: '/api/push' })).json()).toEqual({ public_key: publicKey })
})
