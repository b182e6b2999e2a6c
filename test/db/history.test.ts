// The history: every change of a task's state is written down by the statement that makes it, and nothing else is.
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Notify } from '../../core/event.ts'
import type { MoveReport } from '../../core/history.ts'
import type { Task } from '../../core/task.ts'
import { claimDeliveries } from '../../db/statements/outbox.ts'
import { readStory } from '../../db/statements/overview.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db, Timed } from '../../db/statements/sql.ts'
import { startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { later } from '../setup/factory.ts'
import { attemptOf, claim, each, insertState, noon, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const memory = { rss_mb: 120, heap_mb: 40 }
const by = (cause: 'user' | 'worker' | 'webhook', seconds = 0): Timed & { by: typeof cause } => ({
  by: cause,
  now: later(noon, seconds),
  memory,
})

const newTask = {
  ...{ user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {}, auto_continue: false, total_steps: 2 },
  ...{ lock_key: null, idempotency_key: null, request_hash: null },
}

/** As "by: was → became", without instants. */
async function tellOf(db: Db, { id }: { id: string }): Promise<string[]> {
  const story = await readStory(db, id)
  return (story?.history ?? []).map(({ by, move, was, became }) => `${by} ${move}: ${was} → ${became}`)
}

const eventsOf = async (db: Db, { id }: { id: string }) => (await readStory(db, id))?.history ?? []
const created = { kind: 'created' as const, prediction_id: 'p', urls: {}, check_in: 2 }
const stored = { prediction_id: 'p', files: [], gate_in: 600 }

/** Submitted, adopted, found done and stored: one step, four moves. */
async function runStep(db: Db, task: { id: string }, second: number): Promise<void> {
  await claim(db, { taskId: task.id, ...by('worker', second) })
  await recordSubmissions(db, [{ ...attemptOf(await read(db, task)), ...created }], by('worker', second + 1))
  const held = { ...attemptOf(await read(db, task)), prediction_id: 'p' }
  await recordChecks(db, [{ ...held, kind: 'succeeded', output: ['o'] }], by('webhook', second + 2))
  await recordStored(db, [{ ...held, ...stored }], by('webhook', second + 3))
}

each('%s: a whole life is told move by move: what, from where, to where, when, and by whom', async (driver) => {
  const db = over(driver)
  const task = await startTask(db, { id: crypto.randomUUID(), ...newTask }, by('user'))
  await runStep(db, task, 1)
  await continueTask(db, { id: task.id, user_id: task.user_id, ...by('user', 60) })
  await runStep(db, task, 61)
  expect(await tellOf(db, task)).toEqual([
    'user started: null → pending',
    'worker claimed: pending → processing/submitting',
    'worker created: processing/submitting → processing/running',
    'webhook succeeded: processing/running → processing/storing',
    'webhook stored: processing/storing → waiting_continue',
    'user continued: waiting_continue → pending',
    'worker claimed: pending → processing/submitting',
    'worker created: processing/submitting → processing/running',
    'webhook succeeded: processing/running → processing/storing',
    'webhook stored: processing/storing → completed',
  ])
  const events = await eventsOf(db, task)
  expect(events.map(({ at }) => (at.getTime() - noon.getTime()) / 1000)).toEqual([0, 1, 2, 3, 4, 60, 61, 62, 63, 64])
  expect(events.map(({ step }) => step)).toEqual([0, 1, 1, 1, 1, 1, 2, 2, 2, 2])
  expect(events.at(-1)).toMatchObject({ attempt: 1, code: null, failed: false, ...memory })
})

each(
  '%s: a failure is told with its code, its words and the memory at that moment, and a redo after it',
  async (driver) => {
    const db = over(driver)
    const task = await insertState(db, 'running')
    const told = { ...attemptOf(task), prediction_id: task.prediction_id ?? '', kind: 'failed' as const }
    await recordChecks(db, [{ ...told, code: 'provider_failed', reason: 'Out of memory.' }], by('worker'))
    expect(await eventsOf(db, task)).toMatchObject([
      { move: 'failed', code: 'provider_failed', reason: 'Out of memory.', failed: true, at: noon, ...memory },
    ])
    await redoTask(db, { ...task, ...by('user') })
    expect(await tellOf(db, task)).toEqual([
      'worker failed: processing/running → failed',
      'user redone: failed → pending',
    ])
  },
)

each('%s: a claim that ran out, a refusal and an expired gate are told too', async (driver) => {
  const db = over(driver)
  const silent = await insertState(db, 'submitting', { due_at: noon })
  const gate = await insertState(db, 'waiting_continue', { due_at: noon, deadline_at: noon })
  await claim(db, by('worker'))
  expect(await tellOf(db, silent)).toEqual([
    'worker died: processing/submitting → processing/submitting',
    'worker ran_out: processing/submitting → processing/unconfirmed',
  ])
  expect(await eventsOf(db, gate)).toMatchObject([{ move: 'expired', became: 'canceled', code: 'gate_expired' }])
  const throttled = { kind: 'throttled' as const, provider: 'replicate', reason: 'Slow down.', retry_in: 9 }
  await recordSubmissions(db, [{ ...attemptOf(await read(db, silent)), ...throttled }], by('worker'))
  expect((await eventsOf(db, silent)).at(-1)).toMatchObject({
    move: 'throttled',
    became: 'pending',
    reason: 'Slow down.',
  })
})

each('%s: what changes no state is not told', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { due_at: noon })
  await claim(db, by('worker'))
  const told = { ...attemptOf(task), prediction_id: task.prediction_id ?? '' }
  await recordChecks(db, [{ ...told, kind: 'missing', retry_in: 60, reason: 'Unknown.' }], by('worker'))
  await recordChecks(db, [{ ...told, kind: 'answered' }], by('worker'))
  await continueTask(db, { id: task.id, user_id: task.user_id, ...by('user') })
  expect(await eventsOf(db, task)).toEqual([])
})

each('%s: a start that repeats its key is told once', async (driver) => {
  const db = over(driver)
  const start = () => startTask(db, { ...newTask, id: crypto.randomUUID(), idempotency_key: 'once' }, by('user'))
  const first = await start()
  expect((await start()).id).toBe(first.id)
  expect(await tellOf(db, first)).toEqual(['user started: null → pending'])
})

each('%s: of two that race for one move, only the winner is told', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'waiting_continue')
  await Promise.all([1, 2, 3, 4].map(() => continueTask(db, { ...task, step: 1, ...by('user') })))
  expect(await tellOf(db, task)).toEqual(['user continued: waiting_continue → pending'])
})

each('%s: a statement tells its caller what it moved, and how long each had been where it was', async (driver) => {
  const db = over(driver)
  const tasks = [await insertState(db, 'pending', { updated_at: later(noon, -30) }), await insertState(db, 'pending')]
  const heard: MoveReport[] = []
  await claim(db, { now: noon, by: 'worker', onMoved: (moves) => heard.push(...moves) })
  expect(heard.toSorted((a, b) => (b.ms ?? 0) - (a.ms ?? 0))).toMatchObject([
    {
      task: tasks[0]?.id,
      move: 'claimed',
      was: 'pending',
      became: 'processing/submitting',
      step: 1,
      attempt: 1,
      ms: 30_000,
    },
    { task: tasks[1]?.id, ms: 0 },
  ])
  await claim(db, { now: noon, onMoved: () => expect.fail('nothing was moved') })
})

each('%s: the first failure opens a run, those after it do not, and a success ends it', async (driver) => {
  const db = over(driver)
  const opened: boolean[] = []
  const onMoved = (moves: readonly MoveReport[]) => opened.push(...moves.map(({ opens_run }) => opens_run === true))
  const end = async (state: 'running' | 'storing', write: (task: Task, timed: Timed) => Promise<unknown>) =>
    write(await insertState(db, state), { now: noon, by: 'worker', onMoved })
  const own = (task: Task) => ({ ...attemptOf(task), prediction_id: task.prediction_id ?? '' })
  const fail = () =>
    end('running', (task, timed) =>
      recordChecks(db, [{ ...own(task), kind: 'failed', code: 'provider_failed', reason: 'No.' }], timed),
    )
  await fail()
  await fail()
  await end('storing', (task, timed) => recordStored(db, [{ ...own(task), files: [], gate_in: 60 }], timed))
  await fail()
  await fail()
  expect(opened).toEqual([true, false, false, true, false])
})

each('%s: of failures that are told together, one opens a run', async (driver) => {
  const db = over(driver)
  const opened: boolean[] = []
  const onMoved = (moves: readonly MoveReport[]) => opened.push(...moves.map(({ opens_run }) => opens_run === true))
  const tasks = [await insertState(db, 'running'), await insertState(db, 'running'), await insertState(db, 'running')]
  const failed = { kind: 'failed', code: 'provider_failed', reason: 'No.' } as const
  const told = tasks.map((task) => ({ ...attemptOf(task), ...failed, prediction_id: task.prediction_id ?? '' }))
  await recordChecks(db, told, { now: noon, by: 'worker', onMoved })
  expect(opened.toSorted()).toEqual([false, false, true])
})

each('%s: a history goes with its task', async (driver) => {
  const db = over(driver)
  const [gone, kept] = [await insertState(db, 'pending'), await insertState(db, 'pending')]
  for (const task of [gone, kept]) await cancelTask(db, { ...task, ...by('user') })
  await sql`delete from tasks where id = ${gone.id}`.execute(db)
  const { rows } = await sql<{ task_id: string }>`select task_id from task_events`.execute(db)
  expect(rows).toEqual([{ task_id: kept.id }])
  await sql`truncate tasks`.execute(db)
  expect((await sql`select from task_events`.execute(db)).rows).toEqual([])
})

each('%s: what a person wanted changed is told no more than the input is', async (driver) => {
  const db = over(driver)
  const notify: Notify = { url: true, channels: ['webhook'] }
  const change = { prompt: 'private words' }
  const record = { step: 1, status: 'completed', prediction_id: 'p', submitted_at: null, finished_at: null } as const
  const steps = [{ ...record, attempt: 2, change, past: [{ ...record, attempt: 1, change }] }]
  const changes = { 1: { change, candidates: 2 } }
  const task = await insertState(db, 'waiting_continue', { steps, changes })
  await cancelTask(db, { id: task.id, user_id: 'ada', now: noon, notify })
  const { deliveries } = await claimDeliveries(db, { limit: 9, now: noon })
  const { steps: toldSteps, changes: toldChanges } = deliveries[0]?.task ?? {}
  expect(toldSteps).toMatchObject([{ attempt: 2, past: [{ attempt: 1 }] }])
  expect(toldChanges).toEqual({ 1: { candidates: 2 } })
  const { rows } = await sql`select to_jsonb(outbox) from outbox`.execute(db)
  expect(JSON.stringify([deliveries, rows])).not.toContain('private words')
})
