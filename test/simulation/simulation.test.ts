// A few hundred schedules in the suite (`npm run simulate` runs as many as asked), and that the simulation can be trusted:
// a seed replays exactly, every mutant still finds the guard that it removes, and some are caught here and now.
import { Pool } from 'pg'
import { afterAll, expect, test } from 'vitest'
import { createDatabase } from '../setup/database.ts'
import { mutants } from './mutants.ts'
import { runSeed } from './run.ts'

const seeds = 200
const database = await createDatabase()
const pool = new Pool({ connectionString: database.url, max: 1 })

afterAll(async () => {
  await pool.end()
  await database.drop()
})

test(`${seeds} random schedules break no promise`, { timeout: 600_000 }, async ({ signal }) => {
  for (let seed = 1; seed <= seeds && !signal.aborted; seed += 1) {
    const { broken, trace } = await runSeed(seed, pool)
    expect(broken, `seed ${seed}:\n${trace.join('\n')}`).toEqual([])
  }
})

test('a seed replays exactly', { timeout: 120_000 }, async () => {
  const first = await runSeed(7, pool)
  const second = await runSeed(7, pool)
  expect(second.trace).toEqual(first.trace)
})

test.each([
  'create-resent',
  'unknown-is-not-created',
  'mark-never-lowered',
  'due-forgotten-with-result',
  'lock-not-taken',
])('the mutant %s is caught', { timeout: 180_000 }, async (name) => {
  const mutant = mutants.find((known) => known.name === name)
  let caught = false
  for (let seed = 1; seed <= 60 && !caught; seed += 1) caught = (await runSeed(seed, pool, mutant)).broken.length > 0
  expect(caught).toBe(true)
})

test.each(mutants.filter(({ rewrite }) => rewrite))(
  'the guard that $name removes is still where it was',
  async (mutant) => {
    let applied = false
    const rewrite = (statement: string) => {
      const changed = mutant.rewrite?.(statement) ?? statement
      applied ||= changed !== statement
      return changed
    }
    for (let seed = 1; seed <= 20 && !applied; seed += 1) await runSeed(seed, pool, { ...mutant, rewrite })
    expect(applied).toBe(true)
  },
)
