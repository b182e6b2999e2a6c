// What a provider says later that it charged, or measured: one correction an attempt, in the ledger, the counters and the task, whoever else
// tells it.
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect } from 'vitest'
import { adjustCosts, readUnbilled, type Unbilled } from '../../db/statements/bills.ts'
import { eraseTasks } from '../../db/statements/erase.ts'
import { recordChecks } from '../../db/statements/record-results.ts'
import { recordStrays } from '../../db/statements/record-strays.ts'
import type { Db } from '../../db/statements/sql.ts'
import { cancelTask, redoTask } from '../../db/statements/user-moves.ts'
import { later } from '../setup/factory.ts'
import {
  created,
  entries,
  held,
  running,
  same,
  spent,
  store,
  tellLook,
  tellSubmission,
  useBooks,
  words,
} from './money-setup.ts'
import { attemptOf, claim, each, noon, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
useBooks(over)

const hour = 3_600
const fal = { provider: 'fal', total_steps: 1, prices: [10] }
const asked = { provider: 'fal', fromSeconds: 600, toSeconds: 3 * 24 * hour, lateSeconds: 24 * hour, limit: 50 }
const unbilled = (db: Db, seconds: number, more: object = {}) =>
  readUnbilled(db, { ...asked, after: undefined, now: later(noon, seconds), ...more })
const bill = (db: Db, { id, claim_token }: { id: string; claim_token: string }, micros: number) =>
  adjustCosts(db, [{ task_id: id, claim_token, micros }], { now: later(noon, hour) })

async function completed(db: Db) {
  const task = await running(db, fal)
  await tellLook(db, task, { kind: 'succeeded', output: ['o'] })
  await store(db, task)
  return task
}

each('%s: a charge that differs corrects ledger, counters, task and attempt', async (driver) => {
  const db = over(driver)
  for (const [micros, more] of [
    [7, -3],
    [15, 5],
    [10, 0],
    [0, -10],
  ] as const) {
    const before = (await spent(db))['all'] ?? 0
    const task = await completed(db)
    expect(await bill(db, task, micros)).toBe(1)
    expect((await entries(db, task)).slice(2)).toEqual([['adjusted', 0, more]])
    const row = await read(db, task)
    expect([held(row), row.steps[0]?.cost_micros]).toEqual([[0, micros], micros])
    expect(row.updated_at).toEqual(noon)
    expect((await spent(db))['all']).toBe(before + micros)
  }
})

each('%s: an attempt is corrected once, whoever tells it how often', async (driver) => {
  const db = over(driver)
  const task = await completed(db)
  expect((await Promise.all([bill(db, task, 7), bill(db, task, 7)])).toSorted()).toEqual([0, 1])
  expect(await bill(db, task, 9)).toBe(0)
  expect(await spent(db)).toEqual(same(7))
})

each('%s: attempts that ended in one microsecond are asked about page by page, each once', async (driver) => {
  const db = over(driver)
  const ids = Array.from({ length: 5 }, () => v7()).toSorted()
  for (const id of ids) {
    await sql`insert into ledger (task_id, at, day, kind, recipe, provider, step, attempt, claim_token, prediction_id, reserved_micros, settled_micros)
      values (${id}, '2026-03-01T12:00:00.000500Z', '2026-03-01', 'settled', 'avatar', 'fal', 1, 1, gen_random_uuid(), ${id}, 0, 0)`.execute(
      db,
    )
  }
  const pages: string[][] = []
  for (let after: Unbilled | undefined; ; ) {
    const page = await unbilled(db, hour, { limit: 2, after })
    if (page.length === 0 || pages.length > ids.length) break
    pages.push(page.map(({ prediction_id }) => prediction_id))
    after = page.at(-1)
  }
  expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
})

each('%s: a charge of an earlier attempt is told in its own record', async (driver) => {
  const db = over(driver)
  const first = await running(db, fal)
  await tellLook(db, first, { kind: 'failed', ...words })
  await redoTask(db, { id: first.id, user_id: 'ada', now: noon })
  await claim(db, { taskId: first.id })
  const second = attemptOf(await read(db, first))
  await tellSubmission(db, second, created('q'))
  await recordChecks(db, [{ ...second, prediction_id: 'q', kind: 'failed', ...words }], { now: noon })
  expect(await bill(db, first, 4)).toBe(1)
  const { steps, settled_micros } = await read(db, first)
  expect([steps[0]?.past?.[0]?.cost_micros, steps[0]?.cost_micros, settled_micros]).toEqual([4, 10, 14])
})

each(
  '%s: what is asked about was settled some time ago, has no correction yet, and is of this provider',
  async (driver) => {
    const db = over(driver)
    const task = await completed(db)
    await running(db, fal)
    expect(await unbilled(db, 599)).toEqual([])
    expect(await unbilled(db, hour)).toMatchObject([
      { task_id: task.id, prediction_id: `p-${task.id}`, is_late: false },
    ])
    expect(await unbilled(db, 25 * hour)).toMatchObject([{ is_late: true }])
    expect(await unbilled(db, 73 * hour)).toEqual([])
    expect(await unbilled(db, hour, { provider: 'replicate' })).toEqual([])
    await bill(db, task, 10)
    expect(await unbilled(db, hour)).toEqual([])
  },
)

each('%s: page after page, everything is asked about once', async (driver) => {
  const db = over(driver)
  const ids = []
  for (let count = 0; count < 3; count += 1) ids.push((await completed(db)).id)
  const [first] = await unbilled(db, hour, { limit: 1 })
  const rest = await unbilled(db, hour, { after: first })
  expect([first, ...rest].map((one) => one?.task_id)).toEqual(ids.toSorted())
})

each('%s: a charge of a task that was erased meanwhile is booked, and is nobody’s', async (driver) => {
  const db = over(driver)
  const task = await completed(db)
  await eraseTasks(db, [{ id: task.id, user_id: 'ada', stub: null }], { erasing: [], quietSeconds: 60, now: noon })
  expect(await bill(db, task, 7)).toBe(1)
  expect(await spent(db)).toMatchObject({ all: 7, 'recipe:try-on': 7 })
})

const isOver = (db: Db, { id }: { id: string }, prediction_id: string, cost?: number) =>
  recordStrays(db, [{ id, prediction_id, over: true, retry_in: 0, ...(cost !== undefined && { cost }) }], {
    now: later(noon, 9),
  })

each('%s: what was measured of a canceled prediction corrects its attempt, once', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  const prediction = `p-${task.id}`
  await cancelTask(db, { id: task.id, user_id: 'ada', now: noon })
  expect(await spent(db)).toEqual(same(10))
  for (const cost of [4, 7]) await isOver(db, task, prediction, cost)
  expect(await entries(db, task)).toEqual([
    ['reserved', 10, 0],
    ['settled', -10, 10],
    ['adjusted', 0, -6],
  ])
  const row = await read(db, task)
  expect([held(row), row.steps[0]?.cost_micros, row.updated_at]).toEqual([[0, 4], 4, noon])
  expect(row).toMatchObject({ strays: [{ over: true }], due_at: null })
  expect(await spent(db)).toEqual(same(4))
})

each('%s: what was measured as expected, or of what nobody ordered, corrects nothing', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  await tellSubmission(db, task, created('double'))
  await tellLook(db, task, { kind: 'failed', leave: true, ...words })
  const before = [await entries(db, task), await spent(db)]
  await isOver(db, task, `p-${task.id}`, 10)
  await isOver(db, task, 'double', 3)
  await isOver(db, task, `p-${task.id}`)
  expect([await entries(db, task), await spent(db)]).toEqual(before)
})

each('%s: what was measured of an erased task corrects its counters, which name nobody', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  await eraseTasks(db, [{ id: task.id, user_id: 'ada', stub: null }], { erasing: [], quietSeconds: 60, now: noon })
  await isOver(db, task, `p-${task.id}`, 4)
  expect(await spent(db)).toMatchObject({ all: 4, 'recipe:try-on': 4 })
})
