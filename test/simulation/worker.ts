// One thread of `npm run simulate`, on a database of its own: its share of the seeds, until the first that breaks; or one mutant
// after the other, each until the first seed that catches it.
import { randomUUID } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { Client, Pool } from 'pg'
import { migrate } from '../../db/migrate.ts'
import { connectionOptions } from './database.ts'
import { mutants, requireMutant } from './mutants.ts'
import { runSeed } from './run.ts'

export interface Batch {
  url: string
  from: number
  /** Not included. */
  to: number
  stride: number
  /** Every mutant: `turn` counts those that are taken. Otherwise `turn` is 1 once a seed has broken a promise. */
  isHunt: boolean
  mutant: string | undefined
  turn: SharedArrayBuffer
}

export interface BatchResult {
  seeds: number
  events: number
  created: number
  broken?: Broken
}

export interface Broken {
  seed: number
  sentences: string[]
  trace: readonly string[]
}

export interface Hunted {
  mutant: string
  caught?: Broken
}

const batch = workerData as Batch
const turn = new Int32Array(batch.turn)
const pool = new Pool({ connectionString: await createDatabase(batch.url), ...connectionOptions })
const result = batch.isHunt ? await hunt() : await runBatch(batch.mutant)
await pool.end()
parentPort?.postMessage(result)

async function hunt(): Promise<Hunted[]> {
  const hunted: Hunted[] = []
  for (let index = Atomics.add(turn, 0, 1); index < mutants.length; index = Atomics.add(turn, 0, 1)) {
    const name = mutants[index]?.name ?? ''
    const { broken } = await runSeeds(name, () => false)
    hunted.push({ mutant: name, ...(broken && { caught: { ...broken, trace: [] } }) })
  }
  return hunted
}

async function runBatch(mutant: string | undefined): Promise<BatchResult> {
  const result = await runSeeds(mutant, () => Atomics.load(turn, 0) !== 0)
  if (result.broken) Atomics.store(turn, 0, 1)
  return result
}

async function runSeeds(name: string | undefined, isOver: () => boolean): Promise<BatchResult> {
  const mutant = name === undefined ? undefined : requireMutant(name)
  const result: BatchResult = { seeds: 0, events: 0, created: 0 }
  for (let seed = batch.from; seed < batch.to && !isOver(); seed += batch.stride) {
    const outcome = await runSeed(seed, pool, mutant)
    result.seeds += 1
    result.events += outcome.trace.length
    result.created += outcome.created
    if (outcome.broken.length === 0) continue
    return { ...result, broken: { seed, sentences: outcome.broken, trace: outcome.trace } }
  }
  return result
}

async function createDatabase(url: string): Promise<string> {
  const name = `simulation_${randomUUID().replaceAll('-', '')}`
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  const address = new URL(url)
  address.pathname = name
  await migrate(address.href)
  return address.href
}
