// One seed: a time of faults in which anything may happen next, then a time of calm in which everything must settle.
import type { Pool } from 'pg'
import type { Task } from '../../core/task.ts'
import type { Delivery } from '../../dev/simulator/replicate/index.ts'
import { checker } from '../../functions/checker.ts'
import { recover } from '../../functions/recover.ts'
import { tick } from '../../functions/tick.ts'
import { webhook } from '../../functions/webhook.ts'
import { worker } from '../../functions/worker.ts'
import { openWakeMark } from '../../storage/wake.ts'
import type { Mutant } from './mutants.ts'
import { act, createPeople, look, type Person } from './people.ts'
import { brokenPromises } from './promises.ts'
import { openStore, ungated } from './seams.ts'
import { cronSecret, openWorld, publicUrl, type World } from './world.ts'

export interface Outcome {
  seed: number
  broken: string[]
  trace: readonly string[]
  created: number
}

const pings = { worker, checker, recover, tick }

export async function runSeed(seed: number, pool: Pool, mutant?: Mutant): Promise<Outcome> {
  await pool.query('truncate tasks, providers cascade')
  const world = openWorld(seed, pool, mutant)
  const people = await createPeople(world)
  await storm(world, people)
  const calm = await settle(world, people, pool)
  const tasks = (await pool.query<Task>('select * from tasks order by id')).rows
  const broken = [...calm, ...brokenPromises({ world, people, tasks })]
  return {
    seed,
    broken,
    trace: world.scheduler.trace,
    created: world.provider.till().created,
  }
}

/** The time of faults: what happens next is drawn anew every time. */
async function storm(world: World, people: readonly Person[]): Promise<void> {
  const { random, scheduler } = world
  const deliveries: Delivery[] = []
  const length = random.between(40, 220)
  for (let event = 0; event < length; event += 1) {
    const what = random.weighted({
      operation: 40,
      person: 6,
      ping: 8,
      clock: 5,
      webhook: deliveries.length > 0 ? 8 : 0,
      ending: 1.5,
    })
    if (what === 'person') await act(world, random.pick(people))
    if (what === 'ping')
      await sendPing(world, random.pick(['worker', 'checker', 'checker', 'recover', 'tick'] as const))
    if (what === 'clock')
      await scheduler.advance(Number(random.weighted({ 800: 5, 5000: 4, 40000: 1.5, 120000: 0.4, 4000000: 0.05 })))
    if (what === 'ending') spoilNext(world)
    if (what === 'webhook') await deliver(world, deliveries.splice(random.between(0, deliveries.length - 1), 1)[0])
    if (what === 'operation') await scheduler.step()
    deliveries.push(...(await world.provider.dueWebhooks()))
  }
}

/** The next prediction fails, is canceled at the provider, or takes longer than anybody waits. */
function spoilNext({ random, provider }: World): void {
  const fault = random.pick(['failed', 'canceled', 'seconds'] as const)
  provider.addFaults([{ on: 'outcome', fault, ...(fault === 'seconds' && { seconds: 20_000 }) }])
}

/** Lost, repeated and reordered by the draw; with webhooks off none arrives. */
async function deliver(world: World, delivery: Delivery | undefined): Promise<void> {
  if (!delivery) return
  const { random, scheduler, provider } = world
  if (!world.webhooks || random.chance(scheduler.faults ? 0.2 : 0)) return provider.reportWebhook(delivery, false)
  const times = random.chance(0.15) ? 2 : 1
  for (let time = 0; time < times; time += 1) {
    const { headers, body } = delivery
    const request = new Request(delivery.url, { method: 'POST', headers, body })
    await world.call(`webhook ${delivery.event} of ${delivery.predictionId}`, webhook, request, async (response) => {
      scheduler.note(`webhook ${delivery.event} of ${delivery.predictionId} answered ${response.status}`)
      provider.reportWebhook(delivery, response.ok)
    })
  }
}

async function sendPing(world: World, name: keyof typeof pings): Promise<void> {
  const request = new Request(`${publicUrl}/api/${name}?key=${cronSecret}`)
  await world.call(`ping ${name}`, pings[name], request)
}

const calmRounds = 400

/** No more faults: pings alone must bring every task to rest. Some people go on to the end, the others have vanished. */
async function settle(world: World, people: readonly Person[], pool: Pool): Promise<string[]> {
  const { scheduler, random } = world
  scheduler.faults = false
  scheduler.note('--- the faults stop ---')
  await drain(world)
  const slept = await sleptOver(world, pool)
  if (slept.length > 0) return slept
  const staying = people.filter(() => random.chance(0.5))
  for (let round = 0; round < calmRounds; round += 1) {
    await scheduler.advance(round < 60 ? 10_000 : 60_000)
    for (const delivery of await world.provider.dueWebhooks()) await deliver(world, delivery)
    await sendPing(world, random.pick(['worker', 'checker'] as const))
    await drain(world)
    for (const person of staying) if (person.taskId) await stayOn(world, person)
    if (await isAtRest(pool, staying)) return idleIsFree(world)
  }
  return [`not settled: still moving after ${calmRounds} pings`]
}

/** While no call is under way, the wake mark must not promise more sleep than the table allows. */
async function sleptOver(world: World, pool: Pool): Promise<string[]> {
  const store = openStore(ungated, world.blobs, 'wake')
  const { rows } = await pool.query<{ id: string; due_at: Date }>(
    'select id, due_at from tasks where due_at is not null',
  )
  const slept: string[] = []
  for (const { id, due_at } of rows) {
    const at = new Date(Math.max(due_at.getTime(), world.scheduler.nowMs))
    if (!(await openWakeMark(store, { now: () => at }).look()))
      slept.push(`slept over: ${id} is due at ${due_at.toISOString()}`)
  }
  return slept
}

/** With nothing to do now, pings soon stop asking the database. */
async function idleIsFree(world: World): Promise<string[]> {
  const ping = async () => {
    await world.scheduler.advance(60_000)
    await sendPing(world, 'worker')
    await drain(world)
  }
  for (let minute = 0; minute < 4; minute += 1) await ping()
  const before = world.scheduler.statements
  for (let minute = 0; minute < 3; minute += 1) await ping()
  const statements = world.scheduler.statements - before
  return statements === 0 ? [] : [`idle is not free: ${statements} statements in three idle minutes`]
}

/** A person who stays looks, and continues what waits. */
async function stayOn(world: World, person: Person): Promise<void> {
  await look(world, person)
  await drain(world)
  if (person.seen?.status !== 'waiting_continue') return
  while (person.seen?.status === 'waiting_continue') {
    await act(world, person)
    await drain(world)
    if (person.asks > 200) throw new Error(`${person.name} asks for ever`)
  }
}

async function drain(world: World): Promise<void> {
  while (await world.scheduler.step());
}

async function isAtRest(pool: Pool, staying: readonly Person[]): Promise<boolean> {
  const waits = staying.some((person) => person.seen?.status === 'waiting_continue')
  if (waits) return false
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from tasks where status in ('pending', 'processing') or phase is not null or strays @> '[{"over": false}]'`,
  )
  return rows[0]?.n === 0
}
