// The SQL of docs/operations.md runs on the table as it is, with a task in every state.
import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { createDatabase } from '../setup/database.ts'
import { insertTask, insertTasks, stateNames, states, stray } from '../setup/factory.ts'
import { fencesOf, readDocument } from './documents.ts'

const database = await createDatabase()
afterAll(() => database.drop())
const { db } = await database.connect('pg')
const inserted = await insertTasks(
  db,
  stateNames.map((name) => states[name]),
)

const statements = fencesOf(await readDocument('docs/operations.md'), 'sql').flatMap((block) =>
  block.split(/;\n/).filter((statement) => statement.trim() !== ''),
)

test.each(statements)('runs: %s', async (statement) => {
  await expect(sql.raw(statement).execute(db)).resolves.toBeDefined()
})

test('the list against the bill has every prediction that the table knows of', async () => {
  const past = { ...inserted.find(({ status }) => status === 'failed')?.steps[0], prediction_id: 'earlier' }
  const unwanted = stray({ prediction_id: 'unwanted' })
  const redone = {
    step: 1,
    status: 'failed',
    attempt: 2,
    prediction_id: 'later',
    submitted_at: null,
    finished_at: null,
  }
  await insertTask(db, {
    status: 'failed',
    total_steps: 1,
    steps: [{ ...redone, past: [past] }] as never,
    strays: [unwanted],
  })
  const bill = statements.find((statement) => statement.includes("'stray'")) ?? ''
  const { rows } = await sql.raw<{ source: string; prediction_id: string }>(bill).execute(db)
  const listed = new Map(rows.map(({ prediction_id, source }) => [prediction_id, source]))
  expect(listed.get('later')).toBe('step')
  expect(listed.get('earlier')).toBe('past')
  expect(listed.get('unwanted')).toBe('stray')
  const open = inserted.flatMap(({ prediction_id }) => prediction_id ?? [])
  expect(open.map((id) => listed.get(id))).toEqual(open.map(() => 'open'))
})

test('the first look counts every unfinished task', async () => {
  const { rows } = await sql.raw<{ status: string; count: number }>(statements[0] ?? '').execute(db)
  expect(rows.map(({ status }) => status)).toEqual(
    expect.arrayContaining(['pending', 'processing', 'waiting_continue', 'canceled']),
  )
  expect(rows.map(({ status }) => status)).not.toContain('completed')
})
