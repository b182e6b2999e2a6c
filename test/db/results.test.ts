// recordChecks() and recordStored(): what a provider said of a prediction, and the one move that shows a step done.
import { expect, test } from 'vitest'
import { resultUrl } from '../../core/view.ts'
import { readFigures } from '../../db/statements/overview.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import { later, type Row, type State, stray, type TaskOverrides } from '../setup/factory.ts'
import { attemptOf, bytes, claim, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const { over } = useDatabase()
const now = noon
const own = (task: Row) => ({ ...attemptOf(task), prediction_id: task.prediction_id ?? 'none' })
const output = ['https://provider.test/one.png', 'https://provider.test/two.png']
const files = [{ type: 'image/png', size: 4_096 }]
const day = 86_400
const closed = { phase: null, claim_token: null, prediction_id: null, output: null, updated_at: now }
const pair: State[] = ['running', 'storing']

each('%s: recordChecks() and recordStored() do nothing on an empty table', async (driver) => {
  const nobody = { id: crypto.randomUUID(), step: 1, attempt: 1, claim_token: crypto.randomUUID(), prediction_id: 'p' }
  for (const told of [[], [nobody]]) {
    const checks = told.map((one) => ({ ...one, kind: 'succeeded' as const, output }))
    expect(await recordChecks(over(driver), checks)).toEqual([])
    const stored = told.map((one) => ({ ...one, files, gate_in: day }))
    expect(await recordStored(over(driver), stored)).toEqual([])
  }
})

each('%s: recordChecks() takes a success once, and keeps its output to be copied', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { misses: 2 })
  const told = [{ ...own(task), kind: 'succeeded' as const, output }]
  const moved = [{ id: task.id, did: 'succeeded', status: 'processing' }]
  expect(await recordChecks(db, told, { now })).toEqual(moved)
  const storing = { phase: 'storing', output, misses: 0, due_at: later(noon, 60), updated_at: now }
  expect(await read(db, task)).toEqual({ ...task, ...storing })
  const before = await bytes(db, task)
  expect(await recordChecks(db, told, { now: later(noon, 1) })).toEqual([])
  expect(await bytes(db, task)).toBe(before)
})

each('%s: recordChecks() fails a prediction with its words, whether it ran or was being copied', async (driver) => {
  const db = over(driver)
  for (const state of pair) {
    const task = await insertState(db, state, { attempt: 2 })
    const told = [{ ...own(task), kind: 'failed' as const, code: 'result_lost' as const, reason: 'Deleted.\0\ud800' }]
    expect(await recordChecks(db, told, { now })).toEqual([{ id: task.id, did: 'failed', status: 'failed' }])
    const row = await read(db, task)
    const failed = { status: 'failed', error_code: 'result_lost', error_message: 'Deleted.\ufffd', finished_at: now }
    expect(row).toEqual({ ...task, ...closed, ...failed, due_at: null, steps: row.steps })
    const ended = {
      step: 1,
      status: 'failed',
      attempt: 2,
      prediction_id: task.prediction_id,
      error_code: 'result_lost',
    }
    const instants = { submitted_at: task.submitted_at?.toISOString(), finished_at: noon.toISOString() }
    expect(row.steps).toEqual([{ ...ended, ...instants, seed: expect.any(Number), past: task.steps }])
  }
})

each('%s: recordChecks() makes a stray of a prediction that is given up', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running')
  const told = [{ ...own(task), kind: 'failed' as const, code: 'timed_out' as const, reason: 'Late.', leave: true }]
  await recordChecks(db, told, { now })
  const left = { step: 1, attempt: 1, prediction_id: task.prediction_id, urls: task.provider_urls, over: false }
  expect(await read(db, task)).toMatchObject({ status: 'failed', due_at: now, strays: [left] })
  expect((await claim(db)).tasks).toMatchObject([{ id: task.id, work: 'check', status: 'failed' }])
})

each('%s: recordChecks() does not give up a prediction whose success is known', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'storing')
  const before = await bytes(db, task)
  const told = [{ ...own(task), kind: 'failed' as const, code: 'timed_out' as const, reason: 'Late.', leave: true }]
  expect(await recordChecks(db, told, { now })).toEqual([])
  expect(await bytes(db, task)).toBe(before)
})

each('%s: recordChecks() fails a prediction that was missing three times in a row', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running')
  const missing = [{ ...own(task), kind: 'missing' as const, retry_in: 60, reason: 'Unknown.' }]
  for (const misses of [1, 2]) {
    const at = later(now, misses * 60 - 180)
    // A pass and a webhook hear of it within one second.
    for (const seconds of [0, 1]) {
      const told = { now: later(at, seconds) }
      expect(await recordChecks(db, missing, told)).toEqual([{ id: task.id, did: 'missing', status: 'processing' }])
      expect(await read(db, task)).toMatchObject({ misses, missed_at: at })
    }
  }
  const third = { now }
  expect(await recordChecks(db, missing, third)).toEqual([{ id: task.id, did: 'failed', status: 'failed' }])
  const row = await read(db, task)
  expect(row).toMatchObject({ ...closed, error_code: 'prediction_lost', error_message: 'Unknown.', strays: [] })
  expect(row.steps).toMatchObject([{ status: 'failed', error_code: 'prediction_lost' }])
})

each('%s: recordChecks() counts misses anew once the prediction was seen', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { misses: 2 })
  expect(await recordChecks(db, [{ ...own(task), kind: 'answered' }], { now })).toMatchObject([{ did: 'answered' }])
  expect(await read(db, task)).toEqual({ ...task, misses: 0 })
  const missing = [{ ...own(task), kind: 'missing' as const, retry_in: 60, reason: 'Unknown.' }]
  expect(await recordChecks(db, missing, { now })).toMatchObject([{ did: 'missing' }])
})

each('%s: recordChecks() keeps the count of misses over a check that was not made', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { misses: 2 })
  await recordChecks(db, [{ ...own(task), kind: 'postponed', retry_in: 0 }], { now })
  const missing = [{ ...own(task), kind: 'missing' as const, retry_in: 60, reason: 'Unknown.' }]
  expect(await recordChecks(db, missing, { now })).toMatchObject([{ did: 'failed' }])
})

each('%s: recordChecks() counts misses anew once a failed copy found that the provider has it', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'storing', { misses: 2 })
  await recordChecks(db, [{ ...own(task), kind: 'postponed', retry_in: 7 }], { now })
  expect(await read(db, task)).toMatchObject({ misses: 0, status: 'processing' })
})

each('%s: recordChecks() postpones the next try of a copy', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'storing')
  const told = [{ ...own(task), kind: 'postponed' as const, retry_in: 7 }]
  expect(await recordChecks(db, told, { now })).toEqual([{ id: task.id, did: 'postponed', status: 'processing' }])
  expect(await read(db, task)).toEqual({ ...task, due_at: later(noon, 7) })
})

each(
  '%s: a store of ours that keeps a result from being stored is the last problem, until it is stored',
  async (driver) => {
    const db = over(driver)
    const task = await insertState(db, 'storing')
    const told = { ...own(task), kind: 'postponed' as const, retry_in: 7 }
    await recordChecks(db, [{ ...told, reason: 'The blob store refuses us' }], { now })
    await recordChecks(db, [{ ...told, reason: 'The blob store is silent' }], { now: later(noon, 1) })
    expect(await read(db, task)).toMatchObject({ unanswered_reason: 'The blob store is silent', unanswered_since: now })
    const { last_problem } = await readFigures(db, { now })
    expect(last_problem).toMatchObject({ task_id: task.id, code: 'store_fault', message: 'The blob store is silent' })
    await recordChecks(db, [told], { now: later(noon, 2) })
    expect(await read(db, task)).toMatchObject({ unanswered_reason: null, unanswered_since: null })
    expect((await readFigures(db, { now })).last_problem).toBeNull()
  },
)

each("%s: an attempt that knows no prediction is not ended by another task's", async (driver) => {
  const db = over(driver)
  const other = await insertState(db, 'running')
  const task = await insertState(db, 'unconfirmed')
  const held = { ...own(task), prediction_id: other.prediction_id ?? '' }
  expect(await recordStored(db, [{ ...held, files: [], gate_in: 60 }], { now })).toEqual([])
  expect(
    await recordChecks(db, [{ ...held, kind: 'failed', code: 'provider_failed', reason: 'No.' }], { now }),
  ).toEqual([])
  expect([await read(db, task), await read(db, other)]).toEqual([task, other])
})

type Expected = Partial<Pick<Row, 'status' | 'next_step' | 'due_at' | 'finished_at'>>
const gate = later(noon, day)
const endings: [string, TaskOverrides, Expected][] = [
  ['waits for a person', {}, { status: 'waiting_continue', due_at: gate }],
  ['waits, a stray left', { strays: [stray()] }, { status: 'waiting_continue', due_at: now }],
  ['goes on by itself', { auto_continue: true }, { status: 'pending', next_step: 2, due_at: now }],
  ['completes the last step', { total_steps: 1 }, { status: 'completed', due_at: null, finished_at: now }],
  ['completes', { total_steps: 1, auto_continue: true }, { status: 'completed', due_at: null, finished_at: now }],
  [
    'completes, a stray left',
    { total_steps: 1, strays: [stray()] },
    { status: 'completed', due_at: now, finished_at: now },
  ],
]
test.each(overBoth(endings))(
  '%s: recordStored() shows the step done and %s',
  async (driver, _, overrides, expected) => {
    const db = over(driver)
    for (const state of pair) {
      const task = await insertState(db, state, { attempt: 2, ...overrides })
      const told = [{ ...own(task), files, gate_in: day }]
      expect(await recordStored(db, told, { now })).toEqual([{ id: task.id, did: 'stored', status: expected.status }])
      const row = await read(db, task)
      const url = resultUrl(task.id, 1, 2)
      const shown = expected.status === 'completed' ? { result_url: url } : { intermediate_result: url }
      expect(row).toEqual({ ...task, ...closed, ...shown, deadline_at: gate, ...expected, steps: row.steps })
      const record = { step: 1, status: 'completed', attempt: 2, prediction_id: task.prediction_id, files }
      const instants = { submitted_at: task.submitted_at?.toISOString(), finished_at: noon.toISOString() }
      expect(row.steps).toEqual([{ ...record, ...instants, seed: expect.any(Number), past: task.steps }])
      const before = await bytes(db, task)
      expect(await recordStored(db, told, { now })).toEqual([])
      expect(await bytes(db, task)).toBe(before)
    }
  },
)

each('%s: recordStored() appends the record of each step, and names the attempt from the second on', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'storing', { current_step: 2, total_steps: 2 })
  await recordStored(db, [{ ...own(task), files, gate_in: day }], { now })
  const row = await read(db, task)
  expect(row.result_url).toBe(resultUrl(task.id, 2, 1))
  expect(row.steps.map(({ step, status }) => [step, status])).toEqual([
    [1, 'completed'],
    [2, 'completed'],
  ])
  expect(row.steps[0]).toEqual(task.steps[0])
})

each('%s: recordChecks() keeps every earlier attempt of a step, oldest first', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'running', { attempt: 2 })
  const [first] = task.steps
  const steps = first ? [{ ...first, past: [{ ...first, attempt: 0, prediction_id: 'oldest' }] }] : []
  const again = await insertState(db, 'running', { attempt: 2, steps })
  const told = [{ ...own(again), kind: 'failed' as const, code: 'provider_failed' as const, reason: 'Out of memory.' }]
  await recordChecks(db, told, { now })
  const past = (await read(db, again)).steps[0]?.past
  expect(past?.map(({ prediction_id }) => prediction_id)).toEqual(['oldest', first?.prediction_id])
  expect(past).not.toContainEqual(expect.objectContaining({ past: expect.anything() }))
})

each('%s: an end that is told of an attempt without a prediction names it in the record', async (driver) => {
  const db = over(driver)
  for (const state of ['submitting', 'unconfirmed'] as const) {
    const [failing, storing] = [await insertState(db, state), await insertState(db, state)]
    const told = (task: Row) => ({ ...attemptOf(task), prediction_id: 'named-by-webhook' })
    await recordChecks(db, [{ ...told(failing), kind: 'failed', code: 'provider_failed', reason: 'x' }], { now: noon })
    await recordStored(db, [{ ...told(storing), files: [], gate_in: 60 }], { now: noon })
    for (const task of [failing, storing]) {
      expect(await read(db, task)).toMatchObject({
        ...{ phase: null, claim_token: null, prediction_id: null, strays: [] },
        steps: [{ prediction_id: 'named-by-webhook' }],
      })
    }
    // Our own answer, which comes after it, names no stray.
    const late = { ...told(storing), kind: 'created' as const, urls: {}, check_in: 2 }
    expect(await recordSubmissions(db, [late], { now: noon })).toEqual([])
  }
})
