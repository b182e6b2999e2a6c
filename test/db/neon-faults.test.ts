// Every way in which Neon's endpoint may fail, met by each sort of statement: reads, writes behind a fence and claims are sent again
// and leave the same rows, as does a continue; a start or another move of a person's of unknown fate is not, and is executed once at most.
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { MoveReport } from '../../core/history.ts'
import { repeatable } from '../../db/driver/retries.ts'
import { readTask } from '../../db/statements/reads.ts'
import { recordChecks } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask } from '../../db/statements/user-moves.ts'
import { createDatabase, neonStandIn, type TestDatabase } from '../setup/database.ts'
import { runLate } from '../setup/late.ts'
import type { Fault, NeonStandIn } from '../setup/neon.ts'
import { attemptOf, claim, insertState, noon, read } from './setup.ts'

const timeoutMs = 10_000
let database: TestDatabase
let standIn: NeonStandIn
let db: Db
let plain: Db

beforeAll(async () => {
  database = await createDatabase()
  standIn = await neonStandIn()
  db = (await database.connect('neon', { timeoutMs })).db
  plain = (await database.connect('pg')).db
})
beforeEach(async () => {
  await sql`delete from tasks`.execute(plain)
})
afterAll(() => database.drop())

interface Mode {
  fault: Fault
  /** What is known of the statement afterwards. */
  fate: 'answered' | 'not executed' | 'unknown'
  /** Whether it took effect. */
  took: boolean
}

const modes: Record<string, Mode> = {
  slow: { fault: { slowMs: 100 }, fate: 'answered', took: true },
  'reset before': { fault: 'reset-before', fate: 'unknown', took: false },
  'reset after commit': { fault: 'reset-after', fate: 'unknown', took: true },
  hang: { fault: 'hang', fate: 'unknown', took: false },
  'hang after commit': { fault: 'hang-after', fate: 'unknown', took: true },
  '500': { fault: 'error', fate: 'unknown', took: false },
  suspended: {
    fault: { status: 500, answer: { message: "Couldn't connect to compute node" } },
    fate: 'not executed',
    took: false,
  },
  'too many requests': { fault: { status: 429, answer: 'slow down' }, fate: 'not executed', took: false },
}
const cases = Object.entries(modes)

/** What the work came to, and how many requests it took. */
async function meet<T>({ fault }: Mode, work: () => Promise<T>) {
  const { requests, held } = standIn
  standIn.faults.push(fault)
  const hangs = fault === 'hang' || fault === 'hang-after'
  const [settled] = await Promise.allSettled([hangs ? runLate(timeoutMs, () => standIn.held > held, work) : work()])
  return { settled, requests: standIn.requests - requests }
}

const answered = (value: unknown) => ({ status: 'fulfilled', value })
const lost = { status: 'rejected', reason: expect.objectContaining({ kind: 'lost' }) }
const requestsOf = ({ fate }: Mode) => (fate === 'answered' ? 1 : 2)

async function movesOf({ id }: { id: string }): Promise<string[]> {
  const { rows } = await sql<{ move: string }>`select move from task_events where task_id = ${id} order by id`.execute(
    plain,
  )
  return rows.map(({ move }) => move)
}

test.each(cases)('a read that meets %s answers', async (_name, mode) => {
  const task = await insertState(plain, 'running')
  const met = await meet(mode, () => readTask(db, { ...task, now: noon }))
  expect(met).toEqual({ settled: answered({ ...task, is_due: false }), requests: requestsOf(mode) })
})

test.each(cases)('a fenced write that meets %s is written once', async (_name, mode) => {
  const task = await insertState(plain, 'submitting')
  const created = {
    kind: 'created' as const,
    prediction_id: 'p1',
    urls: { get: 'https://provider.test/p1' },
    check_in: 2,
  }
  const met = await meet(mode, () => recordSubmissions(db, [{ ...attemptOf(task), ...created }], { now: noon }))
  const isSecond = mode.took && mode.fate === 'unknown'
  const moves = isSecond ? [] : [{ id: task.id, did: 'created', status: 'processing' }]
  expect(met).toEqual({ settled: answered(moves), requests: requestsOf(mode) })
  expect(await read(plain, task)).toMatchObject({ phase: 'running', prediction_id: 'p1', attempt: 1, strays: [] })
  expect(await movesOf(task)).toEqual(['created'])
})

test.each(cases)(
  'a refused create that meets %s is reported once, and that it opens a run of failures',
  async (_name, mode) => {
    const task = await insertState(plain, 'submitting')
    const refused = { kind: 'rejected' as const, code: 'provider_rejected' as const, reason: 'No such version.' }
    const reports: MoveReport[] = []
    const timed = { now: noon, onMoved: (moves: readonly MoveReport[]) => void reports.push(...moves) }
    const { settled } = await meet(mode, () => recordSubmissions(db, [{ ...attemptOf(task), ...refused }], timed))
    const isSecond = mode.took && mode.fate === 'unknown'
    expect(settled).toEqual(answered(isSecond ? [] : [{ id: task.id, did: 'rejected', status: 'failed' }]))
    const { code, reason } = refused
    const state = { was: 'processing/submitting', became: 'failed', step: 1, attempt: 1 }
    expect(reports).toMatchObject([
      { ...state, task: task.id, move: 'rejected', code, reason, failed: true, opens_run: true },
    ])
    expect(await movesOf(task)).toEqual(['rejected'])
  },
)

test.each(cases)(
  'a check that found a failure and meets %s reports it once if it was written, and that it opens a run',
  async (_name, mode) => {
    const task = await insertState(plain, 'running')
    const failed = { kind: 'failed' as const, code: 'provider_failed' as const, reason: 'Out of memory.' }
    const told = { ...attemptOf(task), prediction_id: String(task.prediction_id), ...failed }
    const reports: MoveReport[] = []
    const timed = { now: noon, onMoved: (moves: readonly MoveReport[]) => void reports.push(...moves) }
    const { settled } = await meet(mode, () => recordChecks(db, [told], timed))
    if (mode.fate === 'unknown') expect(settled).toEqual(lost)
    else expect(settled).toEqual(answered([{ id: task.id, did: 'failed', status: 'failed' }]))
    const { code, reason } = failed
    const state = { was: 'processing/running', became: 'failed', step: 1, attempt: 1 }
    const isWritten = mode.took || mode.fate === 'not executed'
    expect(reports).toMatchObject(
      isWritten ? [{ ...state, task: task.id, move: 'failed', code, reason, failed: true, opens_run: true }] : [],
    )
    expect(await movesOf(task)).toEqual(isWritten ? ['failed'] : [])
  },
)

test.each(cases)(
  'a claim that meets %s begins one attempt at most, and is not followed by another',
  async (_name, mode) => {
    const task = await insertState(plain, 'pending')
    const { settled, requests } = await meet(mode, () => claim(db))
    const row = await read(plain, task)
    // Lost for good, it is asked for by its name once.
    if (mode.fate === 'unknown' && !mode.took) expect([settled, requests]).toEqual([lost, 2])
    else expect(settled).toMatchObject(answered({ tasks: [{ work: 'submit', claim_token: row.claim_token }] }))
    const isClaimed = mode.took || mode.fate !== 'unknown'
    expect(row).toMatchObject(isClaimed ? { phase: 'submitting', attempt: 1 } : { status: 'pending', attempt: 0 })
    expect(await movesOf(task)).toEqual(isClaimed ? ['claimed'] : [])
  },
)

test.each(cases)('a start that meets %s makes one task at most, and none of it is guessed', async (_name, mode) => {
  const task: NewTask = {
    ...{ id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', total_steps: 3 },
    ...{ input: {}, auto_continue: false, lock_key: null, idempotency_key: null, request_hash: null },
  }
  const { settled, requests } = await meet(mode, () => startTask(db, task, { now: noon }))
  if (mode.fate === 'unknown') expect([settled, requests]).toEqual([lost, 1])
  else expect([settled, requests]).toMatchObject([answered({ id: task.id, created: true }), requestsOf(mode)])
  expect(await movesOf(task)).toEqual(mode.took || mode.fate === 'not executed' ? ['started'] : [])
})

test.each(cases)("a person's continue that meets %s moves their task once, and says so", async (_name, mode) => {
  const task = await insertState(plain, 'waiting_continue')
  const { settled, requests } = await meet(mode, () => continueTask(db, { ...task, step: 1, now: noon }))
  expect([settled, requests]).toMatchObject([answered({ moved: true }), requestsOf(mode)])
  expect(await movesOf(task)).toEqual(['continued'])
})

test('a suspended database whose first statement is slow and then fails is awake for the second try', async () => {
  const task = await insertState(plain, 'running')
  standIn.faults.push({ status: 500, answer: { message: 'Control plane request failed' } }, { slowMs: 400 })
  expect(await readTask(db, { ...task, now: noon })).toMatchObject({ id: task.id })
})

test('a statement is repeatable where it says so, not where another one did', async () => {
  const one = sql`select 1 as one`
  standIn.faults.push('reset-before')
  expect((await one.execute(repeatable(db))).rows).toEqual([{ one: 1 }])
  standIn.faults.push('reset-before')
  await expect(sql`select 1 as one`.execute(db)).rejects.toMatchObject({ kind: 'lost' })
})

test.each(cases)("a person's cancel that meets %s moves their task once at most", async (_name, mode) => {
  const task = await insertState(plain, 'waiting_continue')
  const { settled, requests } = await meet(mode, () => cancelTask(db, { ...task, now: noon }))
  if (mode.fate === 'unknown') expect([settled, requests]).toEqual([lost, 1])
  else expect([settled, requests]).toMatchObject([answered({ moved: true }), requestsOf(mode)])
  expect(await movesOf(task)).toEqual(mode.took || mode.fate === 'not executed' ? ['canceled'] : [])
})
