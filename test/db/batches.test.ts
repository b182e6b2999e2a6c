// Statements that requests of one process share: those that come while others of their kind are under way, held there by a real lock.
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { MoveReport } from '../../core/history.ts'
import { claimDue } from '../../db/statements/claim.ts'
import { readTask } from '../../db/statements/reads.ts'
import { recordChecks } from '../../db/statements/record-results.ts'
import { recordSubmissions } from '../../db/statements/record-submissions.ts'
import type { Db } from '../../db/statements/sql.ts'
import { type NewTask, startTask } from '../../db/statements/start.ts'
import { continueTask } from '../../db/statements/user-moves.ts'
import { neonStandIn, statementCounter, untilBlocked } from '../setup/database.ts'
import { type Row, tryOnTerms } from '../setup/factory.ts'
import { attemptOf, each, insertState, read, useDatabase } from './setup.ts'

const suite = useDatabase()
const { over } = suite
const missing = (task: Row) => ({
  ...attemptOf(task),
  prediction_id: task.prediction_id ?? '',
  kind: 'missing' as const,
  retry_in: 5,
  reason: 'Gone.',
})
const created = (task: Row, prediction_id: string, check_in = 2) => ({
  ...{ ...attemptOf(task), kind: 'created' as const, prediction_id },
  ...{ urls: {}, check_in },
})
const one = (task: Row, did: string) => [{ id: task.id, did, status: 'processing' }]

/**
 * A statement waits for a row that somebody else holds when `work` begins, and time stands still: however slow the machine, it holds up
 * the others. Gives what `work` came to, and how many statements were run for all.
 */
async function behindOthers<T>(db: Db, send: (task: Row) => Promise<unknown>, work: () => Promise<T>[]) {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const held = await insertState(db, 'running')
  const counter = statementCounter(suite.url)
  const { other, settling } = await suite.hold(async (rival) => {
    await rival.selectFrom('tasks').select('id').forUpdate().execute()
    const other = send(held)
    await untilBlocked(suite.url, 1)
    const settling = Promise.allSettled(work())
    await counter.reset()
    return { other, settling }
  })
  await other
  const settled = await settling
  const list = await counter.list()
  return {
    settled,
    statements: list.filter(({ query }) => /^\s*with\s+told/.test(query)).reduce((n, { calls }) => n + calls, 0),
  }
}

each(
  '%s: what comes while its kind is under way shares the next statement, and each hears of its own',
  async (driver) => {
    const db = over(driver)
    const tasks = [
      await insertState(db, 'submitting'),
      await insertState(db, 'submitting'),
      await insertState(db, 'submitting'),
    ]
    const heard: MoveReport[][] = tasks.map(() => [])
    const adopt = (task: Row) => recordSubmissions(db, [created(task, 'other')], { by: 'webhook' })
    const { settled, statements } = await behindOthers(db, adopt, () =>
      tasks.map((task, index) =>
        recordSubmissions(db, [created(task, `p${index}`)], {
          by: 'webhook',
          onMoved: (moves) => heard[index]?.push(...moves),
        }),
      ),
    )
    expect(settled).toEqual(tasks.map((task) => ({ status: 'fulfilled', value: one(task, 'created') })))
    expect(heard).toMatchObject(tasks.map(({ id }) => [{ task: id, move: 'created' }]))
    for (const [index, task] of tasks.entries())
      expect(await read(db, task)).toMatchObject({ phase: 'running', prediction_id: `p${index}` })
    // The one that waited is counted when it ends, too.
    expect(statements).toBe(2)
  },
)

each('%s: two that speak of one task share no statement: both are heard', async (driver) => {
  const db = over(driver)
  const task = await insertState(db, 'submitting')
  const adopt = (other: Row) => recordSubmissions(db, [created(other, 'other')], { by: 'webhook' })
  const { settled } = await behindOthers(db, adopt, () =>
    ['first', 'second'].map((id) => recordSubmissions(db, [created(task, id)], { by: 'webhook' })),
  )
  const did = settled.map((result) => (result.status === 'fulfilled' ? result.value[0]?.did : result.reason))
  expect(did.toSorted()).toEqual(['created', 'strayed'])
  const { prediction_id, strays } = await read(db, task)
  expect([prediction_id, strays[0]?.prediction_id].toSorted()).toEqual(['first', 'second'])
})

each('%s: one that Postgres refuses fails alone', async (driver) => {
  const db = over(driver)
  const tasks = [
    await insertState(db, 'submitting'),
    await insertState(db, 'submitting'),
    await insertState(db, 'submitting'),
  ]
  const adopt = (task: Row) => recordSubmissions(db, [created(task, 'other')], { by: 'webhook' })
  const { settled } = await behindOthers(db, adopt, () =>
    tasks.map((task, index) =>
      recordSubmissions(db, [created(task, `p${index}`, index === 1 ? 1e300 : 2)], { by: 'webhook' }),
    ),
  )
  expect(settled).toMatchObject([{ status: 'fulfilled' }, { reason: { kind: 'wrong' } }, { status: 'fulfilled' }])
  expect(await Promise.all(tasks.map((task) => read(db, task)))).toMatchObject([
    { phase: 'running' },
    { phase: 'submitting' },
    { phase: 'running' },
  ])
})

each('%s: what different causes tell is not shared: the history names one for each statement', async (driver) => {
  const db = over(driver)
  const [mine, theirs] = [await insertState(db, 'submitting'), await insertState(db, 'submitting')]
  const adopt = (task: Row) => recordSubmissions(db, [created(task, 'other')], { by: 'webhook' })
  const { settled } = await behindOthers(db, adopt, () => [
    recordSubmissions(db, [created(mine, 'p1')], { by: 'webhook' }),
    recordSubmissions(db, [created(theirs, 'p2')], { by: 'checker' }),
  ])
  expect(settled).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
  const { rows: causes } = await sql<{ task_id: string; by: string }>`
    select task_id, by from task_events where move = 'created' order by id`.execute(db)
  expect(Object.fromEntries(causes.map(({ task_id, by }) => [task_id, by]))).toMatchObject({
    [mine.id]: 'webhook',
    [theirs.id]: 'checker',
  })
})

each('%s: polls at the same moment each get their own task, and nothing of another user', async (driver) => {
  const db = over(driver)
  const tasks = await Promise.all(Array.from({ length: 30 }, () => insertState(db, 'running')))
  const asked = tasks.map(({ id, user_id }, index) =>
    readTask(db, { id, user_id: index % 3 === 0 ? 'nobody' : user_id }),
  )
  const found = (await Promise.all(asked)).map((task) => task?.id)
  expect(found).toEqual(tasks.map(({ id }, index) => (index % 3 === 0 ? undefined : id)))
})

test('neon: a shared statement whose answer is lost fails for all that share it, and is not told twice', async () => {
  const db = over('neon')
  const standIn = await neonStandIn()
  const tasks = [await insertState(db, 'running'), await insertState(db, 'running')]
  onTestFinished(() => void standIn.faults.splice(0))
  const { settled } = await behindOthers(
    db,
    (task) => recordChecks(db, [missing(task)], { by: 'webhook' }),
    () => {
      standIn.faults.push('reset-after')
      return tasks.map((task) => recordChecks(db, [missing(task)], { by: 'webhook' }))
    },
  )
  expect(settled).toMatchObject([{ reason: { kind: 'lost' } }, { reason: { kind: 'lost' } }])
  for (const task of tasks) expect(await read(db, task)).toMatchObject({ misses: task.misses + 1 })
})

each('%s: starts at the same moment are each answered with their own, refused or begun before', async (driver) => {
  const db = over(driver)
  const task = (user_id: string, more: Partial<NewTask> = {}): NewTask => ({
    ...{
      id: v7(),
      user_id: `${driver}-${user_id}`,
      recipe: 'memes',
      provider: 'replicate',
      input: { of: user_id },
      auto_continue: true,
    },
    ...{ total_steps: 1, lock_key: null, idempotency_key: null, request_hash: null, daily_quota: 1, ...more },
  })
  const [first, again] = [task('again', { idempotency_key: 'k' }), task('again', { idempotency_key: 'k' })]
  await startTask(db, first)
  const [one, two] = [task('greedy'), task('greedy')]
  const others = Array.from({ length: 5 }, (_, index) => task(`user-${index}`))
  const asked = [...others, again, one, two]
  const settled = await Promise.allSettled(asked.map((each) => startTask(db, each)))
  const ids = settled.map((result) => (result.status === 'fulfilled' ? result.value.id : result.reason.constraint))
  expect(ids.slice(0, 6)).toEqual([...others.map(({ id }) => id), first.id])
  expect(ids.slice(6).filter((id) => id === 'daily_starts_within_quota')).toHaveLength(1)
  const rows = await db.selectFrom('tasks').select(['user_id', 'input']).execute()
  expect(rows.map(({ user_id }) => user_id).toSorted()).toEqual(
    [...others, first, one].map((each) => each.user_id).toSorted(),
  )
  for (const { user_id, input } of rows) expect(user_id).toBe(`${driver}-${(input as { of: string }).of}`)
})

each('%s: requests that ask for their due tasks at the same moment each get their own', async (driver) => {
  const db = over(driver)
  const tasks = await Promise.all(Array.from({ length: 6 }, () => insertState(db, 'pending')))
  const resting = await insertState(db, 'completed')
  const terms = { terms: [tryOnTerms], limit: 1, submitLeaseSeconds: 90 }
  const asked = [...tasks, resting, ...tasks]
  const claims = await Promise.all(asked.map(({ id }) => claimDue(db, { ...terms, taskId: id })))
  const claimed = claims.map((claim) => claim.tasks.map(({ id }) => id))
  for (const [index, { id }] of tasks.entries())
    expect([...(claimed[index] ?? []), ...(claimed[index + 7] ?? [])]).toEqual([id])
  expect(claimed[6]).toEqual([])
})

each('%s: an id in capital letters is the same id', async (driver) => {
  const db = over(driver)
  const [waiting, pending] = [await insertState(db, 'waiting_continue'), await insertState(db, 'pending')]
  const terms = { terms: [tryOnTerms], limit: 1, submitLeaseSeconds: 90 }
  const mine = { id: waiting.id.toUpperCase(), user_id: waiting.user_id }
  expect(await continueTask(db, mine)).toMatchObject({ id: waiting.id, moved: true })
  expect(await readTask(db, mine)).toMatchObject({ id: waiting.id, status: 'pending' })
  const claims = await claimDue(db, { ...terms, taskId: pending.id.toUpperCase() })
  expect(claims.tasks).toMatchObject([{ id: pending.id, work: 'submit' }])
})

each('%s: clicks on rows that somebody holds keep nobody else waiting', async (driver) => {
  const db = over(driver)
  const held = [await insertState(db, 'waiting_continue'), await insertState(db, 'waiting_continue')]
  const free = await insertState(db, 'waiting_continue')
  const { waiting } = await suite.hold(async (rival) => {
    await rival
      .selectFrom('tasks')
      .select('id')
      .where(
        'id',
        'in',
        held.map(({ id }) => id),
      )
      .forUpdate()
      .execute()
    const waiting = held.map((task) => continueTask(db, task))
    await untilBlocked(suite.url, held.length)
    expect(await continueTask(db, free)).toMatchObject({ moved: true })
    return { waiting }
  })
  expect(await Promise.all(waiting)).toMatchObject([{ moved: true }, { moved: true }])
})
