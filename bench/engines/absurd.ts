// Absurd: one task function; webhook and gate are events, which it keeps even when they come early. Its worker polls: every 50 ms
// here instead of the default 250. A task is shown by its result and its checkpoints.
import { readFile } from 'node:fs/promises'
import { Absurd } from 'absurd-sdk'
import { concurrency, type Ended, keep, openPool, serve, steps, submit } from './doors.ts'

const queueName = 'tasks'
const pool = openPool()
await pool.query(await readFile(process.env['ABSURD_SQL'] ?? '', 'utf8'))
const app = new Absurd({ db: pool, queueName })
await app.createQueue(queueName)

app.registerTask({ name: 'try-on' }, async (_input, context) => {
  const { taskID } = context
  for (let step = 1; step <= steps; step += 1) {
    await context.step(`submit ${step}`, () => submit(taskID, step))
    const ended = (await context.awaitEvent(`ended ${taskID} ${step}`)) as unknown as Ended
    await context.step(`keep ${step}`, () => keep(ended))
    if (step < steps) await context.awaitEvent(`open ${taskID} ${step}`)
  }
  return null
})
await app.startWorker({ concurrency, pollInterval: 0.05, claimTimeout: 120 })

const shown = `select r.state, (select count(*)::int from absurd.c_${queueName} c
    where c.task_id = $2 and c.checkpoint_name like 'keep %') as kept
  from absurd.get_task_result($1, $2) r`

serve({
  start: async () => (await app.spawn('try-on', {})).taskID,
  open: (task, step) => app.emitEvent(`open ${task} ${step}`, true),
  ended: async (ended) => {
    await app.emitEvent(`ended ${ended.task} ${ended.step}`, { ...ended })
    return true
  },
  view: async (task) => {
    const row = (await pool.query<{ state: string; kept: number }>(shown, [queueName, task])).rows[0]
    if (row?.state === 'completed') return { status: 'completed', current_step: steps }
    if (row?.state === 'failed') return { status: 'failed', current_step: row.kept }
    const isWaiting = row?.state === 'sleeping' || row?.state === 'running' || row?.state === 'pending'
    return { status: isWaiting && row.kept > 0 ? 'waiting_continue' : 'processing', current_step: row?.kept ?? 0 }
  },
})
