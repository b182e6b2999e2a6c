// Answers that Neon doesn't take, above 10 MiB: a claim takes as much as fits, and what was done in spite of a 507 is found.
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { claimDeliveries } from '../../db/statements/outbox.ts'
import { listTasks } from '../../db/statements/reads.ts'
import type { Db } from '../../db/statements/sql.ts'
import { createDatabase, neonStandIn, type TestDatabase } from '../setup/database.ts'
import { insertTasks, type Row } from '../setup/factory.ts'
import type { Fault, NeonStandIn } from '../setup/neon.ts'
import { claim, noon } from './setup.ts'

let database: TestDatabase
let standIn: NeonStandIn
let db: Db
let plain: Db

beforeAll(async () => {
  database = await createDatabase()
  standIn = await neonStandIn()
  db = (await database.connect('neon')).db
  plain = (await database.connect('pg')).db
})
beforeEach(async () => {
  standIn.faults.length = 0
  await sql`truncate tasks cascade`.execute(plain)
})
afterAll(() => database.drop())

/** Of about as many kilobytes each. */
const insertLarge = (count: number, kilobytes: number): Promise<Row[]> =>
  insertTasks(
    plain,
    Array.from({ length: count }, () => ({ at: noon, input: { note: 'x'.repeat(kilobytes * 1_000) } })),
  )
const tooLarge: Fault = { status: 507, answer: { message: 'response is too large (max is 10485760 bytes)' } }
const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).toSorted()

test('a claim takes as many tasks as fit into an answer, says that more is due, and leaves the others due', async () => {
  const tasks = await insertLarge(14, 1_000)
  const claimed: { id: string }[] = []
  for (let more: boolean | undefined = true; more; ) {
    const { tasks: some, isCut } = await claim(db)
    expect(some.length).toBeGreaterThan(0)
    claimed.push(...some)
    more = isCut
  }
  expect(idsOf(claimed)).toEqual(idsOf(tasks))
})

test('a task that fits into no claim with another is claimed by itself', async () => {
  await insertLarge(2, 6_000)
  expect(await claim(db)).toMatchObject({ tasks: [{ work: 'submit' }], isCut: true })
  expect((await claim(db)).tasks).toHaveLength(1)
})

test('a claim that met 507 before it was done is sent again for half as many', async () => {
  await insertLarge(8, 1)
  standIn.faults.push(tooLarge)
  const { tasks, isCut } = await claim(db, { limit: 8 })
  expect([tasks.length, isCut]).toEqual([4, true])
})

test('a claim that was done in spite of its 507 is found by its name, in parts that fit', async () => {
  const tasks = await insertLarge(14, 900)
  standIn.faults.push('too-large-after', tooLarge)
  const first = await claim(db)
  expect(first.isCut).toBe(true)
  const { rows } = await sql<Row>`select id from tasks where phase = 'submitting'`.execute(plain)
  expect(idsOf(first.tasks)).toEqual(idsOf(rows))
  expect(first.tasks.length).toBeLessThan(tasks.length)
})

test('a list that is too large for one answer is read in parts', async () => {
  const tasks = await insertLarge(14, 1_000)
  const listed = await listTasks(db, { user_id: 'ada', limit: 100 })
  expect(listed.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id).toReversed())
})

test('a claim of news takes as many as fit into an answer, says that more is due, and leaves the others due', async () => {
  const [task] = await insertLarge(1, 1)
  await sql`insert into outbox (task_id, user_id, type, channel, receiver, at, task, due_at)
    select gen_random_uuid(), 'ada', 'task.waiting', 'webhook', 'url', ${noon},
      jsonb_build_object('id', ${task?.id}::text, 'note', repeat('x', 1000000)), ${noon} from generate_series(1, 14)`.execute(
    plain,
  )
  const claimed: string[] = []
  for (let more = true; more; ) {
    const { deliveries, isCut } = await claimDeliveries(db, { limit: 200, now: noon })
    expect(deliveries.length).toBeGreaterThan(0)
    claimed.push(...deliveries.map(({ id }) => id))
    more = isCut
  }
  expect(new Set(claimed).size).toBe(14)
})
