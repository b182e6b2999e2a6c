// Worker, checker, recover, tick and health: who may call them, by which method, and what they answer.
import { expect, test } from 'vitest'
import type { Endpoint } from '../../engine/deps.ts'
import { checker } from '../../functions/checker.ts'
import { health } from '../../functions/health.ts'
import { recover } from '../../functions/recover.ts'
import { tick } from '../../functions/tick.ts'
import { worker } from '../../functions/worker.ts'
import { begun, fault, isResting, ping, pingUntil } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { cronSecret, useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const counter = statementCounter(app.database.url)

const pings = Object.entries({ worker, checker, recover })
const byMethod = pings.flatMap(([name, endpoint]) =>
  ['GET', 'POST', 'HEAD'].map((method) => [name, method, endpoint] as const),
)

test.each(byMethod)('%s takes %s, with the secret in the header or in the address', async (name, method, endpoint) => {
  const inHeader = await app.call(endpoint, { method, path: `/api/${name}`, token: cronSecret })
  const inAddress = await app.call(endpoint, { method, path: `/api/${name}?key=${cronSecret}` })
  await app.settle()
  expect([inHeader.status, inAddress.status]).toEqual([200, 200])
})

test('worker says what it submitted, checker what it checked, recover what it picked up', async () => {
  fault(app, { on: 'create', fault: 'reset_before', times: 2 }, { on: 'create', fault: 'rejected' })
  for (const user of ['ada', 'eve', 'joe']) await begun(app, { user })
  await begun(app, { garments: 2 })
  clock.advance(5)
  expect(await ping(app, checker)).toEqual({
    ...{ message: 'Checked 1 predictions', checked: 1, completed: 0, waiting: 1, failed: 0, idle: false },
    duration_ms: expect.any(Number),
  })
  expect(await ping(app, worker)).toEqual({
    ...{ message: 'Submitted 0 predictions', submitted: 0, rejected: 0, unconfirmed: 0, idle: true },
    duration_ms: expect.any(Number),
  })
  const { message, idle } = await ping(app, recover)
  expect([message, idle]).toEqual(['Picked up 0 overdue tasks', true])
})

test('a create that is throttled is not counted as rejected', async () => {
  fault(app, { on: 'create', fault: 'rate_limited' })
  app.logged.length = 0
  await begun(app)
  const told = app.logged.filter(({ msg, by }) => msg === 'pass' && by === 'start')
  expect(told).toMatchObject([{ submitted: 0, rejected: 0, failed: 0 }])
})

test('a pass logs one line with its counts, durations and memory, and none at this level when there was nothing', async () => {
  await begun(app)
  app.logged.length = 0
  const told = () => app.logged.filter(({ level, msg }) => Number(level) >= 30 && msg === 'pass')
  await ping(app, worker)
  expect(told()).toEqual([])
  clock.advance(5)
  await ping(app, checker)
  expect(told().filter(({ msg }) => msg === 'pass')).toMatchObject([
    {
      by: 'checker',
      checked: 1,
      completed: 1,
      ms: expect.any(Number),
      rss_mb: expect.any(Number),
      heap_mb: expect.any(Number),
    },
  ])
})

/** Everything that was started is over, and a ping has seen that nothing is left. */
async function asleep(): Promise<void> {
  const story = await begun(app)
  await pingUntil(app, story, isResting, { clock })
  clock.advance(120)
  await ping(app, worker)
  await counter.reset()
}

test.each<[string, Endpoint]>([...pings.slice(0, 2), ['tick', tick]])(
  '%s with nothing active is idle, and does not touch the database',
  async (_name, endpoint) => {
    await asleep()
    for (let times = 0; times < 5; times += 1) {
      clock.advance(60)
      expect(await ping(app, endpoint)).toMatchObject({ idle: true })
    }
    expect(await counter.count(), JSON.stringify(await counter.list())).toBe(0)
  },
)

test('recover looks even when nothing seems active', async () => {
  await asleep()
  expect(await ping(app, recover)).toMatchObject({ idle: true })
  // Its look, and four of the sweep: sessions that have ended, what is to be erased, old tasks, and fal's bills that are still to be read.
  expect(await counter.count()).toBe(5)
})

test('a start wakes what was asleep, for pings of any instance', async () => {
  await asleep()
  const other = app.openInstance()
  fault(app, { on: 'create', fault: 'rate_limited', retry_after: 30 })
  await begun(app)
  clock.advance(31)
  expect(await ping(other, worker)).toMatchObject({ submitted: 1, idle: false })
})

test('health answers 200 with a database and 503 without, and tells nobody more than that', async () => {
  const fine = await app.call(health, { path: '/api/health' })
  expect([fine.status, await fine.json()]).toEqual([200, { status: 'ok' }])
  expect((await app.call(health, { method: 'HEAD', path: '/api/health' })).status).toBe(200)
  const lost = app.openInstance({ env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' } })
  const answer = await lost.call(health, { path: '/api/health' })
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'unavailable', status: 503 }])
})

const called = (path: string) =>
  new Request(`http://app.test/api/${path}`, { headers: { authorization: `Bearer ${cronSecret}` } })
const apart = { waitUntil: () => undefined }
/** Every patience is over at once. */
const impatient = { ...app.deps, wait: () => Promise.resolve() }
const never = () => new Promise<never>(() => undefined)

test('a ping is answered in time though the blob store hangs', async () => {
  const deps = {
    ...impatient,
    wake: { ...app.deps.wake, look: never },
    instants: { ...app.deps.instants, note: never },
  }
  for (const [name, endpoint] of pings) expect((await endpoint(called(name), deps, apart)).status).toBe(200)
})

test('recover is answered in time though its sweeps hang', async () => {
  const deps = { ...impatient, files: { ...app.deps.files, folders: never } }
  expect(await (await recover(called('recover'), deps, apart)).json()).toMatchObject({ uploads_deleted: 0 })
})

test('health says within its time that the database hangs', async () => {
  await expect(health(called('health'), impatient, apart)).rejects.toMatchObject({ code: 'unavailable' })
})
