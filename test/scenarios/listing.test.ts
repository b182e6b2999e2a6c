// Many predictions at once: passes look at them by their provider's list, and whatever the list says or fails to say, a step is ended by
// its own prediction's word alone. What a pass has no time for is left due.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { checker } from '../../functions/checker.ts'
import { worker } from '../../functions/worker.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTasks } from '../setup/factory.ts'
import { fault, inputOf, ping } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

/** Try-ons of one step, submitted by one pass. `long` of them run for an hour, the others are over after four seconds. */
async function submitted(count: number, long = count): Promise<void> {
  const { person_image, garments } = inputOf(1)
  const input = { person_image, garments: garments.map((image) => ({ image, category: 'upper_body' })) }
  const row = (index: number) => ({ input, user_id: `user-${index}`, total_steps: 1, at: clock.now() })
  await insertTasks(
    app.deps.db,
    Array.from({ length: count }, (_, index) => row(index)),
  )
  if (long > 0) fault(app, { on: 'outcome', fault: 'seconds', seconds: 3_600, times: long })
  expect(await ping(app, worker)).toMatchObject({ submitted: count })
}

/** A checker's ping, and what it asked the provider. */
async function check(): Promise<Record<string, unknown>> {
  const before = app.simulator.replicate.till().requests
  const { checked, completed, failed } = await ping(app, checker)
  const { get, list } = app.simulator.replicate.till().requests
  return { checked, completed, failed, asked: get - before.get, pages: list - before.list }
}

const none = { completed: 0, failed: 0 }

test('a pass over a hundred running predictions asks for the list, and for none of them', async () => {
  await submitted(120)
  clock.advance(3)
  expect(await check()).toEqual({ ...none, checked: 120, asked: 0, pages: 2 })
})

test('a pass over fewer asks for each', async () => {
  await submitted(99)
  clock.advance(3)
  expect(await check()).toEqual({ ...none, checked: 99, asked: 99, pages: 0 })
})

test('what the list does not show as running is asked for itself, and ends', async () => {
  await submitted(130, 110)
  clock.advance(5)
  expect(await check()).toEqual({ checked: 130, completed: 20, failed: 0, asked: 20, pages: 2 })
})

test.each<FaultInput>([
  { on: 'list', fault: 'error' },
  { on: 'list', fault: 'reset' },
  { on: 'list', fault: 'empty' },
  { on: 'list', fault: 'lag', seconds: 60 },
])('a list that fails ($fault) costs one request: each is asked for', async (broken) => {
  await submitted(120)
  clock.advance(3)
  fault(app, broken)
  expect(await check()).toEqual({ ...none, checked: 120, asked: 120, pages: 1 })
})

test('a list that stands still delays, ends nothing, and is not believed past half of a prediction’s time', async () => {
  await submitted(100, 0)
  fault(app, { on: 'list', fault: 'unknown_status', word: 'processing', times: 100 })
  for (const seconds of [3, 30, 600]) {
    clock.advance(seconds)
    expect(await check()).toMatchObject({ ...none, checked: 100, asked: 0, pages: 1 })
  }
  clock.advance(1_200)
  expect(await check()).toEqual({ checked: 100, completed: 100, failed: 0, asked: 100, pages: 0 })
})

test('after a 404 a prediction is asked for itself, so that 404s in a row are counted as such', async () => {
  await submitted(120)
  await sql`update tasks set misses = 1 where user_id in ('user-1', 'user-2')`.execute(app.deps.db)
  clock.advance(3)
  expect(await check()).toMatchObject({ checked: 120, asked: 2, pages: 2 })
  const { rows } = await sql`select id from tasks where misses > 0`.execute(app.deps.db)
  expect(rows).toEqual([])
})

test('looks that a pass has no time for are due still, however long the next would have been put off', async () => {
  await submitted(5)
  const late = app.openInstance({ config: { PASS_SECONDS: 0, CHECK_MIN_SECONDS: 600, CHECK_MAX_SECONDS: 600 } })
  clock.advance(3)
  await ping(late, checker)
  expect(app.simulator.replicate.till().requests.get).toBe(0)
  expect(await check()).toMatchObject({ checked: 5, asked: 5 })
})
