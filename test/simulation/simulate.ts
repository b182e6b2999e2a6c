// `npm run simulate`: random schedules on all cores, until one breaks a promise or as many as were asked for have broken none.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { startPostgres } from '../../dev/postgres.ts'
import { openProgress } from '../../dev/progress.ts'
import { mutants, requireMutant } from './mutants.ts'
import { type Batch, type BatchResult, type Hunted, openCounters } from './worker.ts'

const usage = `npm run simulate -- [OPTIONS]

  --seeds N      so many random schedules (200; 500 for a mutant)
  --seed S       the first one's seed; alone, it is replayed and printed
  --mutant NAME  hunts one mutant until a schedule catches it
  --mutants      hunts them all: each must be caught
  --folder       keeps files in a folder instead of Netlify's store`

const values = readOptions()

/** A mutant that this many schedules don't catch has found a hole in the simulation. */
const mutantSeeds = 500
const usualSeeds = values.seed ? 1 : values.mutants || values.mutant ? mutantSeeds : 200
const from = values.seed === undefined ? 1 : whole('seed', values.seed)
const count = values.seeds === undefined ? usualSeeds : whole('seeds', values.seeds)
if (values.mutant !== undefined) requireKnown(values.mutant)

/** Nothing of it is to last. Statistics would change plans in the midst of a run. */
const postgresSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum: 'off' }

const folder = await mkdtemp(join(tmpdir(), 'stepgate-simulation-'))
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: postgresSettings })
const isGood = values.mutants ? await runMutants() : await runSeeds(values.mutant)
await postgres.stop()
await rm(folder, { recursive: true })
process.exit(isGood ? 0 : 1)

/** Every schedule keeps every promise, or the first that doesn't is printed. Of a mutant's, one must break a promise. */
async function runSeeds(mutant: string | undefined): Promise<boolean> {
  const started = performance.now()
  const results = await onThreads<BatchResult>({ mutant, isHunt: false }, count, 'schedules')
  const total = (name: 'seeds' | 'events' | 'created') => results.reduce((sum, result) => sum + result[name], 0)
  const broken = results.flatMap((result) => result.broken ?? []).toSorted((one, other) => one.seed - other.seed)[0]
  const trace = results.flatMap(({ traces }) => traces)[0] ?? (mutant ? undefined : broken?.trace)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (trace) console.log(`${trace.join('\n')}\n`)
  console.log(
    `${total('seeds')} schedules, ${total('events')} events, ${total('created')} predictions created, ${seconds} s`,
  )
  if (!broken) {
    if (mutant) console.log(`the mutant ${mutant} SURVIVES`)
    return mutant === undefined
  }
  console.log(`seed ${broken.seed} ${mutant ? `catches ${mutant}` : 'breaks a promise'}:`)
  for (const sentence of broken.sentences) console.log(`  ${sentence}`)
  console.log(
    `Replay it with: npm run simulate -- ${values.folder ? '--folder ' : ''}--seed ${broken.seed}${mutant ? ` --mutant ${mutant}` : ''}`,
  )
  return mutant !== undefined
}

/** Every mutant must be caught: a table of which schedule did it, and how. */
async function runMutants(): Promise<boolean> {
  const hunted = (await onThreads<Hunted[]>({ mutant: undefined, isHunt: true }, mutants.length, 'mutants')).flat()
  for (const { name, without } of mutants) {
    const caught = hunted.find(({ mutant }) => mutant === name)?.caught
    console.log(`${name.padEnd(28)} ${caught ? `seed ${String(caught.seed).padStart(3)}` : 'SURVIVES'}  ${without}`)
    if (caught) console.log(`${' '.repeat(39)}→ ${caught.sentences[0]}`)
  }
  const survivors = hunted.filter(({ caught }) => !caught)
  console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants caught`)
  return survivors.length === 0
}

/** A thread for each core, with a database of its own; they share the counters, and so the work. */
async function onThreads<Result>(
  what: Pick<Batch, 'mutant' | 'isHunt'>,
  total: number,
  unit: string,
): Promise<Result[]> {
  const shared = new SharedArrayBuffer(12)
  const isTraced = values.seed !== undefined && count === 1
  const workerData: Batch = {
    ...what,
    isOnFolder: values.folder,
    from,
    to: from + count,
    url: postgres.url,
    isTraced,
    shared,
  }
  const progress = openProgress({ unit, total, done: () => openCounters(shared).done() })
  const run = () =>
    new Promise<Result>((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  const results = await Promise.all(Array.from({ length: Math.min(availableParallelism(), total) }, run))
  progress.end()
  return results
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        mutant: { type: 'string' },
        mutants: { type: 'boolean', default: false },
        folder: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (!values.help) return values
    console.log(usage)
    return process.exit(0)
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${usage}`)
  }
}

function whole(name: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  return refuse(`--${name} must be a whole number above 0, not ${value}`)
}

function requireKnown(mutant: string): void {
  try {
    requireMutant(mutant)
  } catch (error) {
    refuse((error as Error).message)
  }
}

function refuse(why: string): never {
  console.error(why)
  process.exit(2)
}
