// startTask(): one task a key, one task a lock, however many ask at once; and a lock that is free with its task's end.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Status } from '../../core/task.ts'
import { readLockHolder } from '../../db/statements/reads.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { cancelTask, redoTask } from '../../db/statements/user-moves.ts'
import { type Row, type State, stateNames } from '../setup/factory.ts'
import { attemptOf, bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const now = noon

const newTask = (overrides: Partial<NewTask> = {}): NewTask => ({
  ...{ id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', total_steps: 3 },
  ...{ input: { words: 'odd \0 é 😀' }, auto_continue: false },
  ...{ lock_key: null, idempotency_key: null, request_hash: null, ...overrides },
})
const lockTaken = { name: 'DatabaseError', code: '23505', constraint: 'tasks_lock' }

each('%s: startTask() makes a pending task that is due at once', async (driver) => {
  const db = over(driver)
  const task = newTask({ auto_continue: true, lock_key: 'try-on:ada', idempotency_key: 'key', request_hash: 'hash' })
  const started = await startTask(db, task, { now })
  const row = await read(db, task)
  expect(started).toEqual({ ...row, created: true })
  const instants = { due_at: now, created_at: now, updated_at: now, finished_at: null, submitted_at: null }
  expect(row).toMatchObject({ ...task, input: { words: 'odd  é 😀' }, ...instants })
  expect(row).toMatchObject({ status: 'pending', current_step: 0, next_step: 1, attempt: 0, steps: [], strays: [] })
})

each('%s: startTask() answers the task that a key has started before, whatever became of it', async (driver) => {
  const db = over(driver)
  const first = await insertState(db, 'completed', { idempotency_key: 'key', request_hash: 'hash' })
  const again = await startTask(db, newTask({ idempotency_key: 'key', request_hash: 'other' }), { now })
  expect(again).toEqual({ ...first, created: false })
  const others = [newTask({ user_id: 'bob', idempotency_key: 'key' }), newTask(), newTask()]
  for (const other of others) expect(await startTask(db, other, { now })).toMatchObject({ id: other.id, created: true })
})

each('%s: startTask() makes one task of 20 starts with one key at once', async (driver) => {
  const db = over(driver)
  const starts = Array.from({ length: 20 }, () => startTask(db, newTask({ idempotency_key: 'key' })))
  const started = await Promise.all(starts)
  expect(started.filter(({ created }) => created)).toHaveLength(1)
  expect(new Set(started.map(({ id }) => id)).size).toBe(1)
})

each('%s: startTask() makes one task of 20 starts with one lock at once', async (driver) => {
  const db = over(driver)
  const starts = Array.from({ length: 20 }, () => startTask(db, newTask({ lock_key: 'lock' })))
  const settled = await Promise.allSettled(starts)
  expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const one of settled) if (one.status === 'rejected') expect(one.reason).toMatchObject(lockTaken)
})

// Which of its two unique indexes Postgres meets first is chance; once the lock has refused, the key has an answer.
each('%s: startTask() makes one task of many starts with one key and one lock', async (driver) => {
  const db = over(driver)
  for (let round = 0; round < 20; round++) {
    const start = () => startTask(db, newTask({ idempotency_key: `key-${round}`, lock_key: `lock-${round}` }))
    const again = (error: unknown) => {
      expect(error).toMatchObject(lockTaken)
      return start()
    }
    const started = await Promise.all(Array.from({ length: 8 }, () => start().catch(again)))
    expect(new Set(started.map(({ id }) => id)).size).toBe(1)
  }
})

each('%s: startTask() breaks no CHECK silently', async (driver) => {
  const refused = startTask(over(driver), newTask({ total_steps: 0 }))
  await expect(refused).rejects.toMatchObject({ name: 'DatabaseError', code: '23514' })
})

const holding: Status[] = ['pending', 'processing', 'waiting_continue']
test.each(overBoth(stateNames.map((state): [State] => [state])))(
  '%s: the lock of a task that is %s is held exactly while it is unfinished',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state, { lock_key: 'lock' })
    const isHeld = holding.includes(task.status)
    expect((await readLockHolder(db, { lock_key: 'lock' }))?.id).toBe(isHeld ? task.id : undefined)
    const before = await bytes(db, task)
    const start = startTask(db, newTask({ lock_key: 'lock' }))
    if (isHeld) await expect(start).rejects.toMatchObject(lockTaken)
    else expect(await start).toMatchObject({ created: true })
    expect(await bytes(db, task)).toBe(before)
    expect(await startTask(db, newTask({ lock_key: 'another' }))).toMatchObject({ created: true })
  },
)

const own = (task: Row) => ({ ...attemptOf(task), prediction_id: task.prediction_id ?? 'none' })
const words = { code: 'provider_failed', reason: 'Out of memory.' } as const
const endings: [string, State, (db: Db, task: Row) => Promise<unknown>][] = [
  ['it is completed', 'storing', (db, task) => recordStored(db, [{ ...own(task), files: [], gate_in: 9 }])],
  ['its prediction fails', 'running', (db, task) => recordChecks(db, [{ ...own(task), kind: 'failed', ...words }])],
  [
    'its create is rejected',
    'submitting',
    (db, task) => recordSubmissions(db, [{ ...attemptOf(task), kind: 'rejected', ...words }]),
  ],
  ['it is canceled', 'submitting', (db, task) => cancelTask(db, task)],
  ['its gate expires', 'waiting_continue', (db) => claim(db, { now: undefined })],
]
test.each(overBoth(endings))('%s: the lock is free at once when %s', async (driver, _, state, end) => {
  const db = over(driver)
  const last = state === 'storing' ? { total_steps: 1 } : {}
  const task = await insertState(db, state, { lock_key: 'lock', ...last, due_at: noon, deadline_at: noon })
  await expect(startTask(db, newTask({ lock_key: 'lock' }))).rejects.toMatchObject(lockTaken)
  await end(db, task)
  expect(await startTask(db, newTask({ lock_key: 'lock' }))).toMatchObject({ created: true })
})

each('%s: redoTask() takes the lock again, or fails when another task has it', async (driver) => {
  const db = over(driver)
  const failed = await insertState(db, 'failed', { lock_key: 'lock' })
  const rival = await startTask(db, newTask({ lock_key: 'lock' }))
  const before = await bytes(db, failed)
  await expect(redoTask(db, failed)).rejects.toMatchObject(lockTaken)
  expect((await readLockHolder(db, { rivalOf: failed.id }))?.id).toBe(rival.id)
  expect(await bytes(db, failed)).toBe(before)
  await cancelTask(db, rival)
  expect(await redoTask(db, failed)).toMatchObject({ moved: true, status: 'pending' })
  expect((await readLockHolder(db, { lock_key: 'lock' }))?.id).toBe(failed.id)
})

each('%s: readLockHolder() knows nobody on an empty table', async (driver) => {
  expect(await readLockHolder(over(driver), { lock_key: 'lock' })).toBeUndefined()
  expect(await readLockHolder(over(driver), { lock_key: null })).toBeUndefined()
  expect((await sql`select from tasks`.execute(over(driver))).rows).toEqual([])
})
