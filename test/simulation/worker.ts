// One thread of `npm run simulate`: runs its share of the seeds on a database of its own, and stops at the first that breaks.
import { randomUUID } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { Client, Pool } from 'pg'
import { migrate } from '../../db/migrate.ts'
import { mutants } from './mutants.ts'
import { runSeed } from './run.ts'

export interface Batch {
  url: string
  from: number
  to: number
  stride: number
  mutant: string | undefined
  /** Set to 1 by the first thread whose seed breaks. */
  stop: SharedArrayBuffer
}

export interface BatchResult {
  seeds: number
  events: number
  created: number
  broken?: { seed: number; sentences: string[]; trace: readonly string[] }
}

const batch = workerData as Batch
const mutant = batch.mutant === undefined ? undefined : requireMutant(batch.mutant)
const pool = new Pool({ connectionString: await createDatabase(batch.url), max: 1 })
const result = await runBatch()
await pool.end()
parentPort?.postMessage(result)

async function runBatch(): Promise<BatchResult> {
  const result: BatchResult = { seeds: 0, events: 0, created: 0 }
  const stop = new Int32Array(batch.stop)
  for (let seed = batch.from; seed < batch.to && Atomics.load(stop, 0) === 0; seed += batch.stride) {
    const outcome = await runSeed(seed, pool, mutant)
    result.seeds += 1
    result.events += outcome.trace.length
    result.created += outcome.created
    if (outcome.broken.length === 0) continue
    Atomics.store(stop, 0, 1)
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

function requireMutant(name: string) {
  const found = mutants.find((known) => known.name === name)
  if (found) return found
  throw new Error(`there is no mutant ${name}; there are: ${mutants.map((known) => known.name).join(', ')}`)
}
