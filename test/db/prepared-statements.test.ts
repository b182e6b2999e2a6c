// How the hot statements find their rows, beside twenty thousand finished tasks: each by its index, none by reading a table through.
// The statements are those that the real functions send; PostgreSQL is asked for the plan of the same text with the same values.
import { type CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertPast } from '../../bench/scale/past.ts'
import type { CheckOutcome, SubmissionOutcome } from '../../core/decide.ts'
import { eraseOld, eraseTasks } from '../../db/statements/erase.ts'
import { listInFlight, readFigures, readStory } from '../../db/statements/overview.ts'
import { listTasks, readLockHolder, readStarted, readTask } from '../../db/statements/reads.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordStrays } from '../../db/statements/record-strays.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Database } from '../../db/statements/schema.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { insertTasks, later, type Row, type State, states, stray, type TaskOverrides } from '../setup/factory.ts'
import { attemptOf, claim } from './setup.ts'

let database: TestDatabase
let pool: Pool
let db: Db
let sent: CompiledQuery[] = []
let active: Row[] = []

const past = 20_000
const now = new Date()
const kinds: readonly State[] = ['pending', 'submitting', 'running', 'storing', 'waiting_continue']

/** Forty of each kind, all due, of as many users. */
const activeTask = (index: number): TaskOverrides => ({
  ...states[kinds[index % kinds.length] as State],
  ...{ user_id: `user-${index}`, lock_key: `lock-${index}`, at: later(now, -60), due_at: later(now, -1) },
})

beforeAll(async () => {
  database = await createDatabase()
  await insertPast(database.url, past)
  pool = database.pool({ max: 2 })
  const log = (event: { query: CompiledQuery }) => void sent.push(event.query)
  db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }), log })
  active = await insertTasks(
    db,
    Array.from({ length: 200 }, (_, index) => activeTask(index)),
  )
  await pool.query('analyze tasks; analyze task_events')
})

afterAll(() => database.drop())

interface Node {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Conflict Arbiter Indexes'?: string[]
  Plans?: Node[]
}

interface Found {
  indexes: string[]
  readThrough: string[]
}

function foundBy(node: Node): Found {
  const below = (node.Plans ?? []).map(foundBy)
  const isScan = node['Node Type'] === 'Seq Scan' && /^task/.test(node['Relation Name'] ?? '')
  const own = [node['Index Name'] ?? [], node['Conflict Arbiter Indexes'] ?? []].flat()
  return {
    indexes: [...own, ...below.flatMap(({ indexes }) => indexes)],
    readThrough: [...(isScan ? [node['Relation Name'] ?? ''] : []), ...below.flatMap((one) => one.readThrough)],
  }
}

/** The plans of whatever `work` sends. */
async function plansOf(work: () => Promise<unknown>): Promise<Found[]> {
  sent = []
  await work()
  const statements = sent
  return Promise.all(
    statements.map(async ({ sql: text, parameters }) => {
      const { rows } = await pool.query(`explain (format json) ${text}`, [...parameters])
      return foundBy(rows[0]['QUERY PLAN'][0].Plan)
    }),
  )
}

function one(kind: State): Row {
  const row = active.find(
    ({ status, phase }) => (phase ?? status) === (states[kind] as { phase?: string }).phase || status === kind,
  )
  if (!row) throw new Error(`there is no ${kind} task`)
  return row
}

const toldOf = <Outcome extends object>(rows: readonly Row[], outcome: Outcome) =>
  rows.map((row) => ({ ...attemptOf(row), prediction_id: row.prediction_id ?? '', ...outcome }))

const running = () => active.filter(({ phase }) => phase === 'running')
const checks = (outcome: CheckOutcome, rows = running()) => recordChecks(db, toldOf(rows, outcome))
const submissions = (outcome: SubmissionOutcome) =>
  recordSubmissions(
    db,
    active.filter(({ phase }) => phase === 'submitting').map((row) => ({ ...attemptOf(row), ...outcome })),
  )
const failed = { kind: 'failed', code: 'provider_failed', reason: 'out of memory' } as const
const created = { kind: 'created', prediction_id: 'p', urls: {}, check_in: 2 } as const
const stored = { files: [{ type: 'image/png', size: 1 }], gate_in: 60 }

const newTask = (): NewTask => ({
  ...{ id: v7(), user_id: 'user-7', recipe: 'try-on', provider: 'replicate', input: {}, auto_continue: false },
  ...{ total_steps: 1, lock_key: null, idempotency_key: v7(), request_hash: null },
})
const own = ({ id, user_id }: Row) => ({ id, user_id })
const aDay = 24 * 3_600
const erasure = { erasing: [], quietSeconds: 180 }

const caps = [{ provider: 'replicate', cap: 100 }]

test.each<[string, () => Promise<unknown>, string[]]>([
  [
    'claimDue: a batch, or when something will be due',
    () => claim(db, { now: later(now, -3_600) }),
    ['tasks_due', 'tasks_due'],
  ],
  ['claimDue: with a cap', () => claim(db, { caps, now: later(now, -3_600) }), ['tasks_due', 'tasks_slot']],
  ['claimDue: one task', () => claim(db, { taskId: one('pending').id, now: later(now, -3_600) }), ['tasks_pkey']],
  ['readTask', () => readTask(db, own(one('running'))), ['tasks_(pkey|of_user)']],
  [
    'readStarted',
    () => readStarted(db, { user_id: 'user-7', idempotency_key: 'k', session: ['s'] }),
    ['tasks_idempotency'],
  ],
  ['readLockHolder: by its key', () => readLockHolder(db, { lock_key: 'lock-3' }), ['tasks_lock']],
  [
    'readLockHolder: by a rival',
    () => readLockHolder(db, { rivalOf: one('pending').id }),
    ['tasks_lock', 'tasks_pkey'],
  ],
  ['listTasks: the first page', () => listTasks(db, { user_id: 'user-7', limit: 21 }), ['tasks_of_user']],
  ['listTasks: a later page', () => listTasks(db, { user_id: 'user-7', limit: 21, after: v7() }), ['tasks_of_user']],
  [
    'listTasks: of one status',
    () => listTasks(db, { user_id: 'user-7', limit: 21, status: 'failed' }),
    ['tasks_of_user'],
  ],
  ['readFigures', () => readFigures(db), ['tasks_due', 'tasks_pkey', 'task_events_failures']],
  ['readStory', () => readStory(db, one('running').id), ['tasks_pkey', 'task_events_pkey']],
  ['listInFlight', () => listInFlight(db, { limit: 100 }), ['tasks_due']],
  ['startTask', () => startTask(db, newTask()), ['tasks_idempotency']],
  [
    'recordChecks: what failed, and whether it opens a run',
    () => checks(failed),
    ['tasks_pkey', 'task_events_endings'],
  ],
  ['recordStored', () => recordStored(db, toldOf(running(), stored)), ['tasks_pkey']],
  ['recordSubmissions', () => submissions(created), ['tasks_pkey', 'task_events_endings']],
  ['recordStrays', () => recordStrays(db, [{ ...stray(), id: one('running').id, retry_in: 1 }]), ['tasks_pkey']],
  ['continueTask', () => continueTask(db, own(one('waiting_continue'))), ['tasks_pkey', 'tasks_(pkey|of_user)']],
  ['redoTask', () => redoTask(db, own(one('waiting_continue'))), ['tasks_pkey', 'tasks_(pkey|of_user)']],
  ['cancelTask', () => cancelTask(db, own(one('pending'))), ['tasks_pkey', 'tasks_(pkey|of_user)']],
  ['eraseOld', () => eraseOld(db, { olderThanSeconds: 90 * aDay, limit: 10, ...erasure }), ['tasks_pkey']],
  [
    'eraseTasks',
    () => eraseTasks(db, [{ ...own(one('running')), stub: null }], erasure),
    ['tasks_pkey', 'tasks_pkey', 'tasks_pkey', 'task_events_pkey', 'shares_once'],
  ],
])('%s: by its index', async (_name, work, indexes) => {
  const plans = await plansOf(work)
  expect(plans).toHaveLength(1)
  const [{ indexes: used, readThrough }] = plans as [Found]
  expect(readThrough).toEqual([])
  const left = [...used]
  for (const name of indexes) {
    const at = left.findIndex((other) => new RegExp(`^${name}$`).test(other))
    expect(at, `${name} in ${used}`).toBeGreaterThanOrEqual(0)
    left.splice(at, 1)
  }
})

test('eraseOld: the histories that go along are found by their key', async () => {
  const scans = async () => {
    await pool.query('select pg_stat_force_next_flush()')
    const text = `select seq_scan::int as through, idx_scan::int as by_index from pg_stat_user_tables where relname = 'task_events'`
    return (await pool.query<{ through: number; by_index: number }>(text)).rows[0]
  }
  const before = await scans()
  expect(await eraseOld(db, { olderThanSeconds: 90 * aDay, limit: 10, ...erasure })).toHaveLength(10)
  const after = await scans()
  expect(after?.through).toBe(before?.through)
})
