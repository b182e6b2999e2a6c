// What Neon's proxy says when a statement doesn't get to Postgres, or its answer not back: each is known by its own words, and
// whether the statement is sent again follows from that alone.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Connection } from '../../db/driver/connect.ts'
import { DatabaseError, type FailureKind } from '../../db/driver/errors.ts'
import { createDatabase, neonStandIn, type TestDatabase } from '../setup/database.ts'
import type { Fault, NeonStandIn } from '../setup/neon.ts'

let database: TestDatabase
let standIn: NeonStandIn
let db: Connection['db']
const heard: DatabaseError[] = []

beforeAll(async () => {
  database = await createDatabase()
  standIn = await neonStandIn()
  db = (await database.connect('neon', { onRepeat: (error) => heard.push(error) })).db
  await sql`create table notes (id int)`.execute(db)
})
afterAll(() => database.drop())

const says = (status: number, message: string, code?: string): Fault => ({
  status,
  answer: { message, ...(code && { code }) },
})

/** Words of the proxy's own source, and of what may stand before it. */
const passing: [FailureKind, Fault][] = [
  ['waking', says(500, "Couldn't connect to compute node")],
  ['waking', says(500, 'Control plane request failed')],
  ['waking', says(500, 'endpoint is idle, retry request')],
  ['waking', says(500, 'timed out while waiting for endpoint to become active')],
  ['waking', says(500, 'the database system is starting up', '57P03')],
  ['busy', says(500, 'Too many connections attempts')],
  ['busy', says(500, 'Failed to acquire permit to connect to the database. Too many attempts are currently ongoing.')],
  ['busy', says(500, 'sorry, too many clients already', '53300')],
  ['busy', { status: 429, answer: 'Too Many Requests' }],
]

test.each(passing)('a statement that met "%s" %j was not executed, and is sent again', async (kind, fault) => {
  const before = { requests: standIn.requests, heard: heard.length }
  standIn.faults.push(fault)
  await sql`insert into notes values (1)`.execute(db)
  expect(heard.slice(before.heard).map((error) => error.kind)).toEqual([kind])
  expect(standIn.requests - before.requests).toBe(2)
})

const lasting: [FailureKind, Fault][] = [
  ['refused', says(500, 'Control plane request failed: endpoint is disabled')],
  ['refused', says(500, 'Control plane request failed: endpoint cannot be found')],
  ['refused', says(500, 'Your account or project has exceeded the compute time quota. Upgrade your plan.')],
  ['refused', says(400, "password authentication failed for user 'me'")],
  ['refused', says(400, 'This IP address 10.0.0.1 is not allowed to connect to this endpoint.')],
  ['refused', { status: 403, answer: 'Forbidden' }],
  ['wrong', says(413, 'request is too large')],
  // It was executed, and its answer is as good as lost.
  ['lost', says(507, 'response is too large (max is 10485760 bytes)')],
  // Postgres went away in the middle of a statement.
  ['lost', says(400, 'connection closed')],
  ['lost', says(400, 'Query cancelled, connection was terminated', '08P01')],
  ['lost', says(500, 'could not parse postgres response')],
  ['lost', says(500, 'an unknown message')],
  ['lost', { status: 500, answer: '' }],
  ['lost', { status: 400, answer: '<h1>Bad Request</h1>' }],
  ['lost', { status: 502, answer: '<h1>Bad Gateway</h1>' }],
  ['lost', { status: 503, answer: 'upstream connect error' }],
  ['lost', { status: 200, answer: '{"command":"INSERT", "rowC' }],
]

test.each(lasting)('a statement that met "%s" %j is not sent again', async (kind, fault) => {
  const { requests } = standIn
  standIn.faults.push(fault)
  const failure = await sql`insert into notes values (1)`.execute(db).catch((error: unknown) => error)
  if (!(failure instanceof DatabaseError)) throw new Error(`expected a DatabaseError, not ${failure}`)
  expect([failure.kind, failure.wasNeverSent]).toEqual([kind, kind === 'refused'])
  expect(standIn.requests - requests).toBe(1)
})

test('a database that stays asleep is given up after some seconds, in its own words', async () => {
  const { requests } = standIn
  const asleep = says(500, "Couldn't connect to compute node")
  standIn.faults.push(asleep, asleep, asleep, asleep)
  await expect(sql`select 1`.execute(db)).rejects.toThrow(
    "The database is not awake yet: Couldn't connect to compute node",
  )
  expect(standIn.requests - requests).toBe(4)
})

test('no failure tells the address, which holds the password', async () => {
  const { password } = new URL(database.url)
  for (const [, fault] of [...passing.slice(0, 1), ...lasting]) {
    standIn.faults.push(fault)
    const failure = await sql`select 1`.execute(db).catch((error: Error) => error)
    if (failure instanceof Error) expect(failure.message).not.toContain(password)
  }
})
