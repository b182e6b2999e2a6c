// The helpers that other tests trust: many databases at once, seeing a blocked statement.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createDatabase, holdTransaction, untilBlocked } from './database.ts'

test('copies the template for many tests at once', async () => {
  const databases = await Promise.all(Array.from({ length: 10 }, () => createDatabase()))
  const applied = await Promise.all(
    databases.map(async ({ connect }) => {
      const { db } = await connect()
      return (await sql`select name from kysely_migration`.execute(db)).rows
    }),
  )
  for (const rows of applied) expect(rows).toEqual(applied[0])
  await Promise.all(databases.map(({ drop }) => drop()))
})

test('sees statements that wait for a lock', async () => {
  const database = await createDatabase()
  const { db } = await database.connect()
  const lock = sql`select pg_advisory_xact_lock(1)`
  const waiting = await holdTransaction(database, async (transaction) => {
    await lock.execute(transaction)
    const both = Promise.all([lock.execute(db), lock.execute(db)])
    await untilBlocked(database.url, 2)
    const refused = sql`select from pg_locks where not granted and database = (select oid from pg_database
      where datname = current_database())`
    expect((await refused.execute(transaction)).rows).toHaveLength(2)
    return { both }
  })
  await waiting.both
  await database.drop()
})

test('drops a database whose sessions are still closing', async () => {
  // Not every drop meets one. An error that nobody hears would fail the run.
  for (let times = 0; times < 10; times += 1) {
    const database = await createDatabase()
    const pool = database.pool({ max: 4 })
    const sessions = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
    for (const session of sessions) session.release()
    await database.drop()
  }
})
