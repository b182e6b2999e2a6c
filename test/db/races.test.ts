// Two lawful writes of one row at once, and many batches over the same rows: none is lost, and none waits for ever.
import { expect } from 'vitest'
import type { CheckOutcome } from '../../core/decide.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordStrays } from '../../db/statements/record-strays.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db, OfAttempt } from '../../db/statements/sql.ts'
import { cancelTask, continueTask, redoTask } from '../../db/statements/user-moves.ts'
import { untilBlocked } from '../setup/database.ts'
import { insertTasks, later, type Row, stray } from '../setup/factory.ts'
import { attemptOf, claim, each, insertState, noon, predictionsOf, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const now = noon

/** The second write begins while the first is done but not committed; both have ended when this returns. */
async function oneAfterTheOther<T>(first: (db: Db) => Promise<unknown>, second: () => Promise<T>): Promise<T> {
  const { waiting } = await suite.hold(async (rival) => {
    await first(rival)
    const waiting = second()
    await untilBlocked(suite.url)
    return { waiting }
  })
  return waiting
}

const created = (task: Row, prediction_id = 'p1') => ({
  ...{ ...attemptOf(task), kind: 'created' as const, prediction_id },
  ...{ urls: {}, check_in: 2 },
})
const storedOf = (task: Row) => ({
  ...attemptOf(task),
  prediction_id: task.prediction_id ?? '',
  files: [],
  gate_in: 60,
})

each('%s: a prediction created while its task is being canceled becomes a stray', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'submitting')
  const written = await oneAfterTheOther(
    (rival) => cancelTask(rival, { ...task, now }),
    () => recordSubmissions(db, [created(task)], { now }),
  )
  expect(written).toEqual([{ id: task.id, did: 'strayed', status: 'canceled' }])
  const row = await read(db, task)
  expect(row).toMatchObject({ status: 'canceled', phase: null, due_at: now })
  expect(row.strays).toMatchObject([{ prediction_id: 'p1', over: false }])
})

each('%s: a second prediction created at the same time becomes a stray', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'submitting')
  const written = await oneAfterTheOther(
    (rival) => recordSubmissions(rival, [created(task, 'p1')], { now }),
    () => recordSubmissions(db, [created(task, 'p2')], { now }),
  )
  expect(written).toMatchObject([{ did: 'strayed' }])
  expect(await read(db, task)).toMatchObject({ prediction_id: 'p1', strays: [{ prediction_id: 'p2' }] })
})

each('%s: a cancel while a prediction is being adopted makes a stray of it', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'submitting')
  const answer = await oneAfterTheOther(
    (rival) => recordSubmissions(rival, [created(task)], { now }),
    () => cancelTask(db, { ...task, now }),
  )
  expect(answer).toMatchObject({ moved: true, status: 'canceled', strays: [{ prediction_id: 'p1' }], due_at: now })
})

each('%s: continueTask() moves a task whose result is being stored', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'storing')
  const answer = await oneAfterTheOther(
    (rival) => recordStored(rival, [storedOf(task)], { now }),
    () => continueTask(db, { ...task, now }),
  )
  expect(answer).toMatchObject({ moved: true, status: 'pending', next_step: 2 })
})

each('%s: cancelTask() ends a failed task that is being redone', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'failed')
  const answer = await oneAfterTheOther(
    (rival) => redoTask(rival, { ...task, now }),
    () => cancelTask(db, { ...task, now }),
  )
  expect(answer).toMatchObject({ moved: true, status: 'canceled' })
})

each('%s: claimDue() leaves a task that a rival is moving, and takes it as it is afterwards', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'pending')
  await suite.hold(async (rival) => {
    await cancelTask(rival, { ...task, now })
    expect((await claim(db)).tasks).toEqual([])
  })
  expect((await claim(db)).tasks).toEqual([])
  expect(await read(db, task)).toMatchObject({ status: 'canceled', attempt: 0 })
})

each('%s: claimDue() takes or leaves tasks whose results are being stored, and never fails', async (driver) => {
  const [db, other] = [over(driver), over('pg')]
  const storing = { at: noon, phase: 'storing' as const, due_at: noon, auto_continue: true }
  for (let round = 0; round < 8; round++) {
    const rows = await insertTasks(other, Array(300).fill(storing))
    const batches = Array.from({ length: 10 }, (_, i) => rows.slice(i * 30, i * 30 + 30).map(storedOf))
    const both = batches.map((batch, i) => [
      recordStored(other, batch, { now }),
      ...(i % 3 === 0 ? [claim(db, { limit: 300 })] : []),
    ])
    await Promise.all(both.flat())
  }
})

each('%s: batches over the same rows in any order never deadlock', async (driver) => {
  const db = over(driver)
  const rows = await insertTasks(
    db,
    Array.from({ length: 30 }, () => ({
      at: noon,
      phase: 'running' as const,
      strays: [stray({ prediction_id: 's' })],
    })),
  )
  const checks: OfAttempt<CheckOutcome & { prediction_id: string }>[] = rows.map((task) => ({
    ...{ ...attemptOf(task), prediction_id: task.prediction_id ?? '' },
    ...{ kind: 'postponed', retry_in: 1 },
  }))
  const seconds = rows.map((task) => created(task, 'twin'))
  const strays = rows.map(({ id }) => ({ id, prediction_id: 's', over: false, retry_in: 1 }))
  for (let round = 0; round < 8; round++) {
    await Promise.all([
      recordChecks(db, checks),
      recordChecks(db, checks.toReversed()),
      recordSubmissions(db, seconds.toReversed()),
      recordStrays(db, strays.toReversed()),
      recordSubmissions(db, seconds),
      recordStrays(db, strays),
      claim(db, { now: later(noon, 3), limit: 20 }),
      ...rows.slice(0, 2).map((row) => continueTask(db, row)),
    ])
  }
  const after = await read(db, rows[0] as Row)
  expect(predictionsOf(after).toSorted()).toEqual(['s', 'twin', rows[0]?.prediction_id].toSorted())
})
