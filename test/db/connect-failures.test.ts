// What a failure is called, by either driver: the same statement, the same trouble, the same kind of DatabaseError.
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Connection, connect, type Driver } from '../../db/driver/connect.ts'
import { DatabaseError, type FailureKind } from '../../db/driver/errors.ts'
import { createDatabase, holdTransaction, type TestDatabase, untilBlocked } from '../setup/database.ts'

const drivers: Driver[] = ['pg', 'neon']
const role = `role_${randomUUID().replaceAll('-', '')}`
let database: TestDatabase
let admin: Connection['db']

beforeAll(async () => {
  database = await createDatabase()
  admin = (await database.connect('pg')).db
  await sql`create table things (id int constraint things_id unique, word text)`.execute(admin)
  await sql`insert into things values (1, 'one')`.execute(admin)
  await sql.raw(`create role ${role} login password 'right'`).execute(admin)
  await sql.raw(`grant all on all tables in schema public to ${role}`).execute(admin)
})
afterAll(async () => {
  await sql.raw(`drop owned by ${role}`).execute(admin)
  await sql.raw(`drop role ${role}`).execute(admin)
  await database.drop()
})

/** As a role of the test's own, or with one part of the address changed. */
function addressOf(change: Partial<Pick<URL, 'username' | 'password' | 'pathname' | 'port'>>): string {
  return Object.assign(new URL(database.url), { username: role, password: 'right', ...change }).href
}

async function failureOf(work: Promise<unknown>): Promise<DatabaseError> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(failure instanceof DatabaseError)) throw new Error(`expected a DatabaseError, not ${failure}`)
  return failure
}

async function failureAt(driver: Driver, url: string, statement = sql`select 1`, timeoutMs = 10_000) {
  await database.connect(driver)
  const { db, close } = connect(url, { driver, timeoutMs })
  try {
    return await failureOf(statement.execute(db))
  } finally {
    await close()
  }
}

const statements: [FailureKind, string, ReturnType<typeof sql>][] = [
  ['constraint', '23505', sql`insert into things values (1, 'two')`],
  ['wrong', '42601', sql`selekt`],
  ['wrong', '22P02', sql`select ${'one'}::int`],
  ['lost', '57P01', sql`select pg_terminate_backend(pg_backend_pid())`],
  ['failed', 'P0001', sql`do 'begin raise; exception when others then raise exception ''no''; end'`],
]

test.each(drivers.flatMap((driver) => statements.map((one) => [driver, ...one] as const)))(
  'by %s a failure is called %s (%s)',
  async (driver, kind, code, statement) => {
    const { db } = await database.connect(driver)
    const failure = await failureOf(statement.execute(db))
    expect([failure.kind, failure.code, failure.wasNeverSent]).toEqual([kind, code, false])
    expect(failure.isConnectionLost).toBe(kind === 'lost')
  },
)

test.each(drivers)('by %s a lock that is not waited for is a conflict', async (driver) => {
  const { db } = await database.connect(driver)
  await holdTransaction(database, async (rival) => {
    await sql`select from things where id = 1 for update`.execute(rival)
    const failure = await failureOf(sql`select from things where id = 1 for update nowait`.execute(db))
    expect([failure.kind, failure.code]).toEqual(['conflict', '55P03'])
  })
})

test.each(drivers)(
  'by %s a deadlock is a conflict: its other side goes on, and then it is sent again',
  async (driver) => {
    const conflict = Promise.withResolvers<DatabaseError>()
    const { db } = await database.connect(driver, { onRepeat: conflict.resolve })
    await sql`insert into things values (2, 'two') on conflict do nothing`.execute(admin)
    const { both } = await holdTransaction(database, async (rival) => {
      await sql`set local deadlock_timeout = '1min'`.execute(rival)
      await sql`select from things where id = 2 for update`.execute(rival)
      const both = sql`with one as materialized (select from things where id = 1 for update)
      select from things where id = 2 and exists (select from one) for update`.execute(db)
      await untilBlocked(database.url)
      await sql`select from things where id = 1 for update`.execute(rival)
      expect(await conflict.promise).toMatchObject({ kind: 'conflict', code: '40P01' })
      return { both }
    })
    expect((await both).rows).toHaveLength(1)
  },
)

test.each(drivers)("by %s the server's own time limit is late, and undoes the statement", async (driver) => {
  await sql.raw(`alter role ${role} set statement_timeout = 50`).execute(admin)
  // pg asks for its own limit when it connects; Neon's driver can't.
  const timeoutMs = driver === 'pg' ? 50 : 10_000
  const failure = await failureAt(
    driver,
    addressOf({}),
    sql`insert into things select 9, pg_sleep(60)::text`,
    timeoutMs,
  )
  await sql.raw(`alter role ${role} reset statement_timeout`).execute(admin)
  expect([failure.kind, failure.code, failure.isConnectionLost]).toEqual(['late', '57014', false])
})

test.each(drivers)(
  'by %s a wrong password and an unknown database are refused, and not tried again',
  async (driver) => {
    const { db } = await database.connect(driver)
    await sql`select 1`.execute(db)
    const failures = [
      await failureAt(driver, addressOf({ password: 'wrong-secret' })),
      await failureAt(driver, addressOf({ pathname: '/nowhere' })),
    ]
    expect(failures.map(({ kind, code }) => [kind, code])).toEqual([
      ['refused', '28P01'],
      ['refused', '3D000'],
    ])
    for (const failure of failures) {
      expect([failure.wasNeverSent, failure.isConnectionLost]).toEqual([true, true])
      expect(failure.message).not.toContain('wrong-secret')
    }
  },
)

test.each(drivers)('by %s a server with too many connections is busy, and asked again', async (driver) => {
  const name = new URL(database.url).pathname.slice(1)
  await sql.raw(`alter database ${name} connection limit 0`).execute(admin)
  await database.connect(driver)
  const heard: string[] = []
  let lifted: Promise<unknown> | undefined
  const { db, close } = connect(`${addressOf({})}?application_name=first`, {
    driver,
    onRepeat: ({ kind, code }) => {
      heard.push(`${kind} ${code}`)
      // Once: two at the same moment refuse each other.
      lifted ??= sql.raw(`alter database ${name} connection limit -1`).execute(admin)
    },
  })
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  await lifted
  expect(heard[0]).toBe('busy 53300')
  await close()
})
