// Some schedules in the suite (`npm run simulate` runs as many as asked), and that the simulation can be trusted: a seed replays
// exactly, every mutant still finds the guard that it removes, and some are caught here and now.
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { readWaitsSince } from '../../db/statements/reads.ts'
import type { Database } from '../../db/statements/schema.ts'
import { chooseTask, redoTask } from '../../db/statements/user-moves.ts'
import { createDatabase } from '../setup/database.ts'
import { connectionOptions } from './database.ts'
import { mutants, requireMutant } from './mutants.ts'
import { runSeed } from './run.ts'
import type { Batch, BatchResult } from './worker.ts'

/** They come by every statement that has a guard; how many more there are is `npm run simulate`'s. */
const seeds = 24
const database = await createDatabase()
const pool = database.pool(connectionOptions)
/** Every statement that the schedules came by, with the calls that sent it. */
const statements = new Map<string, Set<string>>()
/** What happened in each of them, the first at 0. */
const traces: (readonly string[])[] = []

afterAll(() => database.drop())

const listening = {
  name: 'listening',
  without: 'nothing',
  rewrite: (statement: string, call: string) => {
    statements.set(statement, (statements.get(statement) ?? new Set()).add(call))
    return statement
  },
}

test(`${seeds} random schedules break no promise`, { timeout: 1_500_000 }, async ({ signal }) => {
  for (let seed = 1; seed <= seeds && !signal.aborted; seed += 1) {
    const { broken, trace } = await runSeed(seed, pool, listening)
    traces.push(trace)
    expect(broken, `seed ${seed}:\n${trace.join('\n')}`).toEqual([])
  }
})

const folderSeeds = 6
test(`${folderSeeds} random schedules on a folder store break no promise`, { timeout: 400_000 }, async ({ signal }) => {
  for (let seed = 1; seed <= folderSeeds && !signal.aborted; seed += 1) {
    const { broken, trace } = await runSeed(seed, pool, undefined, true)
    expect(broken, `seed ${seed}:\n${trace.join('\n')}`).toEqual([])
  }
})

test.each([18, 23])('seed %i replays exactly, also where it is the first', { timeout: 300_000 }, async (seed) => {
  // The one here came after others.
  expect(await runInThread(seed)).toEqual(traces[seed - 1])
})

/** As `npm run simulate` does, in a thread that has loaded, remembered and stored nothing yet. */
async function runInThread(seed: number): Promise<readonly string[] | undefined> {
  const shared = new SharedArrayBuffer(12)
  const what = { isHunt: false, mutant: undefined, isOnFolder: false, isTraced: true }
  const workerData: Batch = { ...what, url: database.url, from: seed, to: seed + 1, shared }
  const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData })
  const [{ traces }] = (await once(worker, 'message')) as [BatchResult]
  return traces[0]
}

/** From the quickest seed that catches it now; later ones are there for when schedules change. */
test.each([
  ['create-resent', 3],
  ['unknown-is-not-created', 7],
  ['released-twice', 3],
  ['redo-not-counted', 1],
  ['mark-never-lowered', 1],
  ['shown-before-stored', 1],
  ['lock-not-taken', 11],
] as const)('the mutant %s is caught', { timeout: 600_000 }, async (name, first) => {
  const mutant = requireMutant(name)
  let caught = false
  for (let seed = first; seed < first + 60 && !caught; seed += 1)
    caught = (await runSeed(seed, pool, mutant)).broken.length > 0
  expect(caught).toBe(true)
})

/** What few schedules come by: a choice, a redo where a day's tasks are counted, a wait for a key. Only the text is of interest. */
test('statements that few schedules come by are made', async () => {
  const db = new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void listening.rewrite(query.sql, 'a statement of its own'),
  })
  const mine = { id: '01900000-0000-7000-8000-000000000001', user_id: 'person-1' }
  await chooseTask(db, { ...mine, step: 1, choice: { attempt: 1, file: 1 } })
  await redoTask(db, { ...mine, daily_quota: 2 })
  await readWaitsSince(db, mine.id)
  expect(statements.size).toBeGreaterThanOrEqual(3)
})

test.each(mutants.filter(({ rewrite }) => rewrite))('the guard that $name removes is still where it was', (mutant) => {
  const isFound = [...statements].some(([statement, calls]) =>
    [...calls].some((call) => mutant.rewrite?.(statement, call) !== statement),
  )
  expect(isFound).toBe(true)
})
