// claimDue(): whose turn it is, what is left alone, and several passes at once.
import { sql } from 'kysely'
import { expect } from 'vitest'
import { untilBlocked } from '../setup/database.ts'
import { insertTasks, later, type TaskOverrides, tryOnTerms } from '../setup/factory.ts'
import { bytes, claim, each, insertState, noon, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite

const many = (n: number, overrides: (i: number) => TaskOverrides = () => ({})): TaskOverrides[] =>
  Array.from({ length: n }, (_, i) => ({ at: later(noon, i - n), ...overrides(i) }))

each('%s: claimDue() takes at most its limit, the longest due first', async (driver) => {
  const db = over(driver)
  const rows = await insertTasks(db, many(5))
  const { tasks } = await claim(db, { limit: 3 })
  expect(tasks.map(({ id }) => id).toSorted()).toEqual(
    rows
      .slice(0, 3)
      .map(({ id }) => id)
      .toSorted(),
  )
  expect((await claim(db, { limit: 3 })).tasks).toHaveLength(2)
})

each('%s: claimDue() lets no user wait behind the long queue of another', async (driver) => {
  const db = over(driver)
  await insertTasks(db, many(500))
  const late = await insertState(db, 'pending', { user_id: 'bob', due_at: noon })
  const { tasks } = await claim(db, { limit: 10 })
  expect(tasks).toHaveLength(10)
  expect(tasks.map(({ id }) => id)).toContain(late.id)
})

each('%s: claimDue() goes round all users before a second task of one', async (driver) => {
  const db = over(driver)
  await insertTasks(
    db,
    many(40, (i) => ({ user_id: i < 37 ? 'ada' : `user-${i}` })),
  )
  const first = await claim(db, { limit: 4 })
  expect(first.tasks.map(({ user_id }) => user_id).toSorted()).toEqual(['ada', 'user-37', 'user-38', 'user-39'])
})

each('%s: claimDue() claims the one task it is asked for, and only if it is due', async (driver) => {
  const db = over(driver)
  await insertTasks(db, many(3))
  const mine = await insertState(db, 'pending', { due_at: noon })
  const resting = await insertState(db, 'running', { due_at: later(noon, 1) })
  expect((await claim(db, { taskId: mine.id, limit: 1 })).tasks).toMatchObject([{ id: mine.id, work: 'submit' }])
  expect((await claim(db, { taskId: mine.id })).tasks).toEqual([])
  expect((await claim(db, { taskId: resting.id })).tasks).toEqual([])
})

each('%s: claimDue() leaves tasks of recipes it does not know alone', async (driver) => {
  const db = over(driver)
  // Due for longer: it must not stand in the known one's way either.
  const unknown = await insertState(db, 'pending', { recipe: 'retired', due_at: later(noon, -9) })
  const known = await insertState(db, 'pending', { recipe: 'memes' })
  const before = await bytes(db, unknown)
  const terms = [tryOnTerms, { ...tryOnTerms, recipe: 'memes', limitSeconds: 60 }]
  expect((await claim(db, { terms, limit: 1 })).tasks).toMatchObject([{ id: known.id, deadline_at: later(noon, 60) }])
  expect(await claim(db, { terms })).toEqual({ tasks: [], nextDueAt: later(noon, -9) })
  expect(await bytes(db, unknown)).toBe(before)
})

each('%s: claimDue() submits nothing to a paused provider, but looks at what runs there', async (driver) => {
  const db = over(driver)
  await sql`insert into providers values ('replicate', ${later(noon, 30)}, 'slow down', now())`.execute(db)
  const pending = await insertState(db, 'pending')
  const running = await insertState(db, 'running', { due_at: noon })
  const elsewhere = await insertState(db, 'pending', { provider: 'fal' })
  const before = await bytes(db, pending)
  const { tasks } = await claim(db)
  expect(tasks.map(({ id }) => id).toSorted()).toEqual([running.id, elsewhere.id].toSorted())
  expect(await bytes(db, pending)).toBe(before)
  const after = await claim(db, { now: later(noon, 30), taskId: pending.id })
  expect(after.tasks).toMatchObject([{ id: pending.id, work: 'submit' }])
})

each('%s: claimDue() skips rows that another statement holds, without waiting', async (driver) => {
  const db = over(driver)
  const [held, free] = await insertTasks(db, many(2))
  await suite.hold(async (rival) => {
    await sql`select from tasks where id = ${held?.id} for update`.execute(rival)
    // The limit counts what could be locked: the held row takes no place.
    expect((await claim(db, { limit: 1 })).tasks).toMatchObject([{ id: free?.id }])
  })
  expect((await claim(db)).tasks).toMatchObject([{ id: held?.id }])
})

each('%s: claimDue() for one task waits for whoever holds its row', async (driver) => {
  const db = over(driver)
  const [mine] = await insertTasks(db, many(1))
  let claiming: ReturnType<typeof claim> | undefined
  await suite.hold(async (rival) => {
    await sql`select from tasks where id = ${mine?.id} for update`.execute(rival)
    claiming = claim(db, { taskId: mine?.id })
    await untilBlocked(suite.url)
  })
  expect((await claiming)?.tasks).toMatchObject([{ id: mine?.id, work: 'submit' }])
})

each('%s: claimDue() gives no row to two passes at once', async (driver) => {
  const db = over(driver)
  for (let round = 0; round < 5; round++) {
    const rows = await insertTasks(
      db,
      many(60, (i) => ({ user_id: `user-${i % 7}` })),
    )
    const passes = Array.from({ length: 6 }, () => claim(db, { limit: 15 }))
    const claimed = (await Promise.all(passes)).flatMap(({ tasks }) => tasks.map(({ id }) => id))
    expect(new Set(claimed).size).toBe(claimed.length)
    for (let batch = 1; batch > 0; ) {
      const { tasks } = await claim(db, { limit: 15 })
      claimed.push(...tasks.map(({ id }) => id))
      batch = tasks.length
    }
    expect(claimed.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
    for (const row of rows) expect((await read(db, row)).attempt).toBe(1)
    await sql`truncate tasks cascade`.execute(db)
  }
})
