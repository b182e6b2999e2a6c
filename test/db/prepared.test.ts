// Prepared statements: planned once a connection, and never in the way of an answer.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../db/statements/sql.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'

let database: TestDatabase
let db: Db

beforeAll(async () => {
  database = await createDatabase()
  await sql`create table words (id int, word text)`.execute((await database.connect('pg')).db)
})
afterAll(() => database.drop())

/** One connection at a time is open: each statement follows the one before. */
async function openDb(): Promise<void> {
  db = (await database.connect('pg')).db
}

const read = async (id: number) => (await sql`select * from words where id = ${id}`.execute(db)).rows
const planned = async () =>
  (await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db)).rows.filter(
    ({ statement }) => statement.startsWith('select * from words'),
  )

test('a statement with parameters is planned once a connection', async () => {
  await openDb()
  for (const id of [1, 2, 3]) await read(id)
  expect(await planned()).toHaveLength(1)
})

test('a statement whose plan the connection has lost is answered, and no plan is kept from then on', async () => {
  await openDb()
  await read(1)
  await sql`deallocate all`.execute(db)
  expect(await read(1)).toEqual([])
  await read(2)
  expect(await planned()).toEqual([])
})

test('a statement that another has planned under the same name is answered', async () => {
  await openDb()
  await read(1)
  const { rows } = await sql<{
    name: string
  }>`select name from pg_prepared_statements where statement like ${'select * from words%'}`.execute(db)
  await openDb()
  await sql.raw(`prepare "${rows[0]?.name}" as select 1`).execute(db)
  expect(await read(1)).toEqual([])
})

test('a statement of whose table a migration changed the columns is answered with them', async () => {
  await openDb()
  await sql`insert into words values (7, 'old')`.execute(db)
  await read(7)
  await sql`alter table words add column language text`.execute((await database.connect('pg')).db)
  expect(await read(7)).toEqual([{ id: 7, word: 'old', language: null }])
  expect(await read(7)).toHaveLength(1)
})

test('what fails by itself is not sent again', async () => {
  await openDb()
  await sql`create table once (id int unique)`.execute(db)
  const insert = () => sql`insert into once values (${1})`.execute(db)
  await insert()
  await expect(insert()).rejects.toMatchObject({ constraint: 'once_id_key' })
})
