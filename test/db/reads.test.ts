// Reads, the price of each request in statements, and the indexes that keep every statement's cost off the history.
import { type QueryResult, RawNode, sql, type UnknownRow } from 'kysely'
import { expect, test } from 'vitest'
import { claimDeliveries } from '../../db/statements/outbox.ts'
import { listTasks, probeDatabase, readTask } from '../../db/statements/reads.ts'
import type { Db } from '../../db/statements/sql.ts'
import { startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { statementCounter } from '../setup/database.ts'
import { insertTasks, later, type Row, states, type TaskOverrides } from '../setup/factory.ts'
import { claim, each, insertState, noon, overBoth, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const idOf = ({ id }: { id: string }) => id

each('%s: reads find nothing on an empty table', async (driver) => {
  const db = over(driver)
  await probeDatabase(db)
  expect(await listTasks(db, { user_id: 'ada', limit: 10 })).toEqual([])
  expect(await readTask(db, { id: crypto.randomUUID(), user_id: 'ada' })).toBeUndefined()
})

each('%s: readTask() shows a task to its owner alone, and whether it is due', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { due_at: noon })
  const done = await insertState(db, 'completed')
  expect(await readTask(db, { ...task, now: noon })).toEqual({ ...task, is_due: true })
  expect(await readTask(db, { ...task, now: later(noon, -1) })).toEqual({ ...task, is_due: false })
  expect(await readTask(db, task)).toMatchObject({ is_due: true })
  expect(await readTask(db, done)).toEqual({ ...done, is_due: false })
  expect(await readTask(db, { id: task.id, user_id: 'bob' })).toBeUndefined()
})

each("%s: listTasks() pages through a user's tasks, newest first", async (driver) => {
  const db = over(driver)
  const statuses = ['completed', 'failed', 'completed', 'pending', 'completed'] as const
  const mine = (
    await insertTasks(
      db,
      statuses.map((status) => ({ status })),
    )
  ).toReversed()
  await insertState(db, 'completed', { user_id: 'bob' })
  const first = await listTasks(db, { user_id: 'ada', limit: 2 })
  expect(first).toEqual(mine.slice(0, 2))
  const after = first.at(-1)?.id
  expect(await listTasks(db, { user_id: 'ada', limit: 9, after })).toEqual(mine.slice(2))
  expect(await listTasks(db, { user_id: 'ada', limit: 9, after: mine.at(-1)?.id })).toEqual([])
  const completed = await listTasks(db, { user_id: 'ada', limit: 9, status: 'completed', after: mine[0]?.id })
  expect(completed.map(idOf)).toEqual(
    mine
      .slice(1)
      .filter(({ status }) => status === 'completed')
      .map(idOf),
  )
})

const fresh = () => ({
  ...{ id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {}, total_steps: 3 },
  ...{ auto_continue: false, lock_key: null, idempotency_key: 'key', request_hash: null },
})
const requests: [string, (db: Db, task: Row) => Promise<unknown>][] = [
  ['start', (db) => startTask(db, fresh())],
  ['status', (db, task) => readTask(db, task)],
  ['continue', (db, task) => continueTask(db, { ...task, all: true })],
  ['redo', (db, task) => redoTask(db, { ...task, step: 1 })],
  ['cancel', (db, task) => cancelTask(db, task)],
]
test.each(overBoth(requests))('%s: %s is one statement', async (driver, _, request) => {
  const db = over(driver)
  const counter = statementCounter(suite.url)
  const task = await insertState(db, 'waiting_continue')
  await counter.reset()
  await request(db, task)
  expect(await counter.count(), JSON.stringify(await counter.list())).toBe(1)
})

/** Explains statements instead of running them; what they answer is gathered in `plans`. */
function explaining(db: Db): { db: Db; plans: string[] } {
  const plans: string[] = []
  const plugin = {
    transformQuery: ({ node }: { node: unknown }) => {
      const {
        sqlFragments: [first = '', ...rest],
        parameters,
      } = node as RawNode
      return RawNode.create([`explain (costs off) ${first}`, ...rest], parameters)
    },
    transformResult: async ({ result }: { result: QueryResult<UnknownRow> }) => {
      plans.push(result.rows.map((row) => row['QUERY PLAN']).join('\n'))
      return { ...result, rows: [] }
    },
  }
  return { db: db.withPlugin(plugin), plans }
}

test('the cost of a statement does not grow with the history', async () => {
  const db = over('pg')
  const history = Array.from(
    { length: 4_000 },
    (_, i): TaskOverrides => ({
      status: 'completed',
      user_id: `user-${i % 80}`,
    }),
  )
  await insertTasks(db, history)
  const active = await insertTasks(
    db,
    Array.from({ length: 40 }, (_, i) => ({ user_id: `user-${i}` })),
  )
  await sql`analyze tasks`.execute(db)
  const explained = explaining(db)
  const [task] = active as [Row]
  await claim(explained.db, { now: undefined })
  await claim(explained.db, { taskId: task.id })
  await readTask(explained.db, task)
  await listTasks(explained.db, { user_id: 'user-7', limit: 20 })
  await listTasks(explained.db, { user_id: 'user-7', limit: 20, after: task.id })
  await continueTask(explained.db, task)
  const [due, one, status, list, page, move] = explained.plans
  expect(due).toMatch(/Scan (using|on) tasks_due.*\n\s+Index Cond: \(due_at <=/)
  for (const plan of [one, status, move]) expect(plan).toMatch(/Index Cond: .*\bid = /)
  for (const plan of [list, page]) expect(plan).toMatch(/Scan (using|on) tasks_of_user/)
  for (const plan of explained.plans) expect(plan, plan).not.toMatch(/Seq Scan on tasks/)
})

/** No more of a long queue is looked up than is taken: the plan's first step sorts it, and its last stops at the limit. */
const stopsAtLimit = (name: string) =>
  new RegExp(`Limit\\n\\s+->  LockRows\\n\\s+->  Nested Loop\\n\\s+->  Subquery Scan on ${name}\\n\\s+->  Sort\\n`)

test.each(['pending', 'running'] as const)(
  'a claim looks up no more of a long queue of %s tasks than it takes',
  async (state) => {
    const db = over('pg')
    const rows = Array.from({ length: 2_000 }, (_, i) => ({
      ...states[state],
      user_id: `user-${i % 20}`,
      due_at: noon,
    }))
    await insertTasks(db, rows)
    await sql`analyze tasks`.execute(db)
    const explained = explaining(db)
    await claim(explained.db, { now: undefined, limit: 10 })
    await claim(explained.db, { now: undefined, limit: 10, caps: [{ provider: 'replicate', cap: 5 }] })
    expect(explained.plans).toHaveLength(2)
    for (const plan of explained.plans) expect(plan, plan).toMatch(stopsAtLimit('admitted'))
  },
)

test('claimDeliveries() looks up no more of a long queue of events than it takes', async () => {
  const db = over('pg')
  await sql`insert into outbox (task_id, user_id, type, channel, receiver, at, task, due_at)
    select gen_random_uuid(), 'ada', 'task.completed', 'webhook', 'url', ${noon}, '{}', ${noon} from generate_series(1, 2000)`.execute(
    db,
  )
  await sql`analyze outbox`.execute(db)
  const explained = explaining(db)
  await claimDeliveries(explained.db, { limit: 10 })
  expect(explained.plans[0], explained.plans[0]).toMatch(stopsAtLimit('due'))
})
