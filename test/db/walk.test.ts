// Random lives of a task: any outcome may be told at any time, of any claim that ever was. Whatever the order, the table's
// CHECKs hold (or the statement would have failed), steps only rise, endings stay, and no prediction is forgotten.
import { expect } from 'vitest'
import type { CheckOutcome, SubmissionOutcome } from '../../core/decide.ts'
import type { OpenAttempt, Status } from '../../core/task.ts'
import { readStory } from '../../db/statements/overview.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordStrays } from '../../db/statements/record-strays.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { later, type Row } from '../setup/factory.ts'
import { claim, each, noon, predictionsOf, read, useDatabase } from './setup.ts'

const { over } = useDatabase()

const arrows: Record<Status, Status[]> = {
  pending: ['processing', 'canceled'],
  processing: ['pending', 'waiting_continue', 'completed', 'failed', 'canceled'],
  waiting_continue: ['pending', 'canceled'],
  completed: [],
  failed: ['pending'],
  canceled: [],
}

/** mulberry32: a walk is replayed by its seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Walk {
  db: Db
  row: Row
  now: Date
  /** Every claim that there ever was. */
  claims: OpenAttempt[]
  /** Every prediction that was ever told of, and the claim that made it. */
  told: Map<string, OpenAttempt>
  pick<T>(some: readonly T[]): T
}

const words = { code: 'provider_failed', reason: 'Out of memory.' } as const
const submissions: Exclude<SubmissionOutcome, { kind: 'created' }>[] = [
  { kind: 'throttled', provider: 'elsewhere', reason: 'Slow down.', retry_in: 9 },
  { kind: 'unsent', retry_in: 3 },
  { kind: 'unknown', search_in: 10 },
  { kind: 'absent' },
  { kind: 'rejected', ...words },
  { kind: 'unsettled', ...words },
]
const checks: CheckOutcome[] = [
  { kind: 'failed', ...words },
  { kind: 'failed', ...words, leave: true },
  { kind: 'missing', retry_in: 60, reason: 'Unknown.' },
  { kind: 'answered' },
  { kind: 'postponed', retry_in: 7 },
]

/** Mostly the newest claim, sometimes one that is long over. */
const heldBy = ({ claims, pick }: Walk) => pick([claims.slice(-1), claims.slice(-1), claims].flat())
const predicted = (walk: Walk, held: OpenAttempt) => ({ ...held, prediction_id: walk.row.prediction_id ?? 'none' })

const deeds: ((walk: Walk) => Promise<unknown>)[] = [
  async (walk) => {
    const { tasks } = await claim(walk.db, { now: walk.now, taskId: walk.row.id })
    for (const { id, current_step, attempt, claim_token, work } of tasks) {
      if (work === 'submit') walk.claims.push({ id, step: current_step, attempt, claim_token: claim_token ?? '' })
    }
  },
  (walk) => {
    const fresh = [crypto.randomUUID(), heldBy(walk)] as const
    const [prediction_id, held] = walk.pick([...walk.told, fresh, fresh])
    walk.told.set(prediction_id, held)
    const created = { kind: 'created' as const, prediction_id, urls: {}, check_in: 2 }
    return recordSubmissions(walk.db, [{ ...held, ...created }], walk)
  },
  (walk) => recordSubmissions(walk.db, [{ ...heldBy(walk), ...walk.pick(submissions) }], walk),
  (walk) => recordChecks(walk.db, [{ ...predicted(walk, heldBy(walk)), kind: 'succeeded', output: ['o'] }], walk),
  (walk) => recordChecks(walk.db, [{ ...predicted(walk, heldBy(walk)), ...walk.pick(checks) }], walk),
  (walk) => recordStored(walk.db, [{ ...predicted(walk, heldBy(walk)), files: [], gate_in: 400 }], walk),
  (walk) => {
    const strays = walk.row.strays.map(({ prediction_id }) => ({ id: walk.row.id, prediction_id, retry_in: 20 }))
    const told = strays.map((one) => ({ ...one, over: walk.pick([true, false]) }))
    return told.length > 0 ? recordStrays(walk.db, told, walk) : Promise.resolve()
  },
  (walk) => continueTask(walk.db, { ...walk.row, step: walk.pick([undefined, 1]), now: walk.now }),
  (walk) => redoTask(walk.db, { ...walk.row, now: walk.now }),
  (walk) =>
    walk.pick([cancelTask, continueTask, continueTask, redoTask, redoTask, redoTask])(walk.db, {
      ...walk.row,
      now: walk.now,
    }),
]

function expectLawful(before: Row, after: Row, told: Walk['told']): void {
  expect(after.current_step).toBeGreaterThanOrEqual(before.current_step)
  if (after.status !== before.status) expect(arrows[before.status]).toContain(after.status)
  const remembered = predictionsOf(after)
  for (const prediction of told.keys()) expect(remembered).toContain(prediction)
  expect(new Set(after.strays.map(({ prediction_id }) => prediction_id)).size).toBe(after.strays.length)
  expect(after.steps.map(({ step }) => step)).toEqual(after.steps.map((_, i) => i + 1))
  const hasWork = after.strays.some((stray) => !stray.over) || after.finished_at === null || after.phase !== null
  expect(after.due_at !== null).toBe(hasWork)
}

/** Each move begins where the one before it ended, and the last one where the task is now. */
async function expectTold(db: Db, { id, status, phase }: Row): Promise<void> {
  const history = (await readStory(db, id))?.history ?? []
  const states = history.map(({ became }) => became)
  expect(history.map(({ was }) => was)).toEqual([null, ...states.slice(0, -1)])
  expect(states.at(-1)).toBe(phase ? `${status}/${phase}` : status)
}

async function walkOnce(db: Db, seed: number, length: number): Promise<number> {
  const random = randomOf(seed)
  const pick = <T>(some: readonly T[]) => some[Math.floor(random() * some.length)] as T
  const task = { id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {} }
  const keys = { lock_key: null, idempotency_key: null, request_hash: null }
  const row = await startTask(
    db,
    { ...task, ...keys, auto_continue: pick([true, false]), total_steps: 3 },
    { now: noon },
  )
  const nobody = { id: task.id, step: 1, attempt: 1, claim_token: crypto.randomUUID() }
  const walk: Walk = { db, row: await read(db, row), now: noon, claims: [nobody], told: new Map(), pick }
  for (let i = 0; i < length; i++) {
    walk.now = later(walk.now, random() * 90)
    await pick(deeds)(walk)
    const after = await read(db, task)
    expectLawful(walk.row, after, walk.told)
    walk.row = after
  }
  await expectTold(db, walk.row)
  return walk.row.current_step
}

each('%s: a task goes only forward, and forgets no prediction, whatever it is told', async (driver) => {
  // The same statements, by the same seeds: over Neon, whose sessions keep no plan, a walk costs four times as much.
  const walks = driver === 'pg' ? 16 : 4
  const ends: number[] = []
  for (let seed = 1; seed <= walks; seed += 4) {
    const seeds = [seed, seed + 1, seed + 2, seed + 3]
    ends.push(...(await Promise.all(seeds.map((each) => walkOnce(over(driver), each, 70).catch(namingSeed(each))))))
  }
  // The walks get about: some reach a later step.
  expect(Math.max(...ends)).toBeGreaterThan(1)
})

const namingSeed = (seed: number) => (error: unknown) => {
  throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
}
