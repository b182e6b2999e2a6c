// What is promised about the number of statements, counted in the database itself.
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import { checker } from '../../functions/checker.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { redo } from '../../functions/redo.ts'
import { start } from '../../functions/start.ts'
import { status } from '../../functions/status.ts'
import { worker } from '../../functions/worker.ts'
import { testClock } from '../setup/clock.ts'
import { statementCounter } from '../setup/database.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTasks, type TaskOverrides } from '../setup/factory.ts'
import { begun, costs, fault, inputOf, isWaiting, ping, pingUntil, press } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const counter = statementCounter(app.database.url)
// The hour's sweep was made before.
await app.deps.instants.note('sweep')

/** Claims, and news of attempts; what people do tells of their tasks as well, but with their names. */
const isOfPass =
  /^\s*with\s+(?:--[^\n]*\s+)*(terms|told as materialized \(\s*select \* from jsonb_to_recordset\(\S+\)\s+as told \(id uuid, step)/

/** All that was run, and without what the pass after the answer runs: it opens with its claim or its news. */
async function counted() {
  const list = await counter.list()
  const sum = (some: typeof list) => some.reduce((total, { calls }) => total + calls, 0)
  return { all: sum(list), own: sum(list.filter(({ query }) => !isOfPass.test(query))), list }
}

async function own(work: () => Promise<Response>, expected: number, most = 1): Promise<void> {
  await app.settle()
  await counter.reset()
  expect((await work()).status).toBe(expected)
  await app.settle()
  const { own: statements, list } = await counted()
  expect(statements, JSON.stringify(list, null, 1)).toBe(most)
}

test('start is one statement', async () => {
  const token = await app.signIn('ada')
  await own(() => app.call(start, { path: '/api/start', body: inputOf(3), token }), 202)
})

test('a repeated start is one statement', async () => {
  const headers = { 'idempotency-key': 'once' }
  const { token } = await begun(app, { headers })
  await own(() => app.call(start, { path: '/api/start', body: inputOf(), token, headers }), 200)
})

test('status is one statement, and all there is to a poll of what is not due', async () => {
  const { id, token } = await begun(app)
  await counter.reset()
  await app.call(status, { path: `/api/status?task_id=${id}`, token })
  await app.settle()
  const { all, list } = await counted()
  expect(all, JSON.stringify(list, null, 1)).toBe(1)
  clock.advance(5)
  await own(() => app.call(status, { path: `/api/status?task_id=${id}`, token }), 200)
})

test('continue and cancel are one statement each, redo two: it looks at what it is to repeat', async () => {
  const story = await begun(app, { garments: 3 })
  await pingUntil(app, story, isWaiting, { clock })
  await own(() => press(app, continueEndpoint, story, { step: 1 }), 202)
  await pingUntil(app, story, isWaiting, { clock })
  await own(() => press(app, redo, story), 202, 2)
  await pingUntil(app, story, isWaiting, { clock })
  await own(() => press(app, cancel, story), 200)
})

test('refused moves are one statement each', async () => {
  const story = await begun(app)
  await own(() => press(app, continueEndpoint, story), 409)
  await own(() => press(app, redo, story), 409)
  await press(app, cancel, story)
  await own(() => press(app, cancel, story), 409)
})

/** Tasks of as many users, all due for their first submission. */
async function pending(count: number, overrides: TaskOverrides = {}): Promise<void> {
  const row = (index: number): TaskOverrides => {
    const { person_image, garments } = inputOf(2, `user-${index}`)
    const input = { person_image, garments: garments.map((image) => ({ image, category: 'upper_body' })) }
    return { input, user_id: `user-${index}`, total_steps: 2, at: clock.now(), ...overrides }
  }
  await insertTasks(
    app.deps.db,
    Array.from({ length: count }, (_, index) => row(index)),
  )
}

async function statementsOf(endpoint: typeof worker): Promise<number> {
  await counter.reset()
  await ping(app, endpoint)
  const { all, list } = await counted()
  expect(all, JSON.stringify(list, null, 1)).toBeLessThanOrEqual(6)
  return all
}

/** Statements of a worker pass that submits, a checker pass that finds all of it done, and one that sees it still running. */
async function statementsFor(count: number, overrides: TaskOverrides = {}): Promise<number[]> {
  await app.reset()
  await pending(count, overrides)
  const submitting = await statementsOf(worker)
  expect(costs(app)).toMatchObject({ sent: count, created: count })
  clock.advance(2)
  const looking = await statementsOf(checker)
  clock.advance(3)
  const storing = await statementsOf(checker)
  // A copy that fails is one more kind of news, and so one more statement: here none may.
  expect(app.logged.filter(({ level }) => Number(level) >= 40)).toEqual([])
  return [submitting, looking, storing]
}

test.each([
  ['with manual gates', {}],
  ['whose gates open by themselves', { auto_continue: true }],
])('a pass over 1 and over 200 due tasks %s takes as many statements, 6 at most', async (_name, overrides) => {
  const one = await statementsFor(1, overrides)
  expect(await statementsFor(200, overrides)).toEqual(one)
})

test('a pass over unconfirmed submissions and failures of 1 and of 100 tasks takes as many statements', async () => {
  const passOver = async (count: number) => {
    await app.reset()
    await pending(count)
    fault(app, { on: 'create', fault: 'error_after', times: count })
    const submitting = await statementsOf(worker)
    clock.advance(15)
    return [submitting, await statementsOf(checker)]
  }
  const one = await passOver(1)
  expect(await passOver(100)).toEqual(one)
  expect(costs(app)).toMatchObject({ sent: 100, created: 100 })
})
