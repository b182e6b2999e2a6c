// DBOS: one workflow function, started directly; webhook and gate are messages to it, which it keeps even when they come early.
// LISTEN and NOTIFY wake it, as by default. A task is shown by its status and its steps.
import { DBOS } from '@dbos-inc/dbos-sdk'
import { databaseUrl, type Ended, keep, poolSize, serve, steps, submit } from './doors.ts'

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: databaseUrl,
  systemDatabasePoolSize: poolSize,
  logLevel: 'error',
})
const tryOn = DBOS.registerWorkflow(
  async () => {
    const task = DBOS.workflowID ?? ''
    for (let step = 1; step <= steps; step += 1) {
      await DBOS.runStep(() => submit(task, step), { name: `submit ${step}` })
      const ended = await DBOS.recv<Ended>(`ended ${step}`, 3_600)
      if (!ended) throw new Error('the provider did not report')
      await DBOS.runStep(() => keep(ended), { name: `keep ${step}` })
      if (step < steps) await DBOS.recv(`open ${step}`, 7 * 24 * 3_600)
    }
  },
  { name: 'try-on' },
)
await DBOS.launch()

serve({
  start: async () => (await DBOS.startWorkflow(tryOn)()).workflowID,
  open: (task, step) => DBOS.send(task, true, `open ${step}`),
  ended: async (ended) => {
    await DBOS.send(ended.task, ended, `ended ${ended.step}`)
    return true
  },
  view: async (task) => {
    const [run, list = []] = await Promise.all([DBOS.getWorkflowStatus(task), DBOS.listWorkflowSteps(task)])
    if (run?.status === 'SUCCESS') return { status: 'completed', current_step: steps }
    const step = list.filter(({ name }) => name.startsWith('keep ')).length
    if (run?.status === 'ERROR') return { status: 'failed', current_step: step }
    return { status: step > 0 ? 'waiting_continue' : 'processing', current_step: step }
  },
})
