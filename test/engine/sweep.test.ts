// What recover deletes where a deployment keeps finished tasks for some days only: rows, histories and files, and nothing that lives; and
// what requests delete where nobody pings.
import { sql } from 'kysely'
import { v7 } from 'uuid'
import { expect, test } from 'vitest'
import { resultKey } from '../../core/task.ts'
import { cancel } from '../../functions/cancel.ts'
import { recover } from '../../functions/recover.ts'
import { redo } from '../../functions/redo.ts'
import { status } from '../../functions/status.ts'
import { begun, fault, isOver, isWaiting, ping, pingUntil, press, rowOf, type Story } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { cronSecret, type Instance, useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const env = { KEEP_FINISHED_DAYS: '10' }
const app = await useTestDeps({ clock, env })
// Ids begin with their instant, by which the old ones are found.
app.deps.newId = () => v7({ msecs: clock.now().getTime() })
const day = 24 * 3_600

async function sweep(instance: Instance = app): Promise<number> {
  const answer = await instance.call(recover, { path: '/api/recover', token: cronSecret })
  expect(answer.status).toBe(200)
  await app.settle()
  return ((await answer.json()) as { tasks_deleted: number }).tasks_deleted
}

const count = async (table: string, id: string) => {
  const column = table === 'task_events' ? 'task_id' : 'id'
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from ${sql.ref(table)} where ${sql.ref(column)} = ${id}`.execute(app.deps.db)
  return rows[0]?.n
}

const hasFile = async (key: string) => (await app.deps.files.stat(key)) !== undefined

async function finished() {
  const story = await begun(app)
  const { steps } = await pingUntil(app, story, isOver, { clock })
  const key = resultKey(story.id, 1, steps[0]?.prediction_id ?? '')
  expect(await hasFile(key)).toBe(true)
  return { ...story, key }
}

test('recover deletes a finished task after its days, with its history and its files', async () => {
  const { id, key } = await finished()
  clock.advance(10 * day - 60)
  expect(await sweep()).toBe(0)
  expect(await hasFile(key)).toBe(true)
  clock.advance(120)
  expect(await sweep()).toBe(1)
  expect([await count('tasks', id), await count('task_events', id), await count('erasures', id)]).toEqual([0, 0, 0])
  expect(await hasFile(key)).toBe(false)
  expect(await sweep()).toBe(0)
})

test('recover keeps what waits, and what was redone meanwhile', async () => {
  fault(app, { on: 'outcome', fault: 'failed', error: 'no person in the picture', times: 1 })
  const failed = await begun(app, { garments: 2, user: 'eve' })
  await pingUntil(app, failed, isOver, { clock })
  clock.advance(11 * day)
  await press(app, redo, failed)
  await app.settle()
  expect(await sweep()).toBe(0)
  const { steps } = await pingUntil(app, failed, isWaiting, { clock })
  clock.advance(6 * day)
  expect(await sweep()).toBe(0)
  expect(await hasFile(resultKey(failed.id, 1, steps[0]?.prediction_id ?? ''))).toBe(true)
  await press(app, cancel, failed)
})

test('recover goes on with files that an earlier sweep did not come to', async () => {
  const { id, key } = await finished()
  clock.advance(11 * day)
  const broken = app.openInstance({ env })
  broken.deps.files = { ...broken.deps.files, clear: () => Promise.reject(new Error('the blob store is away')) }
  expect(await sweep(broken)).toBe(1)
  expect([await count('tasks', id), await count('erasures', id), await hasFile(key)]).toEqual([0, 1, true])
  expect(app.logged.map(({ msg }) => msg)).toContain('an erasure is not done, and is tried again')
  clock.advance(30)
  expect(await sweep()).toBe(0)
  expect([await count('erasures', id), await hasFile(key)]).toEqual([0, false])
})

test('without a word of the deployment, finished tasks are kept for thirty days, and with off for ever', async () => {
  const story = await finished()
  clock.advance(29 * day)
  const instance = (days?: string) => app.openInstance({ env: { KEEP_FINISHED_DAYS: days } })
  expect(await sweep(instance())).toBe(0)
  clock.advance(400 * day)
  expect(await sweep(instance('off'))).toBe(0)
  expect(await rowOf(app, story)).toMatchObject({ status: 'completed' })
  expect(await sweep(instance())).toBe(1)
})

test('pings look once a day as long as there is a task to delete, and then no more', async () => {
  const { id } = await finished()
  const days: { isAwake: boolean; tasks: number | undefined }[] = []
  while (days.length < 14) {
    clock.advance(day)
    const isAwake = (await app.deps.wake.look()) !== undefined
    await ping(app)
    await app.settle()
    days.push({ isAwake, tasks: await count('tasks', id) })
  }
  const kept = { isAwake: true, tasks: 1 }
  const gone = { isAwake: true, tasks: 0 }
  expect(days.slice(0, 10)).toEqual(Array(10).fill(kept))
  expect(days.slice(10, 12)).toEqual([gone, gone])
  expect(days.slice(12)).toEqual(Array(2).fill({ isAwake: false, tasks: 0 }))
})

const poll = async ({ id, token }: Story) => {
  expect((await app.call(status, { path: `/api/status?task_id=${id}`, token })).status).toBe(200)
  await app.settle()
}

test('without any ping, a start and a poll of what is due delete what is old, once an hour', async () => {
  const uploads = app.blobs.openStore('files')
  const first = await finished()
  await uploads.set('uploads/2026030100/ada/1/0', 'x')
  clock.advance(11 * day)
  // It triggers no pass, and so it deletes nothing, not even itself.
  await poll(first)
  expect([await count('tasks', first.id), await hasFile(first.key)]).toEqual([1, true])
  const second = await begun(app, { user: 'eve' })
  expect([await count('tasks', first.id), await hasFile(first.key)]).toEqual([0, false])
  expect((await uploads.list({ prefix: 'uploads/' })).blobs).toEqual([])
  await pingUntil(app, second, isOver, { clock })
  clock.advance(10 * day - 600)
  const third = await begun(app, { user: 'joe' })
  clock.advance(1_200)
  await begun(app, { user: 'joe' })
  expect(await count('tasks', second.id)).toBe(1)
  clock.advance(3_600)
  await poll(third)
  expect(await count('tasks', second.id)).toBe(0)
})

test('of requests that come at once, one sweeps, and each task has its pass though the sweep is refused', async () => {
  const counter = statementCounter(app.database.url)
  clock.advance(3_600)
  await counter.reset()
  const stories = await Promise.all(['ada', 'eve', 'joe'].map((user) => begun(app, { user })))
  const sweeps = (await counter.list()).filter(({ query }) => query.includes('delete from ended_sessions'))
  expect(sweeps).toMatchObject([{ calls: 1 }])
  const instance = app.openInstance({ env })
  instance.deps.instants = { ...instance.deps.instants, takeTurn: () => Promise.reject(new Error('the store is away')) }
  stories.push(await begun(instance, { user: 'ida' }))
  for (const story of stories) expect(await rowOf(app, story)).toMatchObject({ phase: 'running' })
  expect(app.logged.map(({ msg }) => msg)).toContain('it is not known what is to be swept')
})
