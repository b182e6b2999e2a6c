// What erasing leaves: of a task, an upload, a user. Nothing of theirs; what the provider is still to be told; and amounts without a name.
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { eraseOld, eraseTasks } from '../../db/statements/erase.ts'
import { eraseTraces, noteGone, noteUser, readErasures, recordErasures } from '../../db/statements/erasures.ts'
import { isEnded } from '../../db/statements/sessions.ts'
import { shareTask } from '../../db/statements/shares.ts'
import type { Db } from '../../db/statements/sql.ts'
import { insertRows, insertTask, later, stateNames, stray, type TaskOverrides, taskRow } from '../setup/factory.ts'
import { begin, running, spent, store, submitting, tellSubmission, tomorrow, useBooks } from './money-setup.ts'
import { claim, each, insertState, noon, read, useDatabase } from './setup.ts'

const suite = useDatabase()
useBooks(suite.over)
const day = 24 * 3_600
const longAgo = later(noon, -100 * day)
const terms = { erasing: ['fal'], quietSeconds: 180, now: noon }
const how = { olderThanSeconds: 90 * day, limit: 10, ...terms }

/** A UUIDv7 of that instant; ids made in a row count up. */
function idAt(instant: Date, count = 0): string {
  const hex = `${instant.getTime().toString(16).padStart(12, '0')}70008000${count.toString(16).padStart(12, '0')}`
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const old = (count: number, more: TaskOverrides = {}): TaskOverrides => ({
  ...{ id: idAt(longAgo, count), status: 'completed', at: longAgo },
  ...more,
})

async function left(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from tasks order by id`.execute(db)
  return rows.map(({ id }) => id)
}

each('eraseOld: takes the oldest first, no more than its limit, until none is left (%s)', async (driver) => {
  const db = suite.over(driver)
  await insertRows(
    db,
    Array.from({ length: 25 }, (_, count) => taskRow(old(count))),
  )
  const ids = await left(db)
  expect((await eraseOld(db, how)).toSorted()).toEqual(ids.slice(0, 10))
  expect(await eraseOld(db, how)).toHaveLength(10)
  expect(await eraseOld(db, how)).toHaveLength(5)
  expect(await eraseOld(db, how)).toEqual([])
})

each('eraseOld: leaves what is unfinished, or has something left to do at the provider (%s)', async (driver) => {
  const db = suite.over(driver)
  for (const [count, state] of stateNames.entries()) {
    const isOver = ['completed', 'failed', 'canceled'].includes(state)
    if (!isOver) await insertState(db, state, { id: idAt(longAgo, count), at: longAgo })
  }
  await insertTask(db, old(99, { status: 'canceled', strays: [stray()], due_at: longAgo }))
  const before = await left(db)
  expect(await eraseOld(db, how)).toEqual([])
  expect(await left(db)).toEqual(before)
})

each('eraseOld: counts from the end of a task, not from its start (%s)', async (driver) => {
  const db = suite.over(driver)
  await insertTask(db, old(1, { finished_at: later(noon, -89 * day) }))
  const { id } = await insertTask(db, old(2, { finished_at: later(noon, -91 * day) }))
  expect(await eraseOld(db, how)).toEqual([id])
})

each('eraseOld: a task’s history goes with it, and nobody else’s (%s)', async (driver) => {
  const db = suite.over(driver)
  const [gone, kept] = [await insertTask(db, old(1)), await insertTask(db, old(2, { finished_at: noon }))]
  for (const { id } of [gone, kept]) {
    await sql`insert into task_events (task_id, at, move, became, step, attempt)
      values (${id}, ${longAgo}, 'started', 'pending', 0, 0)`.execute(db)
  }
  await eraseOld(db, how)
  const { rows } = await sql`select task_id from task_events`.execute(db)
  expect(rows).toEqual([{ task_id: kept.id }])
})

test('eraseOld: does not wait for a row that somebody holds', async () => {
  const db = suite.over('pg')
  const [held, free] = [await insertTask(db, old(1)), await insertTask(db, old(2))]
  await suite.hold(async (transaction) => {
    await sql`select from tasks where id = ${held.id} for update`.execute(transaction)
    expect(await eraseOld(db, how)).toEqual([free.id])
  })
  expect(await eraseOld(db, how)).toEqual([held.id])
})

const marker = 'a-word-of-ada'

/** Every table that has this word somewhere, and not as a part of an id; the ledger knows tasks and predictions by theirs. */
async function tablesWith(db: Db, text: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`.execute(
    db,
  )
  const found = await Promise.all(
    rows
      .filter(({ name }) => name !== 'ledger' || text === marker)
      .map(async ({ name }) => {
        const { rows: some } =
          await sql`select from ${sql.ref(name)} as one where one::text ~ ${`\\m${text}\\M`} limit 1`.execute(db)
        return some.length > 0 ? [name] : []
      }),
  )
  return found.flat().toSorted()
}

const change = { prompt: marker }
const withWords = {
  input: { prompt: marker },
  changes: { 1: { change }, 2: { change } },
  error_message: marker,
  unanswered_reason: marker,
  idempotency_key: marker,
  lock_key: marker,
}

/** Of these the provider may have something: what is left of them waits for it. */
const atProvider = ['submitting', 'unconfirmed', 'running', 'canceled while submitting', 'canceled while unconfirmed']

test.each(stateNames)('eraseTasks: of a task that is %s no word is left, and it is noted', async (state) => {
  const db = suite.over('pg')
  const task = await insertState(db, state, { ...withWords, ...(state !== 'failed' && { error_message: null }) })
  await sql`update tasks set steps = (
    select jsonb_agg(one || ${JSON.stringify({ change, past: [{ change, prediction_id: 'p-0' }] })}::jsonb) from jsonb_array_elements(steps) as listed (one))
    where steps <> '[]'`.execute(db)
  await sql`insert into task_events (task_id, at, move, became, step, attempt, reason)
      values (${task.id}, ${noon}, 'failed', 'failed', 1, 1, ${marker})`.execute(db)
  const told = { id: task.id, user_id: 'ada', stub: { model: 'm', marked: true } }
  await shareTask(db, {
    id: 'x',
    task_id: task.id,
    user_id: 'ada',
    step: 1,
    attempt: 1,
    file: 1,
    with_before: false,
    now: noon,
  })
  expect(await eraseTasks(db, [{ ...told, user_id: 'eve' }], terms)).toEqual([])
  const stays = atProvider.includes(state)
  expect(await eraseTasks(db, [told], terms)).toMatchObject([{ id: task.id, stays, copying: state === 'storing' }])
  expect(await tablesWith(db, marker)).toEqual([])
  expect(await tablesWith(db, 'ada')).toEqual([])
  expect(await tablesWith(db, task.id)).toEqual(stays ? ['erasures', 'tasks'] : ['erasures'])
  if (stays) expect(await read(db, task)).toMatchObject({ user_id: 'erased', status: 'canceled', input: told.stub })
  // A repetition finds nothing.
  expect(await eraseTasks(db, [told], terms)).toEqual([])
})

each('%s eraseTasks: a running prediction becomes a stray, which a pass then claims', async (driver) => {
  const db = suite.over(driver)
  const { id, prediction_id } = await insertState(db, 'running', withWords)
  await eraseTasks(db, [{ id, user_id: 'ada', stub: null }], terms)
  expect((await claim(db)).tasks).toMatchObject([{ id, work: 'check', strays: [{ prediction_id, over: false }] }])
})

each(
  '%s eraseTasks: what an attempt may still cost stays counted, and what never began is given back',
  async (driver) => {
    const db = suite.over(driver)
    const open = await submitting(db)
    const ran = await running(db, { user_id: 'bob' })
    const waits = await begin(db, { user_id: 'eve' })
    for (const { id, user_id } of [open, ran, waits]) await eraseTasks(db, [{ id, user_id, stub: null }], terms)
    expect(await spent(db)).toEqual({ all: 20, 'recipe:try-on': 20, 'user:ada': 10, 'user:bob': 10, 'user:eve': 0 })
    // Nothing was created after all: that is given back to nobody, so that nobody gains by deleting.
    await tellSubmission(db, open, { kind: 'absent' })
    expect(await spent(db)).toMatchObject({ all: 10, 'user:ada': 10, 'user:erased': -10 })
  },
)

each(
  '%s recordErasures: a stub goes when its provider has ended, and the note when nobody can be writing',
  async (driver) => {
    const db = suite.over(driver)
    const { id } = await insertState(db, 'running', { provider: 'fal', prediction_id: 'p-1' })
    await eraseTasks(db, [{ id, user_id: 'ada', stub: null }], terms)
    type Records = { provider: string; id: string }[]
    const tell = (seconds: number, asked: Records = [], cleared = true, readAt = seconds) =>
      recordErasures(db, [{ id, cleared, read_at: later(noon, readAt).toISOString(), asked }], {
        ...terms,
        now: later(noon, seconds),
      })
    const due = async (seconds: number) => readErasures(db, { limit: 9, now: later(noon, seconds) })
    expect(await tell(1)).toEqual([])
    expect(await due(20)).toEqual([])
    expect(await due(22)).toHaveLength(1)
    await sql`update tasks set strays = jsonb_set(strays, '{0,over}', 'true'), due_at = null where id = ${id}`.execute(
      db,
    )
    expect(await tell(30)).toEqual([])
    expect(await tablesWith(db, id)).toEqual(['erasures'])
    // Its provider is asked for what it keeps, and until it answers the note stays.
    const [{ predictions } = { predictions: [] }] = await due(30)
    expect(predictions).toEqual([{ provider: 'fal', id: 'p-1' }])
    expect(await tell(31)).toEqual([])
    expect(await tell(60, predictions, false)).toEqual([])
    expect(await tell(61)).toEqual([])
    expect(await due(179)).toEqual([])
    expect(await due(180)).toHaveLength(1)
    // Searched while somebody could still be writing.
    expect(await tell(181, [], true, 179)).toEqual([])
    expect(await tell(182)).toEqual([id])
    expect(await tablesWith(db, id)).toEqual([])
  },
)

each('%s recordErasures: what was noted after the note was read is not struck out with it', async (driver) => {
  const db = suite.over(driver)
  const { id } = await insertState(db, 'completed', { provider: 'fal' })
  await eraseTasks(db, [{ id, user_id: 'ada', stub: null }], { ...terms, quietSeconds: 0 })
  const [note] = await readErasures(db, { limit: 1, now: later(noon, 10) })
  const outcome = { id, cleared: true, read_at: note?.read_at ?? '', asked: note?.predictions ?? [] }
  const over = { ...terms, now: later(noon, 12) }
  // A report that comes late has copied into what was searched already.
  expect(await noteGone(db, { id, now: later(noon, 11) })).toBe(true)
  expect(await recordErasures(db, [outcome], over)).toEqual([])
  expect(await readErasures(db, { limit: 1, now: later(noon, 12) })).toMatchObject([{ id }])
  await sql`update erasures set predictions = '[{"provider": "fal", "id": "p-2"}]', quiet_at = ${noon}`.execute(db)
  expect(await recordErasures(db, [outcome], over)).toEqual([])
  const [{ predictions } = { predictions: [] }] = await readErasures(db, { limit: 1, ids: [id] })
  expect(predictions).toEqual([{ provider: 'fal', id: 'p-2' }])
  expect(await recordErasures(db, [{ ...outcome, asked: predictions }], over)).toEqual([id])
})

each('%s claimDue tells that something is to be erased, and when', async (driver) => {
  const db = suite.over(driver)
  expect(await claim(db)).toEqual({ tasks: [], nextDueAt: null })
  await noteUser(db, { user_id: 'ada', ended: [{ key: 'k', until: tomorrow }], quietSeconds: 180, now: noon })
  expect(await claim(db)).toEqual({ tasks: [], nextDueAt: noon, erasuresDue: true })
  expect([await isEnded(db, ['k', 'other']), await isEnded(db, ['other'])]).toEqual([true, false])
})

each('%s noteGone: only where a task is gone, or only its stub is left', async (driver) => {
  const db = suite.over(driver)
  const [kept, stub] = [await insertState(db, 'running'), await insertState(db, 'running')]
  await eraseTasks(db, [{ id: stub.id, user_id: 'ada', stub: null }], terms)
  expect(await Promise.all([kept.id, stub.id, v7()].map((id) => noteGone(db, { id, now: noon })))).toEqual([
    false,
    true,
    true,
  ])
})

each('%s eraseTraces: what somebody has who has come back since stays', async (driver) => {
  const db = suite.over(driver)
  const days = [noon, later(noon, 86_400)]
  for (const [index, at] of days.entries()) {
    const task = await insertState(db, 'completed')
    await sql`insert into listeners (user_id, channel, key, address, created_at) values ('ada', 'push', ${index}, '{}', ${at})`.execute(
      db,
    )
    await sql`insert into outbox (task_id, user_id, type, channel, receiver, at, task, due_at)
      values (${task.id}, 'ada', 'task.completed', 'webhook', 'url', ${at}, '{}', ${at})`.execute(db)
    await sql`insert into spending (scope, day, spent_micros) values ('user:ada', ${at}, ${index + 1})`.execute(db)
  }
  await eraseTraces(db, { user_id: 'ada', before: later(noon, 3_600) })
  const { rows } =
    await sql`select 'listeners' as name, created_at as at from listeners union all select 'outbox', at from outbox`.execute(
      db,
    )
  expect(rows).toEqual(['listeners', 'outbox'].map((name) => ({ name, at: days[1] })))
  expect([await spent(db), await spent(db, '2026-03-02')]).toEqual([{ 'user:erased': 1 }, { 'user:ada': 2 }])
  await sql`delete from spending`.execute(db)
})

each('%s eraseTraces: what a task has reserved since, on the same day, stays', async (driver) => {
  const db = suite.over(driver)
  const spend = () => sql`insert into spending (scope, day, spent_micros) values ('user:ada', ${noon}, 5)`.execute(db)
  const named = async () => (await sql`select from spending where scope = 'user:ada'`.execute(db)).rows.length
  await spend()
  await eraseTraces(db, { user_id: 'ada', before: noon })
  expect(await named()).toBe(0)
  await insertState(db, 'pending', { created_at: later(noon, 60) })
  await spend()
  await sql`insert into daily_starts (user_id, day, started, quota) values ('ada', ${noon}, 1, 2)`.execute(db)
  await eraseTraces(db, { user_id: 'ada', before: noon })
  expect([await named(), (await sql`select from daily_starts`.execute(db)).rows.length]).toEqual([1, 1])
  await sql`truncate tasks, spending, daily_starts cascade`.execute(db)
})

each('%s eraseTraces: counters lose the name and keep their sums', async (driver) => {
  const db = suite.over(driver)
  const [ada, bob] = [await running(db), await running(db, { user_id: 'bob' })]
  for (const task of [ada, bob]) {
    await store(db, task)
    await eraseTasks(db, [{ id: task.id, user_id: task.user_id, stub: null }], terms)
    await eraseTraces(db, task)
    await eraseTraces(db, task)
  }
  expect(await spent(db)).toEqual({ all: 20, 'recipe:try-on': 20, 'user:erased': 20 })
  expect(await tablesWith(db, 'ada')).toEqual([])
})
