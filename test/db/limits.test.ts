// Limits that constraints defend: slots at a capped provider, and the quota of tasks a day.
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect } from 'vitest'
import { DatabaseError } from '../../db/driver/errors.ts'
import { listInFlight, readFigures } from '../../db/statements/overview.ts'
import { recordChecks } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { cancelTask } from '../../db/statements/user-moves.ts'
import { insertTasks, later, stray } from '../setup/factory.ts'
import { attemptOf, claim, each, insertState, noon, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const caps = [{ provider: 'replicate', cap: 3 }]

const pending = (db: Db, n: number) =>
  insertTasks(
    db,
    Array.from({ length: n }, (_, index) => ({ at: noon, user_id: `user-${index % 5}` })),
  )

async function inFlight(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from tasks where phase in ('submitting', 'unconfirmed', 'running')`.execute(db)
  return rows[0]?.n ?? 0
}

each('%s: claimDue() fills the slots of a capped provider and no more', async (driver) => {
  const db = over(driver)
  await pending(db, 10)
  expect((await claim(db, { caps })).tasks).toHaveLength(3)
  expect((await claim(db, { caps })).tasks).toHaveLength(0)
  expect(await inFlight(db)).toBe(3)
})

each('%s: claimDue() never goes over the cap, however many claim at once', async (driver) => {
  const db = over(driver)
  await pending(db, 40)
  const claims = await Promise.all(Array.from({ length: 12 }, () => claim(db, { caps, limit: 2 })))
  expect(claims.flatMap(({ tasks }) => tasks).length).toBe(3)
  expect(await inFlight(db)).toBe(3)
})

each('%s: a slot is free again the moment its prediction is over, whatever came of it', async (driver) => {
  const db = over(driver)
  await pending(db, 10)
  const { tasks } = await claim(db, { caps })
  const [refused, failed, kept] = tasks.map(attemptOf)
  if (!refused || !failed || !kept) throw new Error('three were claimed')
  await recordSubmissions(
    db,
    [
      { ...refused, kind: 'rejected', code: 'provider_rejected', reason: 'No.' },
      { ...failed, kind: 'created', prediction_id: 'p', urls: {}, check_in: 2 },
      { ...kept, kind: 'unknown', search_in: 10 },
    ],
    { now: noon },
  )
  expect((await claim(db, { caps })).tasks).toHaveLength(1)
  await recordChecks(db, [{ ...failed, prediction_id: 'p', kind: 'succeeded', output: ['u'] }], { now: noon })
  expect((await claim(db, { caps })).tasks).toHaveLength(1)
  expect(await inFlight(db)).toBe(3)
})

each('%s: a full provider keeps nobody from being looked at, nor another provider from being used', async (driver) => {
  const db = over(driver)
  for (let slot = 1; slot <= 3; slot += 1) await insertState(db, 'running', { due_at: noon, slot })
  await pending(db, 300)
  await insertState(db, 'pending', { provider: 'fal', due_at: later(noon, -1) })
  const { tasks } = await claim(db, { caps, limit: 10 })
  expect(tasks.map(({ work, provider }) => `${work} ${provider}`).toSorted()).toEqual([
    'check replicate',
    'check replicate',
    'check replicate',
    'submit fal',
  ])
})

each('%s: an unconfirmed attempt holds its slot for minutes, and a canceled one not at all', async (driver) => {
  const db = over(driver)
  for (let slot = 1; slot <= 3; slot += 1)
    await insertState(db, 'unconfirmed', { due_at: noon, slot, submitted_at: later(noon, -60 * slot) })
  await pending(db, 10)
  expect((await claim(db, { caps })).tasks.filter(({ work }) => work === 'submit')).toHaveLength(0)
  const { tasks } = await claim(db, { caps, now: later(noon, 100) })
  expect(
    tasks.filter(({ work, slot }: { work: string; slot?: unknown }) => work === 'check' && slot === null),
  ).toHaveLength(1)
  const open = await insertState(db, 'submitting', { slot: 9 })
  await cancelTask(db, { ...open, now: noon })
  expect(await read(db, open)).toMatchObject({ phase: 'submitting', slot: null })
})

each("%s: a pass for one's own task takes no slot before those who wait for longer", async (driver) => {
  const db = over(driver)
  await pending(db, 3)
  const mine = await insertState(db, 'pending', { user_id: 'eve', due_at: later(noon, 1) })
  expect((await claim(db, { caps, taskId: mine.id, now: later(noon, 1) })).tasks).toEqual([])
  await claim(db, { caps, limit: 1 })
  const four = [{ provider: 'replicate', cap: 4 }]
  expect((await claim(db, { caps: four, taskId: mine.id, now: later(noon, 1) })).tasks).toMatchObject([{ id: mine.id }])
})

each("%s: a pending task's strays are canceled while its provider is paused, or full", async (driver) => {
  const db = over(driver)
  await sql`insert into providers (name, paused_until, updated_at) values ('replicate', ${later(noon, 900)}, now())`.execute(
    db,
  )
  const task = await insertState(db, 'pending', { strays: [stray()] })
  for (const told of [{}, { caps }]) {
    expect((await claim(db, { ...told, now: later(noon, 40) })).tasks).toMatchObject([
      { id: task.id, work: 'check', status: 'pending' },
    ])
    await sql`update tasks set due_at = ${noon}`.execute(db)
  }
})

each('%s: what waits for a pause or a slot is not overdue, and what passes have missed is', async (driver) => {
  const db = over(driver)
  const now = later(noon, 7_200)
  await sql`insert into providers (name, paused_until, updated_at) values ('fal', ${later(now, -60)}, now())`.execute(
    db,
  )
  await insertState(db, 'pending', { provider: 'fal' })
  await insertState(db, 'running', { slot: 1, due_at: later(now, 60) })
  await insertState(db, 'pending')
  const full = [{ provider: 'replicate', cap: 1 }]
  const overdue = () => listInFlight(db, { overdue: true, caps: full, now, limit: 9 })
  const oldest = async (at: Date) => (await readFigures(db, { caps: full, now: at })).oldest_due_age_seconds
  expect(await claim(db, { caps: full, terms: [], now })).not.toHaveProperty('overdueSeconds')
  expect(await overdue()).toEqual([])
  expect(await oldest(later(now, -61))).toBeNull()
  expect(await oldest(now)).toBe(60)
  const missed = await insertState(db, 'running', { due_at: noon, provider: 'fal' })
  expect(await overdue()).toMatchObject([{ id: missed.id }])
  expect(await oldest(now)).toBe(7_200)
  expect(await claim(db, { caps: full, limit: 1, now })).toMatchObject({ overdueSeconds: 7_200 })
})

const newTask = (overrides: Partial<NewTask> = {}): NewTask => ({
  id: v7(),
  user_id: 'quota-user',
  recipe: 'try-on',
  provider: 'replicate',
  input: {},
  auto_continue: false,
  total_steps: 1,
  lock_key: null,
  idempotency_key: null,
  request_hash: null,
  daily_quota: 3,
  ...overrides,
})

each(
  '%s: startTask() lets exactly the quota through, however many start at once, and anew the next day',
  async (driver) => {
    const db = over(driver)
    const user_id = `quota-${driver}`
    const starts = await Promise.allSettled(
      Array.from({ length: 12 }, () => startTask(db, newTask({ user_id }), { now: noon })),
    )
    const refusals = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason] : []))
    expect(refusals).toHaveLength(9)
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(DatabaseError)
      expect(refusal.constraint).toBe('daily_starts_within_quota')
    }
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from tasks where user_id = ${user_id}`.execute(
      db,
    )
    expect(rows[0]?.n).toBe(3)
    expect((await startTask(db, newTask({ user_id }), { now: later(noon, 12 * 3_600) })).created).toBe(true)
  },
)

each('%s: startTask() does not count a repeated key', async (driver) => {
  const db = over(driver)
  const user_id = `repeating-${driver}`
  const task = () => newTask({ user_id, idempotency_key: 'again' })
  const started = await Promise.all(Array.from({ length: 8 }, () => startTask(db, task(), { now: noon })))
  expect(new Set(started.map(({ id }) => id)).size).toBe(1)
  for (let n = 0; n < 2; n += 1) await startTask(db, newTask({ user_id }), { now: noon })
  await expect(startTask(db, newTask({ user_id }), { now: noon })).rejects.toThrow()
  expect((await startTask(db, task(), { now: noon })).created).toBe(false)
})

each(
  '%s: a start that waited for its turn over midnight counts for the new day, which is not set back',
  async (driver) => {
    const db = over(driver)
    const midnight = new Date('2026-03-02T00:00:00.000Z')
    const start = (seconds: number) =>
      startTask(db, newTask({ user_id: `${driver}-waiter`, daily_quota: 2 }), { now: later(midnight, seconds) })
    await start(1)
    await start(-1)
    await expect(start(2)).rejects.toMatchObject({ constraint: 'daily_starts_within_quota' })
  },
)
