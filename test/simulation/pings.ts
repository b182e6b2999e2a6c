// The pings of a monitor, and what an idle answer must mean: that nothing is due.
import { checker } from '../../functions/checker.ts'
import { recover } from '../../functions/recover.ts'
import { tick } from '../../functions/tick.ts'
import { worker } from '../../functions/worker.ts'
import { openWakeMark } from '../../storage/wake.ts'
import type { Activity } from './activity.ts'
import { ungated } from './blobs.ts'
import { cronSecret, publicUrl } from './weather.ts'
import type { World } from './world.ts'

const endpoints = { worker, checker, recover, tick }

export async function sendPing(world: World, name: keyof typeof endpoints): Promise<Activity> {
  const request = new Request(`${publicUrl}/api/${name}?key=${cronSecret}`)
  const before = world.scheduler.statements
  return world.call(`ping ${name}`, endpoints[name], request, async (response) => {
    if (world.scheduler.statements > before || !response.ok) return
    const { idle } = (await response.json()) as { idle?: boolean }
    if (idle) world.witness.broken.push(...(await world.scheduler.look(() => sleptOver(world))))
  })
}

/** Instances' clocks may be apart by as much. */
const toleranceMs = 10_000

/** The wake mark must not promise more sleep than the table allows. */
export async function sleptOver(world: World): Promise<string[]> {
  if (world.isMarkUncertain) return []
  const store = world.openStore(ungated, world.blobs, 'wake')
  const { rows } = await world.pool.query<{ id: string; due_at: Date }>({
    name: 'due',
    text: `select id, due_at from tasks where due_at is not null
      union all select task_id, due_at from outbox where due_at is not null
      union all select id, due_at from erasures order by id, due_at`,
  })
  const slept: string[] = []
  for (const { id, due_at } of rows) {
    const at = new Date(Math.max(due_at.getTime(), world.scheduler.nowMs) + toleranceMs)
    if (!(await openWakeMark(store, { now: () => at }).look()))
      slept.push(`slept over: ${id} is due at ${due_at.toISOString()}`)
  }
  return slept
}
