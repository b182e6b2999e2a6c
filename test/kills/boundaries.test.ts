// A process killed exactly at each boundary of a submission. Whatever the instant, the step is made, and paid once.
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { openHold } from './hold.ts'
import { type Instance, openField, ping, signIn, startTask, until } from './instances.ts'

// An unconfirmed submission is searched for six times, and a busy machine starts processes slowly.
vi.setConfig({ testTimeout: 400_000 })

const field = await openField({ instances: 1, secondsPerStep: 0.2, store: 'netlify' })
const pool = field.database.pool()
const named = 'for each row when (old.prediction_id is null and new.prediction_id is not null)'
const record = await openHold(pool, 'tasks', 'update', named)

beforeEach(() => field.simulator.replicate.reset())

afterAll(() => field.close())

test('killed before anything was accepted: the step is submitted anew', async () => {
  field.simulator.replicate.addFaults([{ on: 'create', fault: 'hang_before' }])
  const { instance, id } = await begin()
  await reach(instance, () => field.simulator.replicate.till().create_requests === 1)
  await instance.kill()
  expect(field.simulator.replicate.till().created).toBe(0)
  await finish(id)
  expect(field.simulator.replicate.till().created).toBe(1)
})

test('killed after acceptance, before the answer: the prediction is found again', async () => {
  field.simulator.replicate.set({ webhooks: false })
  field.simulator.replicate.addFaults([{ on: 'create', fault: 'hang_after' }])
  const { instance, id } = await begin()
  await reach(instance, () => field.simulator.replicate.till().created === 1)
  await instance.kill()
  await finish(id)
  expect(field.simulator.replicate.till().created).toBe(1)
})

test('killed after the answer, before the record: the prediction is found again', async () => {
  field.simulator.replicate.set({ webhooks: false })
  await record.arm()
  const { instance, id } = await begin()
  await reach(instance, record.isHeld)
  expect(field.simulator.replicate.till().created).toBe(1)
  await instance.kill()
  await record.cut()
  expect(await phaseOf(id)).toBe('submitting')
  await finish(id)
  expect(field.simulator.replicate.till().created).toBe(1)
})

test('killed after the record: the prediction goes on', async () => {
  // Long enough to be seen running, however busy the machine is.
  field.simulator.replicate.set({ webhooks: false, seconds_per_step: 5 })
  const { instance, id } = await begin()
  await reach(instance, async () => (await phaseOf(id)) === 'running')
  await instance.kill()
  await finish(id)
  expect(field.simulator.replicate.till().created).toBe(1)
})

async function begin(): Promise<{ instance: Instance; id: string }> {
  const instance = await field.start()
  return { instance, id: await startTask(instance, await signIn(instance), 1) }
}

/** On a busy machine the start's own pass may come too late for its short claim, and sends nothing: then a ping's does. */
async function reach(instance: Instance, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const pings = setInterval(() => void ping(instance), 1_000)
  await until(isSo).finally(() => clearInterval(pings))
}

/** Another process takes over: pings alone bring the task to its end. */
async function finish(id: string): Promise<void> {
  const instance = await field.start()
  await until(async () => {
    await ping(instance)
    const { rows } = await pool.query('select status from tasks where id = $1', [id])
    return rows[0]?.status === 'completed'
    // Most of the wait is for the next search.
  }, 200)
  await instance.kill()
}

async function phaseOf(id: string): Promise<string> {
  const { rows } = await pool.query('select phase from tasks where id = $1', [id])
  return rows[0]?.phase
}
