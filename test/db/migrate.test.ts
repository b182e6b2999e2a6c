// migrate() on folders of its own, and `npm run migrate` as a program.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectTo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Connection } from '../../db/driver/connect.ts'
import { direct, migrate, migrationUrl } from '../../db/migrate.ts'
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

test('goes to the direct address beside the variable that the functions use', () => {
  const env = {
    NETLIFY_DB_URL: 'netlify',
    NETLIFY_DATABASE_URL: 'extension',
    NETLIFY_DATABASE_URL_UNPOOLED: 'extension, direct',
  }
  expect(migrationUrl(env)).toBe('netlify')
  expect(migrationUrl({ ...env, NETLIFY_DB_URL: '' })).toBe('extension, direct')
  const own = { ...env, DATABASE_URL: 'own' }
  expect(migrationUrl(own)).toBe('own')
  expect(migrationUrl({ ...own, DATABASE_URL_UNPOOLED: 'own, direct' })).toBe('own, direct')
  expect(migrationUrl({ DATABASE_URL_UNPOOLED: 'of nothing' })).toBeUndefined()
})

test('waits for a database that is not awake yet', async () => {
  await write('0001_first.sql', 'create table a ();')
  const { port, hostname } = new URL(database.url)
  let connections = 0
  // Neon's proxy, as pg meets it: the first connection wakes the database up, and is refused.
  const proxy = createServer((socket) => {
    connections += 1
    if (connections === 1) return void socket.once('data', () => socket.end(asleep()))
    const server = connectTo(Number(port), hostname)
    socket.pipe(server).pipe(socket)
    socket.on('error', () => server.destroy())
    server.on('error', () => socket.destroy())
  })
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  proxy.listen(0, '127.0.0.1', resolve)
  await listening
  const address = proxy.address()
  const own = String(typeof address === 'object' && address ? address.port : 0)
  expect(await migrate(Object.assign(new URL(database.url), { port: own }).href, folder)).toEqual(['0001_first'])
  expect(connections).toBeGreaterThan(1)
  proxy.close()
})

/** An ErrorResponse of the wire protocol. */
function asleep(): Buffer {
  const fields = Buffer.from("SERROR\0VERROR\0CXX000\0MCouldn't connect to compute node\0\0")
  const head = Buffer.alloc(5, 'E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

test('refuses a database that knows migrations we do not have', async () => {
  await write('0001_first.sql', 'create table a ();')
  await migrate(database.url, folder)
  await mkdir(join(folder, 'empty'))
  await expect(migrate(database.url, join(folder, 'empty'))).rejects.toThrow('0001_first is missing')
})

test('works as a program', async () => {
  const { NODE_COMPILE_CACHE } = process.env
  const run = (env: Record<string, string>, ...words: string[]) =>
    promisify(execFile)(process.execPath, ['db/migrate.ts', ...words], {
      ...{ env: { ...env, NODE_COMPILE_CACHE }, cwd: join(import.meta.dirname, '..', '..') },
    })
  await expect(run({})).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_URL is not set') })
  expect((await run({ NETLIFY_DATABASE_URL: database.url })).stdout).toMatch(/^applied 0001_tasks$/m)
  expect((await run({ DATABASE_URL: database.url, NETLIFY_DB_URL: 'not read' })).stdout).toBe('up to date\n')
  const unreachable = 'postgres://someone:secret@127.0.0.1:1/nothing'
  const pooled = { DATABASE_URL: unreachable, DATABASE_URL_UNPOOLED: database.url }
  expect((await run(pooled)).stdout).toBe('up to date\n')
  await expect(run({ NETLIFY_DB_URL: unreachable, NETLIFY_DATABASE_URL: database.url })).rejects.toMatchObject({
    stderr: expect.not.stringContaining('secret'),
  })
  await write('deployment.env', `DATABASE_URL=${database.url}\n`)
  expect((await run({}, '--env', join(folder, 'deployment.env'))).stdout).toBe('up to date\n')
  await expect(run({}, '--env', join(folder, 'none.env'))).rejects.toMatchObject({
    ...{ code: 1, stderr: expect.stringMatching(/none\.env can't be read: ENOENT/) },
  })
  // Whoever asks for a trial gets none, and nothing is migrated.
  await expect(run(pooled, '--dry-run')).rejects.toMatchObject({ code: 1, stdout: '' })
})
