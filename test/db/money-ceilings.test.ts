// Ceilings, the switch that stops spending, and a ledger that nobody changes.
import { sql } from 'kysely'
import { expect } from 'vitest'
import { switchSpending } from '../../db/statements/pauses.ts'
import { endSessions } from '../../db/statements/sessions.ts'
import { SessionEnded, SpendingStopped, startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { later } from '../setup/factory.ts'
import { begin, ceilings, entries, running, same, spent, store, tomorrow, useBooks } from './money-setup.ts'
import { claim, each, noon, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
useBooks(over)

const withinCeiling = { constraint: 'spending_within_ceiling' }
each('%s: a start or a redo that would pass a ceiling is refused as a whole', async (driver) => {
  const db = over(driver)
  const most = { total_steps: 1, prices: [500] }
  await begin(db, most)
  const before = await spent(db)
  await expect(begin(db, { total_steps: 1, prices: [1] })).rejects.toMatchObject(withinCeiling)
  await begin(db, { ...most, user_id: 'bob' })
  await expect(begin(db, { total_steps: 1, prices: [1], user_id: 'eve' })).rejects.toMatchObject(withinCeiling)
  expect(before).toEqual(same(500))
  expect((await spent(db))['all']).toBe(1_000)
  const capped = { ...ceilings, all: null, recipes: { memes: 4 } }
  const meme = { total_steps: 1, prices: [5], recipe: 'memes', user_id: 'eve' }
  const task = { id: crypto.randomUUID(), provider: 'replicate', input: {}, auto_continue: false, lock_key: null }
  const start = startTask(
    db,
    { ...task, ...meme, idempotency_key: null, request_hash: null },
    { now: noon, ceilings: capped },
  )
  await expect(start).rejects.toMatchObject(withinCeiling)
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from tasks`.execute(db)
  expect(rows[0]?.n).toBe(2)
})

each('%s: a redo is refused where it would pass a ceiling, and changes nothing', async (driver) => {
  const db = over(driver)
  const task = await running(db, { prices: [200, 100, 100] })
  await store(db, task)
  const move = { id: task.id, user_id: 'ada', now: noon, ceilings }
  await expect(redoTask(db, move)).rejects.toMatchObject(withinCeiling)
  expect(await read(db, task)).toMatchObject({ status: 'waiting_continue', reserved_micros: 200, settled_micros: 200 })
  expect(await redoTask(db, { ...move, ceilings: { ...ceilings, user: 600 } })).toMatchObject({ moved: true })
})

each('%s: a repeated start is not paid again, though nothing is left', async (driver) => {
  const db = over(driver)
  const task = { total_steps: 1, prices: [500], idempotency_key: 'once' }
  const { id } = await begin(db, task)
  const again = { ...task, id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {} }
  const more = { auto_continue: false, lock_key: null, request_hash: null }
  expect(await startTask(db, { ...again, ...more }, { now: noon, ceilings })).toMatchObject({ id, created: false })
  expect(await spent(db)).toEqual(same(500))
})

each('%s: what was dearer than reserved is written, and the next who asks is refused', async (driver) => {
  const db = over(driver)
  const task = await running(db, { prices: [300, 100, 100] })
  await store(db, task, { cost: 400 })
  expect(await spent(db)).toEqual(same(600))
  await expect(begin(db, { prices: [1], total_steps: 1 })).rejects.toMatchObject(withinCeiling)
  await begin(db, { prices: [1], total_steps: 1, user_id: 'bob' })
})

each('%s: no gate opens by itself above a ceiling; a person opens it the next day', async (driver) => {
  const db = over(driver)
  const task = await running(db, { prices: [300, 100, 100], auto_continue: true })
  await store(db, task, { cost: 400 })
  const waiting = {
    status: 'waiting_continue',
    gate_reason: 'budget_exceeded',
    reserved_micros: 0,
    settled_micros: 400,
  }
  const row = await read(db, task)
  expect(row).toMatchObject({ ...waiting, deadline_at: later(noon, 60) })
  expect(await spent(db)).toEqual(same(400))
  const move = { id: task.id, user_id: 'ada', ceilings }
  await expect(continueTask(db, { ...move, now: noon })).rejects.toMatchObject(withinCeiling)
  const gone = await continueTask(db, { ...move, now: tomorrow })
  expect(gone).toMatchObject({ status: 'pending', gate_reason: null, reserved_micros: 200, reserved_on: '2026-03-02' })
  expect(await spent(db, '2026-03-02')).toEqual(same(200))
})

each('%s: while spending is stopped nothing begins, and what runs ends', async (driver) => {
  const db = over(driver)
  const waiting = await begin(db, { idempotency_key: 'once' })
  const busy = await running(db)
  await switchSpending(db, { isStopped: true, by: 'operator', now: noon })
  const start = { ...waiting, id: crypto.randomUUID(), prices: [1] }
  await expect(startTask(db, { ...start, idempotency_key: null }, { now: noon })).rejects.toThrow(SpendingStopped)
  expect(await startTask(db, { ...start, idempotency_key: 'once' }, { now: noon })).toMatchObject({ id: waiting.id })
  await endSessions(db, [{ key: 'over', until: tomorrow }])
  const late = { ...start, idempotency_key: null, session: ['over'] }
  await expect(startTask(db, late, { now: noon })).rejects.toThrow(SessionEnded)
  expect((await claim(db, { taskId: waiting.id })).tasks).toEqual([])
  await store(db, busy)
  expect(await redoTask(db, { id: busy.id, user_id: 'ada', now: noon })).toMatchObject({ moved: false })
  const gone = await continueTask(db, { id: busy.id, user_id: 'ada', now: noon })
  expect(gone).toMatchObject({ moved: true, status: 'pending' })
  expect((await claim(db, { taskId: busy.id })).tasks).toEqual([])
  await switchSpending(db, { isStopped: false, by: 'operator', now: noon })
  expect((await claim(db)).tasks).toHaveLength(2)
})

each('%s: the ledger is never changed, and outlives its task', async (driver) => {
  const db = over(driver)
  const task = await running(db)
  for (const change of [`update ledger set settled_micros = 0`, `delete from ledger`, `truncate ledger`]) {
    await expect(sql.raw(change).execute(db)).rejects.toThrow('the ledger is never changed')
  }
  await cancelTask(db, { ...task, step: undefined, attempt: undefined, now: noon })
  const before = await entries(db, task)
  await sql`delete from tasks where id = ${task.id}`.execute(db)
  expect(await entries(db, task)).toEqual(before)
})
