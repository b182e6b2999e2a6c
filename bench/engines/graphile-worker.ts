// graphile-worker: a chain of jobs around a table of the application's own. A job is added by the very statement that moves the row.
// LISTEN wakes the worker; its local queue takes jobs in batches, as its documentation advises for throughput.
import { randomUUID } from 'node:crypto'
import { type JobHelpers, Logger, run } from 'graphile-worker'
import { insert, open, readView, recordKept, recordSubmitted, type Step, table } from './chain.ts'
import { concurrency, type Ended, keep, openPool, serve, steps, submit } from './doors.ts'

const pool = openPool()
await pool.query(table)
const does =
  <T>(work: (data: T) => Promise<unknown>) =>
  async (payload: unknown, _helpers: JobHelpers) =>
    void (await work(payload as T))

await run({
  pgPool: pool,
  noHandleSignals: true,
  logger: new Logger(() => () => undefined),
  preset: {
    worker: {
      concurrentJobs: concurrency,
      localQueue: { size: concurrency },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
  taskList: {
    submit: does<Step>(async ({ task, step }) => recordSubmitted(pool, task, await submit(task, step))),
    keep: does<Ended>(async (ended) => recordKept(pool, ended, ended.step === steps, await keep(ended))),
  },
})

const andSubmit = (text: string) =>
  `with moved as (${text} returning 1) select graphile_worker.add_job('submit', $3::json) from moved`
const starting = andSubmit(insert.replace('values ($1,', 'select $1::uuid,').replace(/0\)$/, '$2::integer'))
const opening = andSubmit(open)

serve({
  start: async () => {
    const task = randomUUID()
    await pool.query(starting, [task, 0, JSON.stringify({ task, step: 1 })])
    return task
  },
  open: async (task, step) => {
    await pool.query(opening, [task, step, JSON.stringify({ task, step: step + 1 })])
  },
  ended: async (ended) => {
    await pool.query(`select graphile_worker.add_job('keep', $1::json)`, [JSON.stringify(ended)])
    return true
  },
  view: (task) => readView(pool, task),
})
