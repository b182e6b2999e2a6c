// recordStrays(): strays are marked over one by one, and a finished task rests when none is left.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Stray } from '../../core/task.ts'
import { recordStrays } from '../../db/statements/record-strays.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import { untilBlocked } from '../setup/database.ts'
import { later, type State, stray } from '../setup/factory.ts'
import { attemptOf, bytes, each, insertState, noon, overBoth, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const now = noon
const one = stray({ prediction_id: 'one' })
const two = stray({ prediction_id: 'two' })
const told = (id: string, prediction_id: string, over: boolean, retry_in = 30) => ({
  id,
  prediction_id,
  over,
  retry_in,
})
/** A stray that was tried at noon, and is to be again. */
const tried = (one: Stray, seconds: number): Stray => ({
  ...one,
  tried_at: noon.toISOString(),
  retry_at: later(noon, seconds).toISOString(),
})

each('%s: recordStrays() does nothing on an empty table', async (driver) => {
  const db = over(driver)
  await recordStrays(db, [])
  await recordStrays(db, [told(crypto.randomUUID(), 'one', true)])
})

const ended: State[] = ['completed', 'failed', 'canceled']
test.each(overBoth(ended.map((state) => [state])))(
  '%s: recordStrays() lets a task that is %s rest when its last stray is over',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state, { strays: [one, two], due_at: noon })
    await recordStrays(db, [told(task.id, 'one', true), told(task.id, 'two', false)], { now })
    const half = { strays: [{ ...one, over: true }, tried(two, 30)], due_at: later(noon, 30) }
    expect(await read(db, task)).toEqual({ ...task, ...half })
    await recordStrays(db, [told(task.id, 'two', true)], { now })
    const ended = { ...two, tried_at: noon.toISOString(), over: true }
    const both = { strays: [{ ...one, over: true }, ended], due_at: null }
    expect(await read(db, task)).toEqual({ ...task, ...both })
  },
)

each('%s: recordStrays() comes back after the soonest of the times asked', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'canceled', { strays: [one, two], due_at: noon })
  await recordStrays(db, [told(task.id, 'one', false, 50), told(task.id, 'two', false, 40)], { now })
  expect(await read(db, task)).toEqual({ ...task, strays: [tried(one, 50), tried(two, 40)], due_at: later(noon, 40) })
})

each(
  '%s: recordStrays() keeps when a stray was tried first, and the next try of those it is not told of',
  async (driver) => {
    const db = over(driver)
    const task = await insertState(db, 'canceled', { strays: [tried(one, 20), tried(two, 500)], due_at: noon })
    await recordStrays(db, [told(task.id, 'one', false, 600)], { now: later(noon, 100) })
    const strays = [{ ...tried(one, 20), retry_at: later(noon, 700).toISOString() }, tried(two, 500)]
    expect(await read(db, task)).toEqual({ ...task, strays, due_at: later(noon, 500) })
  },
)

each('%s: recordStrays() lets a task rest whose stray is given up, and says so', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'canceled', { strays: [tried(one, 20)], due_at: noon })
  await recordStrays(db, [{ ...told(task.id, 'one', true), given_up: true }], { now })
  const given_up = { ...one, tried_at: noon.toISOString(), over: true, given_up: true }
  expect(await read(db, task)).toEqual({ ...task, strays: [given_up], due_at: null })
})

each(
  '%s: recordStrays() looks at an open gate again with the next try, and at its end at the latest',
  async (driver) => {
    const db = over(driver)
    const task = await insertState(db, 'waiting_continue', { strays: [one], due_at: later(noon, 20) })
    await recordStrays(db, [told(task.id, 'one', false, 50)], { now })
    expect(await read(db, task)).toEqual({ ...task, strays: [tried(one, 50)], due_at: later(noon, 50) })
    await recordStrays(db, [told(task.id, 'one', false, 9_000_000)], { now })
    expect(await read(db, task)).toMatchObject({ due_at: task.deadline_at })
    await recordStrays(db, [told(task.id, 'one', true)], { now })
    expect(await read(db, task)).toMatchObject({ strays: [{ over: true }], due_at: task.deadline_at })
  },
)

const busy: State[] = ['pending', 'submitting', 'unconfirmed', 'running', 'storing']
const open: State[] = ['canceled while submitting', 'canceled while unconfirmed']
test.each(overBoth([...busy, ...open].map((state) => [state])))(
  '%s: recordStrays() leaves the next look of a task that is %s where it is',
  async (driver, state) => {
    const db = over(driver)
    const task = await insertState(db, state, { strays: [one, two] })
    await recordStrays(db, [told(task.id, 'one', true), told(task.id, 'two', false)], { now })
    expect(await read(db, task)).toEqual({ ...task, strays: [{ ...one, over: true }, tried(two, 30)] })
  },
)

each('%s: recordStrays() never revives a stray, and ignores predictions that are none', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'canceled', { strays: [{ ...one, over: true }, two], due_at: noon })
  await recordStrays(db, [told(task.id, 'one', false), told(task.id, 'three', true)], { now })
  expect(await read(db, task)).toMatchObject({ strays: [{ ...one, over: true }, two], due_at: noon })
})

each('%s: recordStrays() leaves a task without strays as it is', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'canceled')
  const other = await insertState(db, 'canceled', { strays: [one], due_at: noon })
  await recordStrays(db, [told(task.id, 'one', true), told(other.id, 'one', true)], { now })
  expect(await read(db, task)).toEqual(task)
  expect(await read(db, other)).toMatchObject({ strays: [{ ...one, over: true }], due_at: null })
})

each('%s: recordStrays() loses no stray that was added while it waited', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'canceled', { strays: [one], due_at: noon })
  const created = { kind: 'created' as const, prediction_id: 'two', urls: {}, check_in: 2 }
  const { marking } = await suite.hold(async (rival) => {
    await recordSubmissions(rival, [{ ...attemptOf(task), ...created }], { now })
    const marking = recordStrays(db, [told(task.id, 'one', true)], { now })
    await untilBlocked(suite.url)
    return { marking }
  })
  await marking
  const strays = [
    { ...one, over: true },
    { ...two, urls: {} },
  ]
  expect(await read(db, task)).toMatchObject({ strays, due_at: noon })
})

each('%s: recordStrays() and recordSubmissions() change one row one after the other', async (driver) => {
  const db = over(driver)
  const ids = Array.from({ length: 10 }, (_, i) => `late-${i}`)
  const task = await insertState(db, 'canceled', { strays: [one], due_at: noon })
  const add = (prediction_id: string) => {
    const created = { kind: 'created' as const, prediction_id, urls: {}, check_in: 2 }
    return recordSubmissions(db, [{ ...attemptOf(task), ...created }], { now })
  }
  const mark = () => recordStrays(db, [told(task.id, 'one', true)], { now })
  await Promise.all(ids.flatMap((id) => [add(id), mark()]))
  const { rows } = await sql<{ id: string; over: boolean }>`
    select stray ->> 'prediction_id' as id, (stray ->> 'over')::boolean as over
    from tasks, jsonb_array_elements(strays) as listed (stray)`.execute(db)
  expect(rows.filter((row) => row.over)).toEqual([{ id: 'one', over: true }])
  expect(rows.map(({ id }) => id).toSorted()).toEqual([...ids, 'one'].toSorted())
  expect(await bytes(db, task)).toBeDefined()
})

each('%s: recordStrays() takes a stray for over when it was missing three times', async (driver) => {
  const db = over(driver)
  const unwanted = stray({ prediction_id: 'unlisted' })
  const task = await insertState(db, 'canceled', { strays: [unwanted], due_at: noon })
  const told = [{ id: task.id, prediction_id: 'unlisted', over: false, missing: true, retry_in: 60 }]
  for (const misses of [1, 2]) {
    await recordStrays(db, told, { now: noon })
    expect((await read(db, task)).strays).toEqual([{ ...tried(unwanted, 60), misses }])
  }
  await recordStrays(db, told, { now: noon })
  expect(await read(db, task)).toMatchObject({ strays: [{ misses: 3, over: true }], due_at: null })
})

each('%s: recordStrays() counts misses anew once the provider knew the stray', async (driver) => {
  const db = over(driver)
  const unwanted = stray({ prediction_id: 'flickering' })
  const task = await insertState(db, 'canceled', { strays: [unwanted], due_at: noon })
  const told = { id: task.id, prediction_id: 'flickering', over: false, retry_in: 60 }
  for (const missing of [true, true, false, true, true]) await recordStrays(db, [{ ...told, missing }], { now: noon })
  expect((await read(db, task)).strays).toMatchObject([{ misses: 2, over: false }])
})
