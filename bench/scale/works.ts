// The works that are timed on a table with history and on one without: each by the product's own function.
import { sql } from 'kysely'
import { v7 } from 'uuid'
import type { OpenAttempt } from '../../core/task.ts'
import { requireOpenAttempt } from '../../core/task.ts'
import { claimDue } from '../../db/statements/claim.ts'
import type { Claimed } from '../../db/statements/claimed.ts'
import { readTask } from '../../db/statements/reads.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import type { Db } from '../../db/statements/sql.ts'
import { startTask } from '../../db/statements/start.ts'
import { termsOf } from '../../engine/claim.ts'
import type { Deps } from '../../engine/deps.ts'
import { runPass } from '../../engine/pass.ts'
import { openBenchDeps } from './deps.ts'

export interface Side {
  db: Db
  deps: Deps
  now: Date
  /** What the last claim took. */
  claimed: Claimed[]
  /** Active tasks, and how many of them were asked for. */
  ids: { id: string; user_id: string }[]
  asked: number
  /** The task that was started last. */
  started: string | null
}

export interface Work {
  name: string
  /** In each round; what takes less than a millisecond needs more of them. */
  often?: number
  /** Not timed. */
  prepare?(side: Side): Promise<unknown>
  work(side: Side): Promise<unknown>
}

export async function openSide(db: Db): Promise<Side> {
  const { rows } = await sql<{ id: string; user_id: string }>`
    select id, user_id from tasks where due_at is not null and phase = 'running' order by id`.execute(db)
  const [first] = (
    await sql<{ due_at: Date }>`select min(due_at) as due_at from tasks where due_at is not null`.execute(db)
  ).rows
  const now = first?.due_at ?? new Date()
  const deps = openBenchDeps(db, () => side.now)
  const side: Side = { db, deps, now, claimed: [], ids: rows, asked: 0, started: null }
  return side
}

const limit = 250

/** Half a second later, exactly a batch is due on either side. */
async function tick(side: Side): Promise<void> {
  side.now = new Date(side.now.getTime() + 500)
  await sql`
    update tasks t set due_at = ${side.now}::timestamptz + case when place <= ${limit} then interval '0' else interval '1 second' end
    from (select id, due_at, row_number() over (order by due_at, id) as place from tasks
      where due_at is not null and phase = 'running') as queue
    where t.id = queue.id and (place <= ${limit}) <> (queue.due_at <= ${side.now})`.execute(side.db)
}

/** Any of the active ones, another each time. */
function another(side: Side): { id: string; user_id: string } {
  side.asked += 1
  const one = side.ids[(side.asked * 7_919) % side.ids.length]
  if (!one) throw new Error('there is no active task')
  return one
}

const claimOf = ({ deps, now, db }: Side, taskId?: string) =>
  claimDue(db, { terms: termsOf(deps), limit, submitLeaseSeconds: 90, now, taskId })

type Own = OpenAttempt & { prediction_id: string }

const owned = ({ claimed }: Side): Own[] =>
  claimed.flatMap((task) =>
    task.prediction_id ? [{ ...requireOpenAttempt(task), prediction_id: task.prediction_id }] : [],
  )

const files = [{ type: 'image/png', size: 1_234_567 }]
const aWeek = 7 * 24 * 3_600

export const claimBatch: Work = {
  name: `claim of ${limit}`,
  prepare: tick,
  work: async (side) => {
    const { tasks } = await claimOf(side)
    if (tasks.length !== limit) throw new Error(`${tasks.length} tasks were due; no figure is worth anything`)
    side.claimed = tasks
  },
}

export const works: Work[] = [
  claimBatch,
  {
    name: `write-back of ${limit} looks`,
    work: (side) => {
      const told = owned(side).map((own) => ({ ...own, kind: 'postponed' as const, retry_in: 15 }))
      return recordChecks(side.db, told, { now: side.now })
    },
  },
  {
    name: 'write-back of 10 results',
    often: 5,
    work: (side) => {
      const told = owned(side).slice(0, 10)
      side.claimed.splice(0, 10)
      return recordStored(
        side.db,
        told.map((own) => ({ ...own, files, gate_in: aWeek })),
        { now: side.now },
      )
    },
  },
  {
    name: 'claim of one task',
    often: 5,
    prepare: async (side) => {
      const { id } = another(side)
      side.claimed = []
      await sql`update tasks set due_at = ${side.now} where id = ${id} and due_at is not null`.execute(side.db)
    },
    work: (side) => claimOf(side, side.ids[(side.asked * 7_919) % side.ids.length]?.id),
  },
  { name: 'status', often: 5, work: (side) => readTask(side.db, another(side)) },
  {
    name: 'start',
    often: 5,
    // What was started before is gone again: it would come due and be claimed.
    prepare: (side) => sql`delete from tasks where id = ${side.started}`.execute(side.db),
    work: (side) => {
      side.started = v7()
      return startTask(side.db, newTask(side.started), { now: side.now })
    },
  },
  {
    name: 'whole pass',
    prepare: tick,
    work: async ({ deps }) => {
      const { checked } = await runPass(deps, { by: 'checker', context: { waitUntil: () => undefined } })
      if (checked !== limit) throw new Error(`a pass checked ${checked}; no figure is worth anything`)
    },
  },
]

const newTask = (id: string) => ({
  ...{ id, user_id: 'ada', recipe: 'bench', provider: 'replicate', auto_continue: false, total_steps: 2 },
  input: { person_image: 'https://images.test/ada.jpg', garments: [] },
  ...{ lock_key: null, idempotency_key: v7(), request_hash: null },
})
