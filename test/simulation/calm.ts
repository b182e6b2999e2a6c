// The time after the faults: pings alone must bring every task to rest, and then sleep. Some people go on to the end, the others
// have vanished; what they left open closes by itself.
import { addNeighbour } from './neighbours.ts'
import {
  act,
  chooseLate,
  eraseInHaste,
  isCopied,
  look,
  type Person,
  raiseForNothing,
  redoAgain,
  redoTask,
  startTask,
} from './people.ts'
import { sendPing, sleptOver } from './pings.ts'
import { endTroubles, hoursMs, isStartedBehind, sweepInHaste } from './trouble.ts'
import { faultsOn } from './weather.ts'
import { deliver, signedAnew, takeWebhooks, taskOf } from './webhooks.ts'
import type { World } from './world.ts'

/** Pings become rarer, so that what takes a day is seen to its end in few of them. */
const paces = [
  { rounds: 20, leastMs: 1_000 },
  { rounds: 14, leastMs: 60_000 },
  { rounds: 16, leastMs: 600_000 },
  { rounds: 150, leastMs: 3_600_000 },
]
const minuteMs = 60_000
/** No recipe has its predictions looked at less often. */
const mostMs = 7_200_000
/** Nobody needs so many to come through their gates. */
const mostAsks = 200
const gateMs = 8 * 24 * 3_600_000

export async function settle(world: World, people: readonly Person[]): Promise<string[]> {
  const { scheduler, random } = world
  scheduler.faults = false
  world.calmSince = scheduler.nowMs
  endTroubles(world)
  scheduler.note('--- the faults stop ---')
  await drain(world)
  const slept = await sleptOver(world)
  if (slept.length > 0) return slept
  await hearOfErased(world)
  const staying = people.filter(() => random.chance(0.7))
  for (const person of staying) await beginAnew(world, person)
  for (const { rounds, leastMs } of paces) {
    for (let round = 0; round < rounds; round += 1) {
      await scheduler.advance(Math.max(leastMs, Math.min(mostMs, (await untilNext(world)) ?? minuteMs)))
      // Whoever makes a list long goes on with it.
      if (world.weather.listsAlone === 'long') await addNeighbour(world)
      for (const delivery of await takeWebhooks(world)) await deliver(world, delivery)
      await sendPing(world, random.pick(['worker', 'checker'] as const))
      await drainAmongDeletions(world, staying)
      for (const person of staying) if (person.taskId) await stayOn(world, person)
      if (await isAtRest(world, staying)) return rest(world, people)
    }
  }
  return ['not settled: still moving after two hundred pings']
}

/** Nothing is asked while nothing is due, and gates that nobody answers close. */
async function rest(world: World, people: readonly Person[]): Promise<string[]> {
  await hearAgain(world, people)
  const broken = await idleIsFree(world)
  if (world.weather.clocksGoBack && faultsOn.wakeBehindTime) await wakeBehindTime(world, people)
  broken.push(...(await sweep(world)))
  if (world.random.chance(0.7)) return broken
  await world.scheduler.advance(gateMs)
  for (let times = 0; times < 3; times += 1) {
    await sendPing(world, 'worker')
    await drain(world)
  }
  const { rows } = await world.pool.query<{ id: string }>(`select id from tasks where status = 'waiting_continue'`)
  return [...broken, ...rows.map(({ id }) => `not settled: the gate of ${id} is still open after a week`)]
}

/** An instance that raised the mark, and slept since, has its clock set back: what it raises then must be seen all the same. */
async function wakeBehindTime(world: World, people: readonly Person[]): Promise<void> {
  const { scheduler, trouble } = world
  const [person] = people
  // Of no task: the mark is raised before anybody looks.
  const ask = async () => {
    if (person) await raiseForNothing(world, person)
    await drain(world)
  }
  for (let times = 0; times < 3; times += 1) await ask()
  for (let times = 0; times < 2; times += 1) {
    await scheduler.advance(2 * minuteMs)
    await sendPing(world, 'worker')
    await drain(world)
  }
  trouble.instancesBackMs = 10 * minuteMs
  for (let times = 0; times < 3; times += 1) await ask()
  trouble.instancesBackMs = 0
}

/** Two days later all uploads are gone, and whatever was stored for a task that never came to be. */
async function sweep(world: World): Promise<string[]> {
  const { blobs, scheduler, pool } = world
  if (![...blobs.keys()].some((key) => /^files\/(uploads|inputs)\//.test(key))) return []
  for (let times = 0; times < 2; times += 1) {
    await scheduler.advance(25 * 3_600_000)
    await sendPing(world, 'recover')
    await drain(world)
  }
  const { rows } = await pool.query<{ id: string }>('select id::text from tasks')
  const known = new Set(rows.map(({ id }) => id))
  return [...blobs.keys()].flatMap((key) => {
    const [, folder, task = ''] = key.split('/')
    if (folder === 'uploads') return [`swept: ${key.replaceAll(/[0-9a-f]{32}/g, '…')} is still there after two days`]
    if (folder !== 'inputs' || known.has(task) || !faultsOn.orphans) return []
    return [`swept: ${key} is still there, and no such task`]
  })
}

/** Old webhooks change nothing, and neither do redos that are delivered again. */
async function hearAgain(world: World, people: readonly Person[]): Promise<void> {
  const again = [...world.reports].filter((report) => world.weather.echoes || world.erased.has(taskOf(report)))
  for (const delivery of again.slice(0, 12)) {
    await deliver(world, signedAnew(world, delivery))
    await drain(world)
  }
  for (const person of people) {
    if (person.acceptedRedo) await redoAgain(world, person, person.acceptedRedo)
    await drain(world)
  }
}

/** What was reported of an erased task is reported again, when nobody who knew of it is alive, and the note of it is struck out. */
async function hearOfErased(world: World): Promise<void> {
  const { reports, erased, scheduler } = world
  const late = [...reports].filter((delivery) => erased.has(taskOf(delivery)))
  if (late.length === 0) return
  for (let times = 0; times < 2; times += 1) {
    await scheduler.advance(2 * minuteMs)
    await sendPing(world, 'worker')
    await drain(world)
  }
  for (const delivery of late) {
    await deliver(world, signedAnew(world, delivery))
    await drain(world)
  }
}

/** Until something becomes due or a provider reports. */
async function untilNext({ pool, scheduler, providers }: World): Promise<number | undefined> {
  const text =
    'select least((select min(due_at) from tasks), (select min(due_at) from outbox), (select min(due_at) from erasures)) as next'
  const { rows } = await pool.query<{ next: Date | null }>({ name: 'next', text })
  const instants = [rows[0]?.next, providers.replicate.nextWebhookAt(), providers.fal.nextWebhookAt()]
  const times = instants.flatMap((instant) => instant?.getTime() ?? [])
  return times.length === 0 ? undefined : Math.min(...times) - scheduler.nowMs
}

/** With nothing to do now, pings soon stop asking the database. */
async function idleIsFree(world: World): Promise<string[]> {
  const ping = async () => {
    await world.scheduler.advance(minuteMs)
    await sendPing(world, 'worker')
    await drain(world)
  }
  for (let minute = 0; minute < 4; minute += 1) await ping()
  const before = world.scheduler.statements
  for (let minute = 0; minute < 3; minute += 1) await ping()
  const statements = world.scheduler.statements - before
  return statements === 0 ? [] : [`idle is not free: ${statements} statements in three idle minutes`]
}

/** Whom the faults have left without a task tries once more. The first call may only upload the photo. */
async function beginAnew(world: World, person: Person): Promise<void> {
  for (let calls = 0; calls < 2 && !person.taskId; calls += 1) {
    await startAnother(world, person)
  }
}

/** Their instance's clock may be hours back until it has noted what it begins. */
async function startAnother(world: World, person: Person): Promise<void> {
  if (world.weather.beginsBehind) world.trouble.instancesBackMs = hoursMs
  await startTask(world, person)
  await drain(world)
  world.trouble.instancesBackMs = 0
}

const isOver = ({ seen }: Person): boolean => ['completed', 'canceled', 'failed'].includes(seen?.status ?? '')

/** A person who stays looks, and continues what waits. What is over they have made again, or begin another, or leave it at that. */
async function stayOn(world: World, person: Person): Promise<void> {
  if (isOver(person)) {
    person.isDone ||= person.recipe === 'avatar' || world.random.chance(0.35)
    if (person.isDone) return
    if (person.seen?.status === 'failed') await redoTask(world, person)
    else await startAnother(world, person)
    await drain(world)
  }
  await look(world, person)
  await drain(world)
  await chooseLate(world, person)
  await drain(world)
  while (person.seen?.status === 'waiting_continue') {
    await act(world, person)
    await drain(world)
    if (person.asks > mostAsks) return void world.witness.broken.push(`not settled: ${person.name} asks for ever`)
  }
}

async function drain(world: World): Promise<void> {
  while (await world.scheduler.step()) if (isStartedBehind(world)) await sweepInHaste(world)
}

/** Whoever is shy may delete what is just being copied. */
async function drainAmongDeletions(world: World, staying: readonly Person[]): Promise<void> {
  while (await world.scheduler.step()) {
    const copied = staying.find((person) => person.isShy && isCopied(world, person))
    if (copied && world.random.chance(0.3)) await eraseInHaste(world, copied)
  }
}

async function isAtRest({ pool }: World, staying: readonly Person[]): Promise<boolean> {
  if (staying.some((person) => person.seen?.status === 'waiting_continue' || (isOver(person) && !person.isDone)))
    return false
  const { rowCount } = await pool.query({
    name: 'moving',
    text: `select from tasks
      where status in ('pending', 'processing') or phase is not null or strays @> '[{"over": false}]'
      union all select from outbox where due_at is not null union all select from erasures limit 1`,
  })
  return rowCount === 0
}
