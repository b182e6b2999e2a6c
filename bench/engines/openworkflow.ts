// OpenWorkflow: one workflow function; webhook and gate are signals, which it loses unless somebody waits already, so that each is
// sent until it was taken. A signal that is taken while its run is on the way to sleep doesn't wake it, so that waits are short and
// repeated. Its worker polls by itself, from 100 ms on, with one claim for each free slot: more than ten slots cost more than they
// bring. A task is shown by its run and its steps.
import { OpenWorkflow } from 'openworkflow'
import { BackendPostgres } from 'openworkflow/postgres'
import { databaseUrl, type Ended, keep, serve, steps, submit } from './doors.ts'

const backend = await BackendPostgres.connect(databaseUrl)
const ow = new OpenWorkflow({ backend })
const tryOn = ow.defineWorkflow<Record<string, never>, null>({ name: 'try-on' }, async ({ step: does, run }) => {
  const waitFor = async <T>(name: string, signal: string): Promise<T> => {
    for (let turn = 1; ; turn += 1) {
      const taken = await does.waitForSignal<T>({ name: `${name} ${turn}`, signal, timeout: '5s' })
      if (taken) return taken.data
    }
  }
  for (let step = 1; step <= steps; step += 1) {
    await does.run({ name: `submit ${step}` }, () => submit(run.id, step))
    const ended = await waitFor<Ended>(`report ${step}`, `ended ${run.id} ${step}`)
    await does.run({ name: `keep ${step}` }, () => keep(ended))
    if (step < steps) await waitFor(`gate ${step}`, `open ${run.id} ${step}`)
  }
  return null
})
await ow.newWorker({ concurrency: 10 }).start()

const untilTaken = async (signal: string, data: Record<string, string | number>) => {
  for (let pause = 10; (await ow.sendSignal({ signal, data })).workflowRunIds.length === 0; pause *= 2) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, 1_000)))
  }
  return true
}

serve({
  start: async () => (await tryOn.run({})).workflowRun.id,
  open: async (task, step) => {
    await untilTaken(`open ${task} ${step}`, {})
  },
  ended: (ended) => untilTaken(`ended ${ended.task} ${ended.step}`, { ...ended }),
  view: async (task) => {
    const [run, list] = await Promise.all([
      backend.getWorkflowRun({ workflowRunId: task }),
      backend.listStepAttempts({ workflowRunId: task, limit: 100 }),
    ])
    if (run?.status === 'completed') return { status: 'completed', current_step: steps }
    const some = (name: string, status: string) =>
      list.data.filter((attempt) => attempt.stepName.startsWith(name) && attempt.status === status)
    const step = some('keep ', 'completed').length
    if (run?.status === 'failed') return { status: 'failed', current_step: step }
    return { status: some('gate ', 'running').length > 0 ? 'waiting_continue' : 'processing', current_step: step }
  },
})
