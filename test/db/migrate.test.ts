// migrate() on folders of its own, and `npm run migrate` as a program.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Connection } from '../../db/connect.ts'
import { direct, migrate } from '../../db/migrate.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'

let root: string
let folder: string
let database: TestDatabase
let db: Connection['db']

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'stepgate-migrate-'))
  database = await createDatabase()
  db = (await database.connect()).db
})
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'migrations-'))
  await sql`drop schema public cascade`.execute(db)
  await sql`create schema public`.execute(db)
})
afterAll(async () => {
  await database.drop()
  await rm(root, { recursive: true })
})

function write(file: string, text: string): Promise<void> {
  return writeFile(join(folder, file), text)
}

async function tables(): Promise<unknown[]> {
  const { rows } = await sql<{ name: string }>`select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and relname not like 'kysely%' order by 1`.execute(db)
  return rows.map(({ name }) => name)
}

test('does nothing with an empty folder', async () => {
  expect(await migrate(database.url, folder)).toEqual([])
})

test('applies files of several statements in the order of their names, once', async () => {
  await write('0002_more.sql', `alter table a add column more text default 'a;b'; create table b ();`)
  await write('0001_first.sql', 'create table a (id int); -- the first; one\ninsert into a values (1);')
  await write('README.md', 'not a migration')
  expect(await migrate(database.url, folder)).toEqual(['0001_first', '0002_more'])
  expect(await migrate(database.url, folder)).toEqual([])
  await write('0003_last.sql', 'create table c ();')
  expect(await migrate(database.url, folder)).toEqual(['0003_last'])
  expect(await tables()).toEqual(['a', 'b', 'c'])
})

test('may run several times at once', async () => {
  await write('0001_first.sql', 'create table a (); select pg_sleep(0.2);')
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url, folder)))
  expect(applied.flat()).toEqual(['0001_first'])
})

test("leaves nothing of a failed run, and says which file and line in Postgres' words", async () => {
  await write('0001_first.sql', 'create table a ();')
  await write('0002_wrong.sql', 'create table b ();\ncreate table c ();\ninsert into nowhere values (1);')
  const words = '0002_wrong.sql, line 3: relation "nowhere" does not exist'
  await expect(migrate(database.url, folder)).rejects.toThrow(words)
  expect(await tables()).toEqual([])
  await write('0002_wrong.sql', 'create table b ();')
  expect(await migrate(database.url, folder)).toEqual(['0001_first', '0002_wrong'])
})

test("goes to Neon's own server past its pooler, and to any other server as told", () => {
  const neon = 'postgres://me:x@ep-cool-pooler.eu-central-1.aws.neon.tech/main?sslmode=require&channel_binding=require'
  const expected = 'postgres://me:x@ep-cool.eu-central-1.aws.neon.tech/main?sslmode=verify-full&channel_binding=require'
  expect(direct(neon)).toBe(expected)
  expect(direct(expected)).toBe(expected)
  const other = 'postgres://me:x@my-pooler.example.com/main?sslmode=require'
  expect(direct(other)).toBe(other)
})

test('refuses a database that knows migrations we do not have', async () => {
  await write('0001_first.sql', 'create table a ();')
  await migrate(database.url, folder)
  await mkdir(join(folder, 'empty'))
  await expect(migrate(database.url, join(folder, 'empty'))).rejects.toThrow('0001_first is missing')
})

test('works as a program', async () => {
  const run = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, ['db/migrate.ts'], { env, cwd: join(import.meta.dirname, '..', '..') })
  await expect(run({})).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_URL is not set') })
  expect((await run({ NETLIFY_DATABASE_URL: database.url })).stdout).toMatch(/^applied 0001_tasks$/m)
  expect((await run({ DATABASE_URL: database.url, NETLIFY_DB_URL: 'not read' })).stdout).toBe('up to date\n')
  const unreachable = 'postgres://someone:secret@127.0.0.1:1/nothing'
  await expect(run({ NETLIFY_DB_URL: unreachable, NETLIFY_DATABASE_URL: database.url })).rejects.toMatchObject({
    stderr: expect.not.stringContaining('secret'),
  })
})
