// What recover may forget: finished tasks of long ago and their history, in bounded batches, and nothing that is still to be done.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { deleteFinished } from '../../db/statements/retention.ts'
import type { Db } from '../../db/statements/sql.ts'
import { insertRows, insertTask, later, stateNames, stray, type TaskOverrides, taskRow } from '../setup/factory.ts'
import { each, insertState, noon, useDatabase } from './setup.ts'

const suite = useDatabase()
const day = 24 * 3_600
const longAgo = later(noon, -100 * day)
const how = { olderThanSeconds: 90 * day, limit: 10, now: noon }

/** A UUIDv7 of that instant; ids made in a row count up. */
function idAt(instant: Date, count = 0): string {
  const hex = `${instant.getTime().toString(16).padStart(12, '0')}70008000${count.toString(16).padStart(12, '0')}`
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const old = (count: number, more: TaskOverrides = {}): TaskOverrides => ({
  ...{ id: idAt(longAgo, count), status: 'completed', at: longAgo },
  ...more,
})

async function left(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from tasks order by id`.execute(db)
  return rows.map(({ id }) => id)
}

each('deleteFinished: takes the oldest first, no more than its limit, until none is left (%s)', async (driver) => {
  const db = suite.over(driver)
  await insertRows(
    db,
    Array.from({ length: 25 }, (_, count) => taskRow(old(count))),
  )
  const ids = await left(db)
  expect((await deleteFinished(db, how)).toSorted()).toEqual(ids.slice(0, 10))
  expect(await deleteFinished(db, how)).toHaveLength(10)
  expect(await deleteFinished(db, how)).toHaveLength(5)
  expect(await deleteFinished(db, how)).toEqual([])
})

each('deleteFinished: leaves what is unfinished, or has something left to do at the provider (%s)', async (driver) => {
  const db = suite.over(driver)
  for (const [count, state] of stateNames.entries()) {
    const isOver = ['completed', 'failed', 'canceled'].includes(state)
    if (!isOver) await insertState(db, state, { id: idAt(longAgo, count), at: longAgo })
  }
  await insertTask(db, old(99, { status: 'canceled', strays: [stray()], due_at: longAgo }))
  const before = await left(db)
  expect(await deleteFinished(db, how)).toEqual([])
  expect(await left(db)).toEqual(before)
})

each('deleteFinished: counts from the end of a task, not from its start (%s)', async (driver) => {
  const db = suite.over(driver)
  await insertTask(db, old(1, { finished_at: later(noon, -89 * day) }))
  const { id } = await insertTask(db, old(2, { finished_at: later(noon, -91 * day) }))
  expect(await deleteFinished(db, how)).toEqual([id])
})

each('deleteFinished: a task’s history goes with it, and nobody else’s (%s)', async (driver) => {
  const db = suite.over(driver)
  const [gone, kept] = [await insertTask(db, old(1)), await insertTask(db, old(2, { finished_at: noon }))]
  for (const { id } of [gone, kept]) {
    await sql`insert into task_events (task_id, at, move, became, step, attempt)
      values (${id}, ${longAgo}, 'started', 'pending', 0, 0)`.execute(db)
  }
  await deleteFinished(db, how)
  const { rows } = await sql`select task_id from task_events`.execute(db)
  expect(rows).toEqual([{ task_id: kept.id }])
})

test('deleteFinished: does not wait for a row that somebody holds', async () => {
  const db = suite.over('pg')
  const [held, free] = [await insertTask(db, old(1)), await insertTask(db, old(2))]
  await db.transaction().execute(async (transaction) => {
    await sql`select from tasks where id = ${held.id} for update`.execute(transaction)
    expect(await deleteFinished(db, how)).toEqual([free.id])
  })
  expect(await deleteFinished(db, how)).toEqual([held.id])
})
