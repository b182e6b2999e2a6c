// What was asked for of trainings that were forgotten: found and gone on with at any time, by whoever comes next; hourly, up to 24
// hours; limits by environment; attempts that nobody makes twice.
import { beforeEach, expect, test } from 'vitest'
import { recover } from '../../functions/recover.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { barrier, begin, begun, isOver, isResting, ping, pingUntil, rowOf, type Story } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock, env: { PUBLIC_URL: 'https://stepgate.test' } })
const { fal } = app.simulator
const hour = 3_600

beforeEach(() => {
  fal.reset()
  fal.set({ webhooks: false, weights_bytes: 20_000, seconds_per_training: 1_500 })
})

const body = { recipe: 'avatar', training_type: 'style', images_url: 'https://images.test/photos.zip' }
const train = (user = 'ada') => begun(app, { body, user })

test('process restarted mid-training: the next one goes on, without being told', async () => {
  const died = app.openInstance({ isApart: true })
  const story = await begun(died, { body })
  clock.advance(120)
  await ping(died)
  const next = app.openInstance()
  const row = await pingUntil(next, story, isOver, { clock, every: 60, within: hour })
  expect(row).toMatchObject({ status: 'completed', attempt: 1 })
  expect(fal.till()).toMatchObject({ create_requests: 1, paid: 1 })
})

test('process killed while it submits: the training is found by its marker once fal lists it, and never made again', async () => {
  const death = barrier('after', (url, method) => method === 'POST' && url.includes('/queue/'))
  const dying = app.openInstance({ http: death.http, isApart: true })
  const story = await begin(dying, { body })
  await death.reached
  const row = await pingUntil(app, story, isOver, { clock, every: 60, within: 2 * hour })
  expect(row).toMatchObject({ status: 'completed', attempt: 1 })
  expect(fal.till()).toMatchObject({ create_requests: 1, created: 1 })
  expect(fal.till().predictions[0]?.input['images_data_url']).toContain('#marker=')
})

test('a submission of which nobody knows ends at the limit, for a person to decide; it is not made again blindly', async () => {
  fal.addFaults([{ on: 'create', fault: 'reset_before' }])
  const story = await train()
  const row = await pingUntil(app, story, isOver, { clock, every: 900, within: 25 * hour })
  expect(row).toMatchObject({ status: 'failed', error_code: 'submission_unconfirmed' })
  expect((clock.now().getTime() - row.created_at.getTime()) / 1000).toBeGreaterThanOrEqual(24 * hour)
  expect(fal.till()).toMatchObject({ create_requests: 1, created: 0 })
})

test('several avatars stuck at once: one sweep after hours of silence picks all of them up', async () => {
  const stories: Story[] = []
  for (const user of ['ada', 'bea', 'cem', 'dan', 'eve']) stories.push(await train(user))
  clock.advance(3 * hour)
  await ping(app, recover)
  for (const story of stories) expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
  expect(fal.till()).toMatchObject({ create_requests: 5, paid: 5 })
})

test('training older than 24 h: what has finished meanwhile is taken, what still runs is given up and canceled', async () => {
  const finished = await train('ada')
  fal.addFaults([{ on: 'outcome', fault: 'seconds', seconds: 90 * hour }])
  const endless = await train('eve')
  clock.advance(30 * hour)
  await ping(app, recover)
  expect(await rowOf(app, finished)).toMatchObject({ status: 'completed' })
  const row = await pingUntil(app, endless, isResting, { clock })
  expect(row).toMatchObject({ status: 'failed', error_code: 'timed_out', strays: [{ over: true }] })
})

test('a person who only looks is enough: each poll of a due task goes on with it', async () => {
  const { id, token } = await train()
  for (let polls = 0; polls < 40; polls += 1) {
    clock.advance(60)
    await app.call(status, { path: `/api/status?task_id=${id}`, token })
    await app.settle()
  }
  expect(await rowOf(app, { id })).toMatchObject({ status: 'completed' })
})

test('attempts are capped at one: nothing is trained again by itself, whatever becomes of it', async () => {
  fal.addFaults([{ on: 'outcome', fault: 'rerun' }])
  const story = await train()
  const row = await pingUntil(app, story, isOver, { clock, every: 60, within: hour })
  expect(row).toMatchObject({ status: 'failed', attempt: 1 })
  clock.advance(48 * hour)
  await ping(app, recover)
  expect(fal.till()).toMatchObject({ create_requests: 1, predictions: [{ no_retry: true }] })
})

test('limits by environment: trainings in flight, looks, and tasks a day', async () => {
  const limits = { FAL_CONCURRENCY: '1', CHECK_MIN_SECONDS: '300', CHECK_MAX_SECONDS: '300', DAILY_TASKS_PER_USER: '2' }
  const limited = app.openInstance({ env: { PUBLIC_URL: 'https://stepgate.test', ...limits } })
  const first = await begun(limited, { body })
  const second = await begun(limited, { body })
  expect(await rowOf(app, second)).toMatchObject({ status: 'pending' })
  const refused = await limited.call(start, { path: '/api/start', body, token: first.token })
  expect(refused.status).toBe(429)
  const midnight = new Date(clock.now())
  midnight.setUTCHours(24, 0, 0, 0)
  expect(await refused.json()).toMatchObject({ code: 'quota_exceeded', resets_at: midnight.toISOString() })
  await pingUntil(limited, second, isOver, { clock, every: 60, within: 2 * hour })
  expect(fal.till()).toMatchObject({ create_requests: 2, created: 2 })
  expect(fal.till().requests.status).toBeLessThan(20)
})

test('metrics: every pass logs what it did, how long it took, and the memory at that moment', async () => {
  await train()
  const passes = app.logged.filter(({ msg }) => msg === 'pass')
  expect(passes[0]).toMatchObject({ submitted: 1, checked: 0, failed: 0, ms: expect.any(Number) })
  expect(passes[0]).toHaveProperty('rss_mb', expect.any(Number))
})
