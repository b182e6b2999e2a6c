// pg-boss: a chain of jobs around a table of the application's own. A job is sent in the transaction that moves the row. NOTIFY wakes
// the workers; they take batches of jobs, and go on at once while batches are full.
import { randomUUID } from 'node:crypto'
import { type Job, PgBoss, type WorkOptions } from 'pg-boss'
import { insert, open, readView, recordKept, recordSubmitted, type Step, table } from './chain.ts'
import { concurrency, databaseUrl, type Ended, keep, openPool, poolSize, serve, steps, submit } from './doors.ts'

const pool = openPool()
await pool.query(table)
const boss = new PgBoss({ connectionString: databaseUrl, max: poolSize, useListenNotify: true })
boss.on('error', console.error)
await boss.start()

const batchSize = 16
const options: WorkOptions = { localConcurrency: concurrency / batchSize, batchSize, burstWhenBatchFull: true }
const work = async <T extends object>(name: string, does: (data: T) => Promise<unknown>) => {
  await boss.createQueue(name, { notify: true })
  const handle = (jobs: Job<T>[]) => Promise.all(jobs.map(({ data }) => does(data)))
  await boss.work<T>(name, options, handle)
}
await work<Step>('submit', async ({ task, step }) => recordSubmitted(pool, task, await submit(task, step)))
await work<Ended>('keep', async (ended) => recordKept(pool, ended, ended.step === steps, await keep(ended)))

/** The row's move and the next job, both or none. */
async function moveAndSubmit(text: string, values: unknown[], next: Step): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rowCount } = await client.query(text, values)
    const db = { executeSql: (sql: string, some?: unknown[]) => client.query(sql, some) }
    if (rowCount === 1) await boss.send('submit', next, { db })
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

serve({
  start: async () => {
    const task = randomUUID()
    await moveAndSubmit(insert, [task], { task, step: 1 })
    return task
  },
  open: (task, step) => moveAndSubmit(open, [task, step], { task, step: step + 1 }),
  ended: async (ended) => (await boss.send('keep', ended)) !== null,
  view: (task) => readView(pool, task),
})
