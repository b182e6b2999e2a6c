// One seed: a time of faults in which anything may happen next, then a time of calm in which everything must settle.
import './loaded.ts'
import type { Pool } from 'pg'
import { settle } from './calm.ts'
import type { Mutant } from './mutant.ts'
import { addNeighbour } from './neighbours.ts'
import { act, createPeople, eraseInHaste, isCopied, type Person } from './people.ts'
import { sendPing } from './pings.ts'
import { brokenPromises } from './promises.ts'
import { type Delivery, spoilNext } from './providers.ts'
import { changeTrouble, isSentBehind, isStartedBehind, isTroubled, lookInHaste, sweepInHaste } from './trouble.ts'
import { deliver, signedAnew, takeWebhooks } from './webhooks.ts'
import { openWorld, type World } from './world.ts'

export interface Outcome {
  seed: number
  broken: string[]
  trace: readonly string[]
  created: number
}

export async function runSeed(seed: number, pool: Pool, mutant?: Mutant, isOnFolder = false): Promise<Outcome> {
  await empty(pool)
  const world = openWorld(seed, pool, { mutant, isOnFolder })
  const people = await createPeople(world)
  await storm(world, people)
  const calm = await settle(world, people)
  const broken = [...calm, ...(await brokenPromises(world, people))]
  return { seed, broken, trace: world.scheduler.trace, created: world.providers.predictions().length }
}

/** Of each database: its tables, and how often they were emptied. */
const emptied = new WeakMap<Pool, { tables: string[]; times: number }>()
/** To empty tables anew costs more than to delete their few rows, whose remains make statements slow in the end. */
const anewEvery = 20

/** All tables that there are, a new one too: nothing of a schedule is left for the next. */
async function empty(pool: Pool): Promise<void> {
  const known = emptied.get(pool) ?? { tables: await tablesOf(pool), times: 0 }
  const { tables, times } = known
  const work = times % anewEvery === 0 ? `truncate ${tables}` : tables.map((name) => `delete from ${name}`).join('; ')
  // The ledger takes no deletes but where triggers are off.
  await pool.query(`begin; set local session_replication_role = replica; ${work}; commit`)
  emptied.set(pool, { tables, times: times + 1 })
}

async function tablesOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely%'`,
  )
  return rows.map(({ name }) => name)
}

const rareJumps = { 4000000: 0.08, 90000000: 0.03, 700000000: 0.02 }
const jumps = { 800: 5, 5000: 4, 40000: 1.5, 120000: 0.4, ...rareJumps }
const slowJumps = { 800: 3, 5000: 3, 40000: 6, 120000: 2, ...rareJumps }

/** The time of faults: what happens next is drawn anew every time. */
async function storm(world: World, people: readonly Person[]): Promise<void> {
  const { random, scheduler, providers, weather } = world
  const deliveries: Delivery[] = []
  const length = random.between(weather.flickers ? 180 : 80, 360)
  for (let event = 0; event < length; event += 1) {
    const copied = people.filter((person) => person.isShy && isCopied(world, person))
    const what = random.weighted({
      operation: 40,
      person: 8,
      ping: 8,
      clock: weather.isSlow ? 9 : 5,
      webhook: deliveries.length > 0 ? 8 : 0,
      ending: 0.3,
      deletion: copied.length > 0 ? 8 : 0,
      sweep: isStartedBehind(world) ? 40 : 0,
      look: isSentBehind(world) ? 40 : 0,
      neighbour: weather.hasNeighbours ? (weather.listsAlone === 'long' ? 6 : 1.5) : 0,
      trouble: isTroubled(weather) ? 2 : 0,
    })
    if (what === 'person') await act(world, random.pick(people))
    if (what === 'deletion') await eraseInHaste(world, random.pick(copied))
    if (what === 'sweep') await sweepInHaste(world)
    if (what === 'look') await lookInHaste(world)
    if (what === 'ping')
      await sendPing(world, random.pick(['worker', 'checker', 'checker', 'recover', 'tick'] as const))
    if (what === 'clock') await scheduler.advance(Number(random.weighted(weather.isSlow ? slowJumps : jumps)))
    if (what === 'ending') spoilNext(providers, random.pick)
    if (what === 'trouble') changeTrouble(world)
    if (what === 'neighbour') await addNeighbour(world)
    if (what === 'webhook') {
      const [delivery] = deliveries.splice(random.between(0, deliveries.length - 1), 1)
      if (delivery) await deliver(world, delivery)
      // It comes once more, after whatever happens until then.
      if (delivery && random.chance(weather.echoes ? 0.7 : 0.2)) deliveries.push(signedAnew(world, delivery))
    }
    if (what === 'operation') await scheduler.step()
    deliveries.push(...(await takeWebhooks(world)))
  }
}
