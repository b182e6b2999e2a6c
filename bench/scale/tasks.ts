// Tasks for the benchmarks: as start would insert them, and made due again whenever a measurement needs them.

import { sql } from 'kysely'
import { claimDue } from '../../db/statements/claim.ts'
import type { Db } from '../../db/statements/sql.ts'
import { openRecipes } from '../../recipes/index.ts'
import { insertTasks } from '../../test/setup/factory.ts'

const users = 100
/** Looks stay a quarter of a minute apart, however long these clocks run. */
const forever = 1e9
const recipes = openRecipes({ hosts: [], allowPrivate: true })

/** Try-ons of two steps, all due for their first submission. */
export async function insertPending(db: Db, count: number): Promise<void> {
  const image = (name: string) => `https://images.test/${name}.jpg`
  const rows = Array.from({ length: count }, (_, index) => ({
    user_id: `user-${index % users}`,
    total_steps: 2,
    input: {
      person_image: image(`person-${index}`),
      garments: [`shirt-${index}`, `coat-${index}`].map((name) => ({ image: image(name), category: 'upper_body' })),
    },
  }))
  await insertTasks(db, rows)
}

/** Whatever waits for its next look is due at once. */
export async function lookAgain(db: Db): Promise<void> {
  await sql`update tasks set due_at = now() where due_at is not null`.execute(db)
}

export async function readStates(db: Db): Promise<{ running: number; due: number }> {
  const { rows } = await sql<{ running: number; due: number }>`
    select count(*) filter (where phase = 'running')::int as running, count(*) filter (where due_at <= now())::int as due
    from tasks`.execute(db)
  return rows[0] ?? { running: 0, due: 0 }
}

const prediction = 'https://api.replicate.com/v1/predictions/abcdefghijklmnopqrstuvwxyz'
const asLong = {
  input: {
    person_image: 'file:inputs/0190a0b0-1234-7000-8000-000000000000/person',
    garments: ['0123456789abcdef', 'fedcba9876543210'].map((name) => ({
      ...{ image: `https://shop.test/garments/${name}${name}.jpg`, category: 'upper_body', description: 'a shirt' },
    })),
  },
  provider_urls: { get: prediction, cancel: `${prediction}/cancel` },
  request_hash: '0123456789abcdef'.repeat(4),
}

/** Predictions under way, the next look at each within a quarter of a minute. */
export async function insertRunning(db: Db, count: number): Promise<void> {
  const now = Date.now()
  const aChunk = 2_000
  for (let from = 0; from < count; from += aChunk) {
    const rows = Array.from({ length: Math.min(aChunk, count - from) }, (_, index) => ({
      user_id: `user-${(from + index) % users}`,
      phase: 'running' as const,
      // As large as in life: smaller rows would find room on old pages, each on another.
      ...asLong,
      idempotency_key: `key-of-a-start-${String(from + index).padStart(20, '0')}`,
      at: new Date(now - 600_000),
      // A look never comes past the limit: so far off that none of these clocks reaches it.
      deadline_at: new Date(now + 10 * 365 * 86_400_000),
      due_at: new Date(now + (15_000 * (from + index)) / count),
    }))
    await insertTasks(db, rows)
  }
}

/** A claim as a pass makes it, of predictions to be looked at. */
export async function claimLooks(db: Db, limit: number, now: Date): Promise<number> {
  const terms = [...recipes.values()].map(({ name, timing }) => ({ ...timing, watchSeconds: forever, recipe: name }))
  const { tasks } = await claimDue(db, { terms, limit, submitLeaseSeconds: 90, now })
  return tasks.length
}
