// `npm run simulate -- --seeds N [--seed S] [--mutant NAME] [--mutants]`: random schedules until a promise breaks, or until
// there are N that break none. `--seed` replays one and prints its schedule if it breaks; `--mutants` runs the whole list.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { startPostgres } from '../../dev/postgres.ts'
import { mutants } from './mutants.ts'
import type { Batch, BatchResult, Hunted } from './worker.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
})
const seeds = whole('seeds', values.seeds)
const first = values.seed === undefined ? 1 : whole('seed', values.seed)

/** A mutant that this many schedules don't catch has found a hole in the simulation. */
const mutantSeeds = 500
/** Nothing of it is to last. Statistics would change plans in the midst of a run. */
const postgresSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum: 'off' }

const folder = await mkdtemp(join(tmpdir(), 'stepgate-simulation-'))
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: postgresSettings })
const isGood = values.mutants ? await runMutants() : await runSeeds()
await postgres.stop()
await rm(folder, { recursive: true })
process.exit(isGood ? 0 : 1)

/** Every schedule keeps every promise, or the first that doesn't is printed. */
async function runSeeds(): Promise<boolean> {
  const count = values.seed === undefined || values.seeds !== '200' ? seeds : 1
  const started = performance.now()
  const threads = Math.min(availableParallelism(), count)
  const batch = { from: first, to: first + count, stride: threads, mutant: values.mutant, isHunt: false }
  const results = await Promise.all(onThreads<BatchResult>(threads, (index) => ({ ...batch, from: first + index })))
  const total = (name: 'seeds' | 'events' | 'created') => results.reduce((sum, result) => sum + result[name], 0)
  const broken = results.flatMap((result) => result.broken ?? []).toSorted((one, other) => one.seed - other.seed)[0]
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `${total('seeds')} schedules, ${total('events')} events, ${total('created')} predictions created, ${seconds} s`,
  )
  if (!broken) return true
  console.log(`${broken.trace.join('\n')}\n\nseed ${broken.seed} breaks a promise:`)
  for (const sentence of broken.sentences) console.log(`  ${sentence}`)
  console.log(
    `Replay it with: npm run simulate -- --seed ${broken.seed}${values.mutant ? ` --mutant ${values.mutant}` : ''}`,
  )
  return false
}

/** Every mutant must be caught: a table of which schedule did it, and how. */
async function runMutants(): Promise<boolean> {
  const batch = { from: first, to: first + mutantSeeds, stride: 1, mutant: undefined, isHunt: true }
  const hunted = (await Promise.all(onThreads<Hunted[]>(availableParallelism(), () => batch))).flat()
  for (const { name, without } of mutants) {
    const caught = hunted.find(({ mutant }) => mutant === name)?.caught
    console.log(`${name.padEnd(28)} ${caught ? `seed ${String(caught.seed).padStart(3)}` : 'SURVIVES'}  ${without}`)
    if (caught) console.log(`${' '.repeat(39)}→ ${caught.sentences[0]}`)
  }
  const survivors = hunted.filter(({ caught }) => !caught)
  console.log(`${mutants.length - survivors.length} of ${mutants.length} mutants caught`)
  return survivors.length === 0
}

/** Each thread has a database of its own. */
function onThreads<Result>(
  threads: number,
  batchOf: (index: number) => Omit<Batch, 'url' | 'turn'>,
): Promise<Result>[] {
  const turn = new SharedArrayBuffer(4)
  return Array.from(
    { length: threads },
    (_, index) =>
      new Promise<Result>((resolve, reject) => {
        const workerData: Batch = { ...batchOf(index), url: postgres.url, turn }
        const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
        worker.once('message', resolve)
        worker.once('error', reject)
      }),
  )
}

function whole(name: string, value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  console.error(`--${name} must be a whole number above 0, not ${value}`)
  process.exit(2)
}
