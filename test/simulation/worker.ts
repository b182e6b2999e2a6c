// One thread of `npm run simulate`, on a database of its own. Threads take one seed after the other, in order, until one breaks a
// promise: the lowest that does is the same on any number of cores. Or they take mutants, each until the first seed that catches it.
import { randomUUID } from 'node:crypto'
import { registerHooks } from 'node:module'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Client, Pool } from 'pg'
import { migrate } from '../../db/migrate.ts'
import { connectionOptions } from './database.ts'
import type { Mutant } from './mutant.ts'
import { mutants, requireMutant } from './mutants.ts'
import { runSeed } from './run.ts'
import { currentCall } from './virtual-time.ts'

export interface Batch {
  url: string
  from: number
  /** Not included. */
  to: number
  /** Every mutant, instead of one or none. */
  isHunt: boolean
  mutant: string | undefined
  isOnFolder: boolean
  /** What happened in each schedule is told, whether it breaks a promise or not. */
  isTraced: boolean
  /** For `openCounters`. */
  shared: SharedArrayBuffer
}

/** What all threads of a run count together. */
export function openCounters(shared: SharedArrayBuffer) {
  const counts = new Int32Array(shared)
  const [taken, done, ended] = [0, 1, 2]
  return {
    /** The next place in the work, from 0. */
    take: () => Atomics.add(counts, taken, 1),
    finish: () => void Atomics.add(counts, done, 1),
    done: () => Atomics.load(counts, done),
    /** Nobody takes anything more. */
    end: () => void Atomics.store(counts, ended, 1),
    isEnded: () => Atomics.load(counts, ended) === 1,
  }
}

export interface BatchResult {
  seeds: number
  events: number
  created: number
  broken?: Broken
  /** In the order in which this thread ran them. */
  traces: (readonly string[])[]
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

/** What is loaded in the midst of a call takes as long as the machine takes, and only the first time. */
const loadedLate: string[] = []

if (!isMainThread) {
  registerHooks({
    load: (url, context, next) => {
      if (currentCall.getStore()) loadedLate.push(url)
      return next(url, context)
    },
  })
  const batch = workerData as Batch
  const pool = new Pool({ connectionString: await createDatabase(batch.url), ...connectionOptions })
  const result = batch.isHunt ? await hunt(pool, batch) : await runBatch(pool, batch)
  await pool.end()
  parentPort?.postMessage(result)
}

async function hunt(pool: Pool, { from, to, isOnFolder, shared }: Batch): Promise<Hunted[]> {
  const counters = openCounters(shared)
  const hunted: Hunted[] = []
  for (let mutant = mutants[counters.take()]; mutant; mutant = mutants[counters.take()]) {
    let caught: Broken | undefined
    for (let seed = from; seed < to && !caught; seed += 1)
      caught = (await runOne(pool, seed, mutant, isOnFolder)).broken
    hunted.push({ mutant: mutant.name, ...(caught && { caught: { ...caught, trace: [] } }) })
    counters.finish()
  }
  return hunted
}

async function runBatch(pool: Pool, { from, to, mutant, isOnFolder, isTraced, shared }: Batch): Promise<BatchResult> {
  const counters = openCounters(shared)
  const removed = mutant === undefined ? undefined : requireMutant(mutant)
  const result: BatchResult = { seeds: 0, events: 0, created: 0, traces: [] }
  while (!result.broken && !counters.isEnded()) {
    const seed = from + counters.take()
    if (seed >= to) break
    const { trace, created, broken } = await runOne(pool, seed, removed, isOnFolder)
    result.seeds += 1
    result.events += trace.length
    if (isTraced) result.traces.push(trace)
    result.created += created
    if (broken) result.broken = broken
    counters.finish()
  }
  if (result.broken) counters.end()
  return result
}

async function runOne(pool: Pool, seed: number, mutant: Mutant | undefined, isOnFolder: boolean) {
  const { broken: sentences, trace, created } = await runSeed(seed, pool, mutant, isOnFolder)
  const broken: Broken | undefined = sentences.length > 0 ? { seed, sentences, trace } : undefined
  if (loadedLate.length > 0) throw new Error(`Loaded in the midst of seed ${seed}: name it in loaded.ts: ${loadedLate}`)
  return { trace, created, broken }
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
