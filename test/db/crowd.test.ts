// Ceilings under a crowd: 1,000 starts and redos of 200 users at once, over several pools, as several instances send them.
import { sql } from 'kysely'
import pLimit from 'p-limit'
import { expect, test } from 'vitest'
import type { Ceilings } from '../../core/price.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import { recordStored } from '../../db/statements/record-results.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { redoTask } from '../../db/statements/user-moves.ts'
import { faultsOfBooks } from '../setup/books.ts'
import { createDatabase } from '../setup/database.ts'
import { attemptOf, claim, noon } from './setup.ts'

const users = 200
const pools = 4
/** As many as the pools have connections for: whoever waits longer for one than a few seconds is refused it. */
const atOnce = pLimit(pools * 8)
// Not multiples of the price, so that one more would pass each of them.
const ceilings: Ceilings = { all: 9_990, user: 95, recipes: { 'try-on': 9_995 } }

const start = (db: Db, user_id: string) => atOnce(startTask, db, newTask(user_id), { now: noon, ceilings })

const newTask = (user_id: string): NewTask => ({
  ...{ id: crypto.randomUUID(), user_id, recipe: 'try-on', provider: 'replicate', input: {}, auto_continue: false },
  ...{ total_steps: 2, prices: [10, 10], lock_key: null, idempotency_key: null, request_hash: null },
})

/** How many were refused by a ceiling; anything else fails the test. */
async function refusals(work: Promise<unknown>[]): Promise<number> {
  const settled = await Promise.allSettled(work)
  return settled.filter((one) => {
    if (one.status === 'fulfilled') return false
    if (one.reason instanceof DatabaseError && one.reason.constraint === 'spending_within_ceiling') return true
    throw one.reason
  }).length
}

test('1,000 starts and redos of 200 users at once never pass a ceiling', { timeout: 180_000 }, async () => {
  const database = await createDatabase()
  const connected = await Promise.all(Array.from({ length: pools }, () => database.connect()))
  const at = (index: number) => connected[index % pools]?.db as Db
  const db = at(0)
  // A task of each user waits at its gate, with 10 paid and 10 kept.
  await refusals(Array.from({ length: users }, (_, user) => start(at(user), `user-${user}`)))
  const { tasks } = await claim(db, { limit: users })
  const told = tasks.map((task) => ({ ...attemptOf(task), prediction_id: `p-${task.id}`, files: [], gate_in: 60 }))
  await recordStored(db, told, { now: noon })

  const starts = Array.from({ length: 4 * users }, (_, index) => start(at(index), `user-${(index * 7) % users}`))
  const redos = tasks.map(({ id, user_id }, index) =>
    atOnce(redoTask, at(index + 1), { id, user_id, now: noon, ceilings }),
  )
  expect(await refusals([...starts, ...redos])).toBeGreaterThan(0)

  const { rows } = await sql<{ scope: string; spent_micros: number }>`select scope, spent_micros from spending`.execute(
    db,
  )
  const spent = new Map(rows.map(({ scope, spent_micros }) => [scope, spent_micros]))
  expect(spent.get('all')).toBeGreaterThan(9_970)
  expect(spent.get('all')).toBeLessThanOrEqual(9_990)
  const dearest = Math.max(
    ...rows.flatMap(({ scope, spent_micros }) => (scope.startsWith('user:') ? spent_micros : [])),
  )
  expect(dearest).toBeLessThanOrEqual(95)
  expect(await faultsOfBooks((text) => sql.raw<{ fault: string }>(text).execute(db))).toEqual([])
  await database.drop()
})
