// Every wait has its end, whatever is gone: a provider's key, a store that answers, a picture.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Claimed } from '../../db/statements/claimed.ts'
import { checkPrediction, searchSubmission } from '../../engine/check.ts'
import { readHealth } from '../../engine/health.ts'
import { storeOutput } from '../../engine/store-output.ts'
import { worker } from '../../functions/worker.ts'
import { costs, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, type Instance, useTestDeps } from '../setup/deps.ts'
import { insertTasks, later, type Row, type TaskOverrides, taskRow } from '../setup/factory.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const keyless = { ...app.deps, providers: new Map() }
const days = 24 * 3_600
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)
const limit = app.deps.recipes.get('try-on')?.timing.limitSeconds ?? 0
const claimed = (phase: Claimed['phase'], overrides: TaskOverrides = {}): Claimed => ({
  ...taskRow({
    phase,
    submitted_at: later(clock.now(), -3 * days),
    deadline_at: later(clock.now(), -2 * days),
    ...overrides,
  }),
  ...{ work: 'check', claimed_at: clock.now() },
})
const copyOf = (task: Claimed) => ({
  ...{ id: task.id, step: 1, attempt: 1, claim_token: task.claim_token ?? '' },
  ...{ recipe: task.recipe, provider: task.provider },
  ...{ prediction_id: 'p1', urls: {}, output: ['https://replicate.delivery/gone.png'] },
  ...{ storing_since: later(clock.now(), -days), deadline_at: task.deadline_at },
})

test('a running prediction whose provider has no key any more ends past its limit', async () => {
  expect(await checkPrediction(keyless, claimed('running'))).toMatchObject({ kind: 'failed', code: 'timed_out' })
  const early = claimed('running', { deadline_at: later(clock.now(), 60) })
  expect(await checkPrediction(keyless, early)).toMatchObject({ kind: 'unanswered' })
})

test('an unconfirmed submission whose provider has no key any more ends past its limit', async () => {
  const outcomes = await searchSubmission(keyless, claimed('unconfirmed'))
  expect(outcomes).toMatchObject([{ kind: 'unsettled', code: 'submission_unconfirmed' }])
})

test('a copy whose provider has no key any more ends past its limit', async () => {
  const download = () => Promise.reject(new Error('the file is gone'))
  const deps = { ...keyless, http: { ...app.deps.http, download } }
  expect(await storeOutput(deps, copyOf(claimed('storing')))).toMatchObject({ kind: 'failed', code: 'result_lost' })
})

test('a copy into a store that never answers ends by its instant', async () => {
  const files = { ...app.deps.files, copy: () => new Promise<never>(() => undefined) }
  const copy = { ...copyOf(claimed('storing')), storing_since: null }
  const copied = await storeOutput({ ...app.deps, files }, copy, performance.now() + 50)
  expect(copied).toMatchObject({ kind: 'postponed' })
})

test('a report that is repeated copies nothing again', async () => {
  let opened = 0
  const file = { key: 'k', type: 'image/png', size: 1, etag: 'e' }
  const files = {
    ...app.deps.files,
    stat: () => Promise.resolve(opened > 0 ? file : undefined),
    copy: () => {
      opened += 1
      return Promise.resolve(file)
    },
  }
  const copy = copyOf(claimed('storing'))
  for (const _ of [1, 2]) expect(await storeOutput({ ...app.deps, files }, copy)).toMatchObject({ kind: 'stored' })
  expect(opened).toBe(1)
})

async function pingWith(instance: Instance, task: { id: string }) {
  await instance.call(worker, { path: '/api/worker', token: cronSecret })
  await instance.settle()
  return rowOf(app, task)
}

/** Tasks whose step has waited since now, and whose history goes back further. */
async function waiting(...tasks: TaskOverrides[]) {
  const rows = await insertTasks(
    app.deps.db,
    tasks.map((task) => ({ at: clock.now(), ...task })),
  )
  const note = (move: string) =>
    sql`insert into task_events (task_id, at, move, became, step, attempt)
      select id, ${clock.now()}, ${move}, 'pending', 1, 0 from tasks where id = any(${rows.map(({ id }) => id)}::uuid[])`.execute(
      app.deps.db,
    )
  await note('started')
  clock.advance(limit)
  await note('continued')
  return rows as [Row, ...Row[]]
}

test('a task that waits for a provider whose key is gone for good ends at its limit, counted from its last move, and gives its lock back', async () => {
  const instance = app.openInstance({ env: { REPLICATE_API_TOKEN: undefined } })
  const [task] = await waiting({ lock_key: 'memes ada' })
  const ping = () => pingWith(instance, task)
  expect(await ping()).toMatchObject({ status: 'pending', attempt: 0 })
  clock.advance(limit - 1)
  expect(await ping()).toMatchObject({ status: 'pending', attempt: 0 })
  clock.advance(60)
  const ended = {
    status: 'failed',
    error_code: 'provider_not_configured',
    error_message: expect.stringMatching(/^Nothing was sent/),
  }
  expect(await ping()).toMatchObject(ended)
  const { locks_held } = await readHealth(app.deps)
  expect(locks_held).toBe(0)
  expect(costs(app).sent).toBe(0)
})

test('a step whose picture the store does not find is sent once it is found, and ends at its limit where it never is', async () => {
  const garments = [{ image: 'https://images.test/shirt.png' }]
  const of = (key: string) => ({ total_steps: 1, input: { person_image: `file:${key}`, garments } })
  const [late, lost = late] = await waiting(of('inputs/late/0'), of('inputs/lost/0'))
  for (const task of [late, lost]) expect(await pingWith(app, task)).toMatchObject({ status: 'pending', attempt: 0 })
  await app.deps.files.write('inputs/late/0', new Blob([pixel]).stream(), {
    accept: ['image/png'],
    maxBytes: pixel.length,
  })
  clock.advance(limit - 1)
  expect(await pingWith(app, late)).toMatchObject({ status: 'processing', phase: 'running', attempt: 1 })
  expect(await rowOf(app, lost)).toMatchObject({ status: 'pending', attempt: 0 })
  clock.advance(60)
  const error_message = 'An image that this step needs is no longer stored.'
  expect(await pingWith(app, lost)).toMatchObject({ status: 'failed', error_code: 'request_invalid', error_message })
  expect(costs(app).sent).toBe(1)
})
