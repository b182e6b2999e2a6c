// Both drivers behind connect(): the same values, the same errors, a limit on every statement.
import { createServer, type Server } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type Driver } from '../../db/driver/connect.ts'
import { pgPool } from '../../db/driver/pg.ts'
import { createDatabase, neonStandIn, type TestDatabase } from '../setup/database.ts'
import { runLate } from '../setup/late.ts'

const drivers: Driver[] = ['pg', 'neon']
let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  const { db } = await database.connect()
  await sql`create table things (id int constraint things_id unique, word text check (word <> ''))`.execute(db)
})
afterAll(() => database.drop())

test('goes to Neon by its HTTP driver and elsewhere by pg, unless told', async () => {
  const neonUrl = 'postgres://user:secret@ep-cool-pooler.eu-central-1.aws.neon.tech/main?sslmode=require'
  const driverOf = (...args: Parameters<typeof connect>) => connect(...args).driver
  expect(driverOf(neonUrl)).toBe('neon')
  expect(driverOf(neonUrl, { driver: 'pg' })).toBe('pg')
  expect(driverOf(database.url)).toBe('pg')
  expect(driverOf(database.url, { driver: 'neon' })).toBe('neon')
  expect(driverOf('postgres://user:secret@neon.tech.example.com/main')).toBe('pg')
})

test('refuses an address that is none without repeating it', () => {
  for (const url of ['', 'secret', 'https://user:secret@host/db', 'postgres:secret']) {
    expect(() => connect(url)).toThrow(/expected postgres:\/\/user:password@host/)
    expect(() => connect(url)).not.toThrow(/secret/)
  }
})

test.each(drivers)('reads the same values by %s', async (driver) => {
  const { db } = await database.connect(driver)
  const { rows } = await sql`select 9007199254740991::int8 as int8, count(*) as count, 1.50::numeric as numeric,
    '2026-01-02T03:04:05.678Z'::timestamptz as instant, ${JSON.stringify({ a: [1, null] })}::jsonb as json,
    array['a', null, 'c,"d'] as texts, array[1, 2] as numbers, ${['x', 'y']}::text[] as given, true as yes,
    '\\x00ff'::bytea as bytes, ${null}::text as nothing, 'é €'::text as words`.execute(db)
  expect(rows).toEqual([
    {
      int8: 9_007_199_254_740_991,
      count: 1,
      numeric: '1.50',
      instant: new Date('2026-01-02T03:04:05.678Z'),
      json: { a: [1, null] },
      texts: ['a', null, 'c,"d'],
      numbers: [1, 2],
      given: ['x', 'y'],
      yes: true,
      bytes: Buffer.from([0, 255]),
      nothing: null,
      words: 'é €',
    },
  ])
})

test.each(drivers)('counts the rows that %s changed', async (driver) => {
  const { db } = await database.connect(driver)
  const { numAffectedRows } = await sql`insert into things select generate_series(1000, 1002)`.execute(db)
  expect(numAffectedRows).toBe(3n)
  await sql`delete from things where id >= 1000`.execute(db)
})

test.each(drivers)('names the code and constraint of an error by %s', async (driver) => {
  const { db } = await database.connect(driver)
  await sql`delete from things`.execute(db)
  await sql`insert into things values (1, 'one')`.execute(db)
  const unique = { name: 'DatabaseError', code: '23505', constraint: 'things_id' }
  await expect(sql`insert into things values (1, 'two')`.execute(db)).rejects.toMatchObject(unique)
  const check = { name: 'DatabaseError', code: '23514', constraint: 'things_word_check' }
  await expect(sql`insert into things values (2, '')`.execute(db)).rejects.toMatchObject(check)
  await expect(sql`selekt`.execute(db)).rejects.toMatchObject({ code: '42601', constraint: undefined })
})

test('ends a statement that takes too long by pg, and goes on', async () => {
  const { db } = await database.connect('pg', { timeoutMs: 1_500 })
  await expect(sql`select pg_sleep(60)`.execute(db)).rejects.toMatchObject({ name: 'DatabaseError', code: '57014' })
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

test('ends a statement that takes too long by neon, and goes on', async () => {
  const { db } = await database.connect('neon', { timeoutMs: 60_000 })
  const watcher = database.pool()
  const running = `select from pg_stat_activity where datname = current_database() and state = 'active'
    and query like 'select pg_sleep(%'`
  const isRunning = async () => (await watcher.query(running)).rowCount === 1
  const sleeping = runLate(60_000, isRunning, () => sql`select pg_sleep(600)`.execute(db))
  await expect(sleeping).rejects.toMatchObject({ name: 'DatabaseError', code: '08007' })
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  await expect.poll(isRunning).toBe(false)
})

test.each(drivers)('says 08001 of a statement that was never sent by %s', async (driver) => {
  const closed = await closedPort()
  const url = new URL(database.url)
  url.port = String(closed)
  const standIn = await neonStandIn()
  const { neonConfig } = await import('@neondatabase/serverless')
  neonConfig.fetchEndpoint = `http://127.0.0.1:${closed}/sql`
  const { db, close } = connect(url.href, { driver })
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject({ name: 'DatabaseError', code: '08001' })
  await close()
  neonConfig.fetchEndpoint = standIn.fetchEndpoint
})

test('says 08001 when the server hangs up before it was asked anything', async () => {
  const server = createServer((socket) => socket.destroy())
  const { promise: listening, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await listening
  const { db, close } = connect(`postgres://me:x@127.0.0.1:${portOf(server)}/main`)
  await expect(sql`select 1`.execute(db)).rejects.toMatchObject({ name: 'DatabaseError', code: '08001' })
  await close()
  server.close()
})

test('says 08007 of a statement whose answer was lost, and goes on', async () => {
  const standIn = await neonStandIn()
  const neon = await database.connect('neon')
  standIn.faults.push('reset-after')
  const lost = { name: 'DatabaseError', code: '08007' }
  await expect(sql`insert into things values (77)`.execute(neon.db)).rejects.toMatchObject(lost)
  expect((await sql`select id from things where id = 77`.execute(neon.db)).rows).toEqual([{ id: 77 }])
})

test('takes a new connection when the server ended the old one', async () => {
  const { db } = await database.connect('pg')
  const ended = sql`select pg_terminate_backend(pg_backend_pid())`.execute(db)
  await expect(ended).rejects.toMatchObject({ name: 'DatabaseError', code: '57P01' })
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})

test('outlives a session that ends in its hands, and takes another', async () => {
  const other = await database.connect('pg')
  const pool = pgPool(database.url, 10_000, () => undefined)
  const client = await pool.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', [])
  await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(other.db)
  // Another turn of the event loop hears of it before the next statement does.
  await sql`select 1`.execute(other.db)
  await expect(client.query('select 1', [])).rejects.toMatchObject({ name: 'DatabaseError', kind: 'lost' })
  client.release()
  const next = await pool.connect()
  expect((await next.query('select 1 as one', [])).rows).toEqual([{ one: 1 }])
  next.release()
  await pool.end()
})

test('gives up a server that fell silent, and takes another connection', async () => {
  const { db } = await database.connect('pg', { timeoutMs: 60_000 })
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  const pid = rows[0]?.pid
  if (!pid) throw new Error('no process id')
  process.kill(pid, 'SIGSTOP')
  try {
    const unanswered = runLate(
      61_000,
      () => true,
      () => sql`select 1`.execute(db),
    )
    await expect(unanswered).rejects.toMatchObject({ name: 'DatabaseError', code: '08007' })
    expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

async function closedPort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const server = createServer().listen(0, '127.0.0.1', () => {
    const port = portOf(server)
    server.close(() => resolve(port))
  })
  return promise
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
