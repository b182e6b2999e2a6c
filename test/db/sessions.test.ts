// What an account gets of what its browser had made before: tasks, counters, receivers; once, and not after all was ended.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { noteUser } from '../../db/statements/erasures.ts'
import { claimDeliveries } from '../../db/statements/outbox.ts'
import { adoptTasks, isEnded } from '../../db/statements/sessions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { SessionEnded } from '../../db/statements/start.ts'
import { untilBlocked } from '../setup/database.ts'
import { begin, same, spent, tomorrow, useBooks } from './money-setup.ts'
import { each, insertState, noon, read, useDatabase } from './setup.ts'

const suite = useDatabase()
useBooks(suite.over)

each('%s adoptTasks: tasks keep their ids and counters follow, once', async (driver) => {
  const db = suite.over(driver)
  const lock = (user: string) => `try-on ${user}`
  const theirs = await begin(db, { user_id: 'auth:a', idempotency_key: 'k', lock_key: lock('auth:a') })
  const mine = await begin(db, { idempotency_key: 'k', lock_key: lock('ada') })
  const old = await insertState(db, 'failed', { lock_key: lock('ada') })
  const ended = [{ key: 'anonymous', until: tomorrow }]
  expect(await adoptTasks(db, { from: 'ada', to: 'auth:a', ended })).toBe(2)
  expect(await adoptTasks(db, { from: 'ada', to: 'auth:a', ended })).toBe(0)
  const own = { user_id: 'auth:a' }
  expect(await read(db, theirs)).toMatchObject({ ...own, idempotency_key: 'k', lock_key: lock('auth:a') })
  expect(await read(db, mine)).toMatchObject({ ...own, idempotency_key: null, lock_key: null })
  expect(await read(db, old)).toMatchObject({ ...own, lock_key: lock('auth:a') })
  expect(await spent(db)).toEqual({ all: 120, 'recipe:try-on': 120, 'user:auth:a': 120 })
  expect(await isEnded(db, ['anonymous'])).toBe(true)
})

const listen = (db: Db, user_id: string, key: string) =>
  sql<{ id: string }>`insert into listeners (user_id, channel, key, address, created_at)
    values (${user_id}, 'push', ${key}, '{}', ${noon}) returning id`.execute(db)

each('%s adoptTasks: what is still to be told comes to the same receivers', async (driver) => {
  const db = suite.over(driver)
  for (const [user, key] of [
    ['ada', 'phone'],
    ['ada', 'laptop'],
    ['auth:a', 'laptop'],
  ] as const)
    await listen(db, user, key)
  const task = await insertState(db, 'waiting_continue')
  await sql`insert into outbox (task_id, user_id, type, channel, receiver, at, task, due_at)
    select ${task.id}, user_id, 'task.waiting', 'push', id, ${noon}, '{}', ${noon} from listeners where user_id = 'ada'`.execute(
    db,
  )
  await adoptTasks(db, { from: 'ada', to: 'auth:a', ended: [] })
  const { deliveries } = await claimDeliveries(db, { limit: 9, now: noon })
  expect(deliveries.map(({ user_id, address }) => [user_id, address])).toEqual([
    ['auth:a', {}],
    ['auth:a', {}],
  ])
  const { rows } = await sql`select user_id, key from listeners order by key`.execute(db)
  expect(rows).toEqual([
    { user_id: 'auth:a', key: 'laptop' },
    { user_id: 'auth:a', key: 'phone' },
  ])
})

each('%s adoptTasks: whose sessions were ended meanwhile gives nothing', async (driver) => {
  const db = suite.over(driver)
  const task = await begin(db)
  const ended = [{ key: 'anonymous', until: tomorrow }]
  await noteUser(db, { user_id: 'ada', ended, quietSeconds: 180, now: noon })
  expect(await adoptTasks(db, { from: 'ada', to: 'auth:a', ended })).toBe(0)
  expect(await read(db, task)).toMatchObject({ user_id: 'ada' })
  expect(await spent(db)).toEqual(same(60))
})

each('%s adoptTasks: of two accounts at one moment, the first gets all', async (driver) => {
  const db = suite.over(driver)
  await begin(db)
  await listen(db, 'ada', 'phone')
  const adoption = { from: 'ada', ended: [{ key: 'anonymous', until: tomorrow }] }
  const { second } = await suite.hold(async (rival) => {
    await adoptTasks(rival, { ...adoption, to: 'auth:a' })
    const second = adoptTasks(db, { ...adoption, to: 'auth:b' })
    await untilBlocked(suite.url)
    return { second }
  })
  expect(await second).toBe(0)
  const { rows } = await sql`select user_id from tasks union all select user_id from listeners`.execute(db)
  expect(rows).toEqual([{ user_id: 'auth:a' }, { user_id: 'auth:a' }])
  expect(await spent(db)).toEqual({ all: 60, 'recipe:try-on': 60, 'user:auth:a': 60 })
})

test('adoptTasks: what was started and spent together may be more than is allowed, and the next start is refused', async () => {
  const db = suite.over('pg')
  const limits = { daily_quota: 1 }
  await begin(db, { user_id: 'auth:a', prices: [400], total_steps: 1, ...limits })
  await begin(db, { prices: [400], total_steps: 1, ...limits })
  await adoptTasks(db, { from: 'ada', to: 'auth:a', ended: [] })
  expect(await spent(db)).toMatchObject({ 'user:auth:a': 800 })
  const more = { user_id: 'auth:a', prices: [1], total_steps: 1 }
  await expect(begin(db, more)).rejects.toThrow('spending_within_ceiling')
  await expect(begin(db, { ...more, prices: [null], ...limits })).rejects.toThrow('daily_starts_within_quota')
  await sql`delete from daily_starts`.execute(db)
})

const session = ['anonymous']
const signIn = { from: 'ada', to: 'auth:a', ended: [{ key: 'anonymous', until: tomorrow }] }

each('%s adoptTasks: takes along what is started at this moment', async (driver) => {
  const db = suite.over(driver)
  const before = await begin(db)
  const { started, adopted } = await suite.hold(async (rival) => {
    const started = await begin(rival, { session })
    const adopted = adoptTasks(db, signIn)
    await untilBlocked(suite.url)
    return { started, adopted }
  })
  expect(await adopted).toBe(2)
  for (const task of [before, started]) expect(await read(db, task)).toMatchObject({ user_id: 'auth:a' })
  expect(await spent(db)).toEqual({ all: 120, 'recipe:try-on': 120, 'user:auth:a': 120 })
})

each('%s startTask: a session that is taken over at this moment starts nothing', async (driver) => {
  const db = suite.over(driver)
  const { starting } = await suite.hold(async (rival) => {
    await adoptTasks(rival, signIn)
    const starting = expect(begin(db, { session })).rejects.toThrow(SessionEnded)
    await untilBlocked(suite.url)
    return { starting }
  })
  await starting
  expect(await spent(db)).toEqual({})
})
