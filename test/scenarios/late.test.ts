// What comes late: creates whose turn at the provider comes after their claim, lists that hang, and news that can't be written yet.
import { setTimeout as pass } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { checker } from '../../functions/checker.ts'
import { worker } from '../../functions/worker.ts'
import { TooLate } from '../../providers/connection.ts'
import { testClock } from '../setup/clock.ts'
import { type InstanceOptions, useTestDeps } from '../setup/deps.ts'
import { insertTasks } from '../setup/factory.ts'
import { begin, costs, fault, inputOf, isCreate, isOver, ping, pingUntil, rowOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

/** Requests wait until their turn comes, `seconds` later. */
const queued = (seconds: number): InstanceOptions => ({
  http: (real) => ({
    ...real,
    send: async (request) => {
      if (isCreate(request.url, request.method)) clock.advance(seconds)
      if (request.mayBegin && !request.mayBegin()) throw new TooLate('not begun in time')
      return real.send(request)
    },
  }),
})

test('a create whose turn comes after its claim may have run out is not sent, and the step is submitted anew', async () => {
  const slow = app.openInstance(queued(80))
  const story = await begin(slow)
  await slow.settle()
  expect(costs(app).sent).toBe(0)
  expect(await rowOf(app, story)).toMatchObject({ status: 'pending', next_step: 1, attempt: 0 })
  await pingUntil(app, story, isOver, { clock })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})

test('a create whose turn comes in time is sent', async () => {
  const slow = app.openInstance(queued(60))
  await begin(slow)
  await slow.settle()
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

async function insertPending(count: number): Promise<string[]> {
  const { person_image, garments } = inputOf(1)
  const input = { person_image, garments: garments.map((image) => ({ image, category: 'upper_body' })) }
  const row = (index: number) => ({ input, user_id: `user-${index}`, total_steps: 1, at: clock.now() })
  const rows = await insertTasks(
    app.deps.db,
    Array.from({ length: count }, (_, index) => row(index)),
  )
  return rows.map(({ id }) => id)
}

test('predictions are asked for one by one when the list does not come', async () => {
  await insertPending(100)
  fault(app, { on: 'outcome', fault: 'seconds', seconds: 3_600, times: 100 })
  await ping(app, worker)
  clock.advance(3)
  // Three seconds are over at once; all other patience is as long as ever.
  const hurried = app.openInstance({
    wait: (ms, signal) => (ms === 3_000 ? Promise.resolve() : pass(ms, undefined, { signal })),
  })
  expect(await ping(hurried, checker)).toMatchObject({ checked: 100 })
  await hurried.settle()
  expect(app.simulator.replicate.till().requests.get).toBe(100)
  expect(app.logged.map(({ msg }) => msg)).toContain('no list in time')
})

test('what could not be written while a pass goes on is written with what comes after it', async () => {
  const [first, second] = await insertPending(2)
  const answered = Promise.withResolvers<void>()
  const slowly = Promise.withResolvers<void>()
  const flush = Promise.withResolvers<void>()
  let creates = 0
  let flushes = 0
  const instance = app.openInstance({
    http: (real) => ({
      ...real,
      send: async (request) => {
        const answer = await real.send(request)
        if (isCreate(request.url, request.method)) {
          creates += 1
          if (creates === 2) answered.resolve()
          if (creates === 2) await slowly.promise
        }
        return answer
      },
    }),
    wait: (ms, signal) => {
      if (ms === 8_000) flushes += 1
      return ms === 8_000 && flushes === 1 ? flush.promise : pass(ms, undefined, { signal })
    },
  })
  const pinged = ping(instance, worker)
  await answered.promise
  const { db } = app.deps
  await sql`alter table tasks rename to tasks_away`.execute(db)
  flush.resolve()
  await expect.poll(() => app.logged.map(({ msg }) => msg)).toContain('outcomes could not be written yet')
  await sql`alter table tasks_away rename to tasks`.execute(db)
  slowly.resolve()
  expect(await pinged).toMatchObject({ submitted: 2 })
  for (const id of [first, second]) expect(await rowOf(app, { id: id ?? '' })).toMatchObject({ phase: 'running' })
  expect(costs(app)).toMatchObject({ sent: 2, created: 2 })
})
