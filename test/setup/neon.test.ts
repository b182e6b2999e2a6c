// The stand-in, spoken to by the real driver: what it promises, and the faults that tests ask of it.
import { type NeonQueryFunction, neon } from '@neondatabase/serverless'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withDeadline } from '../../core/deadline.ts'
import { createDatabase, neonStandIn, statementCounter, type TestDatabase } from './database.ts'
import { runLate } from './late.ts'
import type { NeonStandIn } from './neon.ts'

let database: TestDatabase
let standIn: NeonStandIn
let sql: NeonQueryFunction<false, true>

beforeAll(async () => {
  database = await createDatabase()
  standIn = await neonStandIn()
  sql = neon(database.url, { fullResults: true })
  await sql.query('create table notes (id int primary key, words text)')
})
afterAll(() => database.drop())

async function ids(): Promise<number[]> {
  const { rows } = await sql.query('select id from notes order by id')
  return rows.map((row) => row['id'])
}

function post(query: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify(query)
  return fetch(standIn.fetchEndpoint, {
    method: 'POST',
    body,
    headers: { 'Neon-Connection-String': database.url, ...headers },
  })
}

test('answers with command, count and fields', async () => {
  const inserted = await sql.query('insert into notes values ($1, $2), (2, null) returning *', [1, 'one'])
  expect(inserted).toMatchObject({
    command: 'INSERT',
    rowCount: 2,
    rows: [
      { id: 1, words: 'one' },
      { id: 2, words: null },
    ],
  })
  expect(inserted.fields[0]).toMatchObject({ name: 'id', dataTypeID: 23, columnID: 1, format: 'text' })
  expect(await sql.query('create table ddl ()')).toMatchObject({ command: 'CREATE', rowCount: null })
})

test('refuses several statements at once', async () => {
  await expect(sql.query('select 1; select 2')).rejects.toMatchObject({ code: '42601' })
})

test("passes Postgres' own errors on, and refuses a wrong password in words", async () => {
  const error = { code: '23505', constraint: 'notes_pkey', table: 'notes', severity: 'ERROR' }
  await sql.query('insert into notes values (10)')
  await expect(sql.query('insert into notes values (10)')).rejects.toMatchObject(error)
  const stranger = new URL(database.url)
  stranger.password = 'wrong'
  const refusal = expect.stringContaining('password authentication failed')
  await expect(neon(stranger.href).query('select 1')).rejects.toMatchObject({ code: '', message: refusal })
  const elsewhere = new URL(database.url)
  elsewhere.pathname = '/nowhere'
  await expect(neon(elsewhere.href).query('select 1')).rejects.toThrow(/HTTP status 500\): .*"code":"3D000"/)
})

test('runs a batch in one transaction of the wanted kind, or not at all', async () => {
  const level = sql`show transaction_isolation`
  const [result] = await sql.transaction([level], { isolationLevel: 'Serializable' })
  expect(result?.rows).toEqual([{ transaction_isolation: 'serializable' }])
  const half = [sql`insert into notes values (20)`, sql`insert into notes values (20)`]
  await expect(sql.transaction(half)).rejects.toMatchObject({ code: '23505' })
  await expect(sql.transaction([sql`insert into notes values (20)`], { readOnly: true })).rejects.toMatchObject({
    code: '25006',
  })
  expect(await ids()).not.toContain(20)
  expect((await post({ queries: [] }, { 'Neon-Batch-Isolation-Level': 'Best' })).status).toBe(400)
})

test('keeps no session state between requests', async () => {
  await sql.query("set application_name = 'mine'")
  await sql.query('create temporary table mine ()')
  await expect(sql.query('select * from mine')).rejects.toMatchObject({ code: '42P01' })
  const { rows } = await sql.query('show application_name')
  expect(rows[0]).not.toEqual({ application_name: 'mine' })
})

test('types values itself where raw text was not asked for', async () => {
  const query = `select 1 as i, 2::int8 as l, true as b, '{"a":[1]}'::jsonb as j, array[1,null] as a, null as n`
  const typed: { rows: unknown } = JSON.parse(await (await post({ query })).text())
  expect(typed.rows).toEqual([{ i: 1, l: '2', b: true, j: { a: [1] }, a: [1, null], n: null }])
  const raw: { rows: unknown } = JSON.parse(await (await post({ query }, { 'Neon-Raw-Text-Output': 'true' })).text())
  expect(raw.rows).toEqual([{ i: '1', l: '2', b: 't', j: '{"a": [1]}', a: '{1,NULL}', n: null }])
})

test('cancels the statement when the client goes away', async () => {
  const running = async () => {
    const active =
      "select from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(60)' and state = 'active'"
    return (await sql.query(active)).rowCount
  }
  const client = new AbortController()
  const sleeping = sql.query('select pg_sleep(60)', [], { fetchOptions: { signal: client.signal } })
  const refused = expect(sleeping).rejects.toThrow()
  await expect.poll(running).toBe(1)
  client.abort()
  await refused
  await expect.poll(running).toBe(0)
})

test('refuses an answer over 10 MB', async () => {
  await expect(sql.query("select repeat('x', 11000000)")).rejects.toThrow('HTTP status 507')
})

/** A statement whose answer is waited for until the stand-in holds it. */
function givenUp(statement: string) {
  const { held } = standIn
  return runLate(
    10_000,
    () => standIn.held > held,
    () => withDeadline(10_000, (signal) => sql.query(statement, [], { fetchOptions: { signal } })),
  )
}

test('shows each fault once, and the driver never asks again', async () => {
  const before = standIn.requests
  const late = { name: 'TimeoutError' }
  const gateway = { status: 503, answer: '<h1>Service Unavailable</h1>' }
  const asleep = { status: 500, answer: { message: 'Control plane request failed' } }
  standIn.faults.push('error', 'reset-before', 'reset-after', 'hang', { slowMs: 1 }, gateway, asleep, 'hang-after')
  await expect(sql.query('insert into notes values (31)')).rejects.toThrow('HTTP status 500')
  await expect(sql.query('insert into notes values (32)')).rejects.toThrow('Error connecting')
  await expect(sql.query('insert into notes values (33)')).rejects.toThrow('Error connecting')
  await expect(givenUp('insert into notes values (34)')).rejects.toMatchObject(late)
  await sql.query('insert into notes values (35)')
  await expect(sql.query('insert into notes values (36)')).rejects.toThrow('HTTP status 503): <h1>Service')
  await expect(sql.query('insert into notes values (37)')).rejects.toThrow('500): {"code":"","message":"Control plane')
  await expect(givenUp('insert into notes values (38)')).rejects.toMatchObject(late)
  expect(standIn.requests - before).toBe(8)
  expect((await ids()).filter((id) => id > 30)).toEqual([33, 35, 38])
})

test("counts the database's statements and nothing else", async () => {
  const counter = statementCounter(database.url)
  await counter.reset()
  await sql.query('select 1')
  await sql.transaction([sql`select 2`, sql`select 3`])
  // begin and commit belong to the batch.
  expect(await counter.count(), JSON.stringify(await counter.list())).toBe(5)
})
