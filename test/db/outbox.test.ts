// The outbox's statements: who is written to by a move, what is claimed and in which order, and what becomes of it.
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Notify } from '../../core/event.ts'
import { listDeliveries, repeatDelivery, sweepDelivered } from '../../db/statements/deliveries.ts'
import { claimDeliveries, recordDeliveries } from '../../db/statements/outbox.ts'
import { recordChecks, recordStored } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db, Timed } from '../../db/statements/sql.ts'
import { startTask } from '../../db/statements/start.ts'
import { cancelTask, continueTask } from '../../db/statements/user-moves.ts'
import { insertTask, later, type Row, stray } from '../setup/factory.ts'
import { attemptOf, claim, each, insertState, noon, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const notify: Notify = { url: true, channels: ['webhook', 'telegram', 'push'] }
const timed = { now: noon, notify }

const listen = (db: Db, channel: string, user_id = 'ada') =>
  sql`insert into listeners (user_id, channel, key, address, created_at) values (${user_id}, ${channel}, 'one', '{}', ${noon})`.execute(
    db,
  )
const written = async (db: Db) =>
  (await listDeliveries(db, { limit: 99 })).map(({ type, channel }) => `${type} ${channel}`).toReversed()
const stored = (task: Row) => ({
  ...attemptOf(task),
  prediction_id: task.prediction_id ?? '',
  files: [{ type: 'image/png', size: 1 }],
  gate_in: 604_800,
})

each(
  '%s: a move is written once for each who listens, with the row as it became and nothing that opens something',
  async (driver) => {
    const db = suite.over(driver)
    await listen(db, 'telegram')
    await listen(db, 'push', 'eve')
    const task = await insertState(db, 'running', { input: { prompt: 'private words' } })
    await recordStored(db, [stored(task)], timed)
    expect(await written(db)).toEqual(['task.waiting webhook', 'task.waiting telegram'])
    const { deliveries } = await claimDeliveries(db, { limit: 9, now: noon })
    expect(deliveries[0]).toMatchObject({
      at: noon,
      tries: 1,
      address: null,
      task: { id: task.id, status: 'waiting_continue', created_at: task.created_at },
    })
    expect(deliveries[1]).toMatchObject({ address: {}, channel: 'telegram' })
    expect(JSON.stringify(deliveries)).not.toMatch(/private words|claim_token/)
  },
)

each('%s: nothing is written where nobody listens, nor without a channel', async (driver) => {
  const db = suite.over(driver)
  const [one, other] = [await insertState(db, 'running'), await insertState(db, 'running')]
  await recordStored(db, [stored(one)], { now: noon, notify: { url: false, channels: ['push'] } })
  await recordStored(db, [stored(other)], { now: noon })
  expect(await written(db)).toEqual([])
})

each(
  '%s: a step that goes on by itself is told to chats alone, and a person’s own cancel to no browser',
  async (driver) => {
    const db = suite.over(driver)
    await listen(db, 'telegram')
    await listen(db, 'push')
    const task = await insertState(db, 'running', { auto_continue: true })
    await recordStored(db, [stored(task)], timed)
    await cancelTask(db, { id: task.id, user_id: 'ada', ...timed })
    expect((await written(db)).toSorted()).toEqual([
      'task.canceled telegram',
      'task.canceled webhook',
      'task.step_completed telegram',
    ])
  },
)

each('%s: what a canceled task still does at its provider is not told again', async (driver) => {
  const db = suite.over(driver)
  const task = await insertState(db, 'submitting')
  await cancelTask(db, { id: task.id, user_id: 'ada', ...timed })
  await recordSubmissions(
    db,
    [{ ...attemptOf(task), kind: 'created', prediction_id: 'late', urls: {}, check_in: 2 }],
    timed,
  )
  expect(await read(db, task)).toMatchObject({ status: 'canceled', phase: null })
  expect(await written(db)).toEqual(['task.canceled webhook'])
})

each(
  '%s: of a task only the oldest event is claimed, and the next once it is over; others do not wait',
  async (driver) => {
    const db = suite.over(driver)
    const [first, other] = [await insertState(db, 'running'), await insertState(db, 'running')]
    await recordStored(db, [stored(first)], timed)
    await cancelTask(db, { id: first.id, user_id: 'ada', ...timed })
    await recordStored(db, [stored(other)], timed)
    const { claim: name, deliveries } = await claimDeliveries(db, { limit: 9, now: noon })
    expect(deliveries.map(({ type, task }) => [type, task.id])).toEqual([
      ['task.waiting', first.id],
      ['task.waiting', other.id],
    ])
    const [own, others] = deliveries.map(({ id }) => id) as [string, string]
    const told = [
      { id: own, kind: 'later' as const, reason: 'down', retry_in: 300 },
      { id: others, kind: 'delivered' as const },
    ]
    expect(await recordDeliveries(db, name, told, { now: noon })).toMatchObject([
      { did: 'later', has_next: false },
      { did: 'delivered' },
    ])
    // What comes next waits as long as what comes before: it is not looked at meanwhile.
    expect((await listDeliveries(db, { limit: 9, open: true })).map(({ due_at }) => due_at)).toEqual([
      later(noon, 300),
      later(noon, 300),
    ])
    const again = await claimDeliveries(db, { limit: 9, now: later(noon, 300) })
    expect(again.deliveries.map(({ id, tries }) => [id, tries])).toEqual([[own, 2]])
    const [recorded] = await recordDeliveries(db, again.claim, [{ id: own, kind: 'delivered' }], {
      now: later(noon, 300),
    })
    expect(recorded).toMatchObject({ did: 'delivered', has_next: true })
    expect((await claimDeliveries(db, { limit: 9, now: later(noon, 300) })).deliveries.map(({ type }) => type)).toEqual(
      ['task.canceled'],
    )
  },
)

each('%s: a claim that ran out is taken by another, and its holder then writes nothing', async (driver) => {
  const db = suite.over(driver)
  const task = await insertState(db, 'running')
  await recordStored(db, [stored(task)], timed)
  const stale = await claimDeliveries(db, { limit: 9, now: noon })
  expect((await claimDeliveries(db, { limit: 9, now: later(noon, 89) })).deliveries).toEqual([])
  const fresh = await claimDeliveries(db, { limit: 9, now: later(noon, 91) })
  const id = fresh.deliveries[0]?.id ?? ''
  expect(await recordDeliveries(db, stale.claim, [{ id, kind: 'delivered' }], { now: noon })).toEqual([])
  expect(await recordDeliveries(db, fresh.claim, [{ id, kind: 'delivered' }], { now: noon })).toHaveLength(1)
})

each('%s: a receiver that is gone takes its listener, and all that waits for it, along', async (driver) => {
  const db = suite.over(driver)
  await listen(db, 'push')
  const [one, other] = [
    await insertState(db, 'running'),
    await insertState(db, 'running', { notify_url: 'https://app.test/hook' } as Partial<Row>),
  ]
  const quiet: Timed = { now: noon, notify: { url: false, channels: ['push', 'webhook'] } }
  await recordStored(db, [stored(one), stored(other)], quiet)
  const { claim: name, deliveries } = await claimDeliveries(db, { limit: 1, now: noon })
  const pushed = deliveries.filter(({ channel }) => channel === 'push')
  expect(pushed).toHaveLength(1)
  await recordDeliveries(
    db,
    name,
    pushed.map(({ id }) => ({ id, kind: 'gone', reason: '410' })),
    { now: noon },
  )
  expect(
    (await listDeliveries(db, { limit: 9, open: true })).filter(({ due_at }) => due_at).map(({ receiver }) => receiver),
  ).toEqual(['task-url'])
  const rest = await claimDeliveries(db, { limit: 9, now: noon })
  expect(rest.deliveries).toMatchObject([{ address: 'https://app.test/hook' }])
  await recordDeliveries(
    db,
    rest.claim,
    rest.deliveries.map(({ id }) => ({ id, kind: 'gone', reason: '410' })),
    { now: noon },
  )
  await continueTask(db, { id: other.id, user_id: 'ada', ...quiet })
  await cancelTask(db, { id: other.id, user_id: 'ada', ...quiet })
  expect((await claimDeliveries(db, { limit: 9, now: noon })).deliveries).toEqual([])
})

each('%s: a hundred events of one receiver leave a place for every other', async (driver) => {
  const db = suite.over(driver)
  await listen(db, 'telegram', 'eve')
  const tasks = await Promise.all(Array.from({ length: 20 }, () => insertState(db, 'running')))
  await recordStored(db, tasks.map(stored), timed)
  await recordStored(db, [stored(await insertState(db, 'running', { user_id: 'eve' }))], {
    ...timed,
    now: later(noon, 1),
  })
  const { deliveries } = await claimDeliveries(db, { limit: 2, now: later(noon, 1) })
  expect(deliveries.map(({ channel }) => channel).toSorted()).toEqual(['telegram', 'webhook'])
})

each(
  '%s: a gate that closes within a day is told of once, whatever looks at its task or turns up for it meanwhile',
  async (driver) => {
    const db = suite.over(driver)
    const task = await insertState(db, 'running', { strays: [stray()] })
    await recordStored(db, [stored(task)], timed)
    const day = 86_400
    const late = { ...attemptOf(task), kind: 'created' as const, prediction_id: 'late', urls: {}, check_in: 2 }
    for (const at of [0, 3 * day, 6 * day - 60, 6 * day + 60, 6 * day + 600, 7 * day - 1]) {
      if (at > 6 * day + 60) await recordSubmissions(db, [late], { ...timed, now: later(noon, at) })
      await claim(db, { ...timed, now: later(noon, at) })
    }
    expect(await written(db)).toEqual(['task.waiting webhook', 'task.gate_closing webhook'])
    await claim(db, { ...timed, now: later(noon, 7 * day + 60) })
    expect((await written(db)).at(-1)).toBe('task.canceled webhook')
  },
)

each('%s: a gate is looked at a day before it closes only where somebody can be told', async (driver) => {
  const db = suite.over(driver)
  const [told, untold] = [await insertState(db, 'running'), await insertState(db, 'running')]
  await recordStored(db, [stored(told)], timed)
  await recordStored(db, [stored(untold)], { now: noon })
  expect((await read(db, told)).due_at).toEqual(later(noon, 6 * 86_400))
  expect((await read(db, untold)).due_at).toEqual(later(noon, 7 * 86_400))
})

each('%s: the start that crosses four fifths of a day’s ceiling tells so, with the amounts', async (driver) => {
  const db = suite.over(driver)
  await listen(db, 'push')
  const start = (micros: number) => {
    const ceilings = { all: 1_000, user: 100, recipes: {} }
    const own = { id: crypto.randomUUID(), user_id: 'ada', recipe: 'try-on', provider: 'replicate', input: {} }
    const plain = { auto_continue: false, lock_key: null, idempotency_key: null, request_hash: null }
    const rest = { ...plain, total_steps: 1, prices: [micros] }
    return startTask(db, { ...own, ...rest }, { ...timed, ceilings })
  }
  await start(79)
  expect(await written(db)).toEqual([])
  await start(5)
  expect((await written(db)).toSorted()).toEqual(['budget.reached push', 'budget.reached webhook'])
  await start(10)
  await start(6)
  const { deliveries } = await claimDeliveries(db, { limit: 99, now: noon })
  expect(deliveries.filter(({ channel }) => channel === 'webhook').map(({ budget }) => budget)).toEqual([
    { scope: 'user', percent: 80, spent_micros: 84, limit_micros: 100, resets_at: '2026-03-02T00:00:00.000Z' },
    { scope: 'user', percent: 100, spent_micros: 100, limit_micros: 100, resets_at: '2026-03-02T00:00:00.000Z' },
  ])
})

each('%s: an event is repeated under its id, and swept a week after it was over', async (driver) => {
  const db = suite.over(driver)
  const task = await insertState(db, 'running')
  await recordStored(db, [stored(task)], timed)
  const { claim: name, deliveries } = await claimDeliveries(db, { limit: 9, now: noon })
  const id = deliveries[0]?.id ?? ''
  await recordDeliveries(db, name, [{ id, kind: 'delivered' }], { now: noon })
  expect(await repeatDelivery(db, { id, now: later(noon, 60) })).toMatchObject({
    id,
    delivered_at: null,
    due_at: later(noon, 60),
  })
  const again = await claimDeliveries(db, { limit: 9, now: later(noon, 60) })
  expect(again.deliveries).toMatchObject([{ id, tries: 1 }])
  await recordDeliveries(db, again.claim, [{ id, kind: 'delivered' }], { now: later(noon, 60) })
  const how = { olderThanSeconds: 100, limit: 9 }
  expect(await sweepDelivered(db, { ...how, now: later(noon, 159) })).toBe(0)
  expect(await sweepDelivered(db, { ...how, now: later(noon, 161) })).toBe(1)
})

each('%s: what is to be told of a task goes with it', async (driver) => {
  const db = suite.over(driver)
  const task = await insertState(db, 'running')
  await recordStored(db, [stored(task)], timed)
  await sql`delete from tasks where id = ${task.id}`.execute(db)
  expect(await written(db)).toEqual([])
})

each('%s: a process that died is found by the next claim, and told of with the memory that it took', async (driver) => {
  const db = suite.over(driver)
  const task = await insertTask(db, { at: noon })
  const by = (name: 'worker' | 'checker', rss_mb: number) => ({ by: name, memory: { rss_mb, heap_mb: 50 } })
  await claim(db, { ...by('worker', 900) })
  await claim(db, { ...by('checker', 100), now: later(noon, 120) })
  const { rows } =
    await sql<object>`select move, by, rss_mb, was, became from task_events where task_id = ${task.id} order by id`.execute(
      db,
    )
  expect(rows).toEqual([
    { move: 'claimed', by: 'worker', rss_mb: 900, was: 'pending', became: 'processing/submitting' },
    { move: 'died', by: 'worker', rss_mb: 900, was: 'processing/submitting', became: 'processing/submitting' },
    { move: 'ran_out', by: 'checker', rss_mb: 100, was: 'processing/submitting', became: 'processing/unconfirmed' },
  ])
})

each('%s: so is one that died while it copied, but none that put its copy off', async (driver) => {
  const db = suite.over(driver)
  const [dead, alive] = [await insertState(db, 'running'), await insertState(db, 'running')]
  const found = (task: Row) => ({
    ...attemptOf(task),
    kind: 'succeeded' as const,
    prediction_id: task.prediction_id ?? '',
    output: ['https://x.test/1'],
  })
  await recordChecks(db, [found(dead), found(alive)], { now: noon, by: 'worker', memory: { rss_mb: 700, heap_mb: 1 } })
  await recordChecks(db, [{ ...found(alive), kind: 'postponed', retry_in: 10 }], { now: later(noon, 30) })
  await claim(db, { now: later(noon, 61) })
  const { rows } = await sql<object>`select task_id, rss_mb from task_events where move = 'died'`.execute(db)
  expect(rows).toEqual([{ task_id: dead.id, rss_mb: 700 }])
})
