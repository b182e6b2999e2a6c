// What was asked for of the generations that ran into each other: never two at once for a user, a lock that no crash leaves behind, and a
// refusal that says what is running.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import { redo } from '../../functions/redo.ts'
import { start } from '../../functions/start.ts'
import { worker } from '../../functions/worker.ts'
import type { FaultInput } from '../../simulator/faults.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret, useTestDeps } from '../setup/deps.ts'
import { barrier, begin, begun, costs, fault, isCreate, isOver, pingUntil, press, rowOf, type Story } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const memes = { recipe: 'memes', prompts: ['a cat in a tie', 'a dog at a desk'] }

async function startMemes(user = 'ada', headers: Record<string, string> = {}): Promise<Response> {
  return app.call(start, { path: '/api/start', body: memes, token: await app.signIn(user), headers })
}

const problemOf = async (answer: Response) => (await answer.json()) as { detail: string; task_id: string | null }

test('of 20 starts at once one is accepted, the others are told which task is running', async () => {
  const other = app.openInstance()
  const token = await app.signIn('ada')
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 ? app : other).call(start, { path: '/api/start', body: memes, token }),
    ),
  )
  await app.settle()
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, ...Array(19).fill(409)])
  const bodies = await Promise.all(answers.map(problemOf))
  expect(new Set(bodies.map(({ task_id }) => task_id)).size).toBe(1)
  expect(costs(app)).toMatchObject({ sent: 1, created: 1 })
})

test('the refusal says in words what is running, how far it is, and what can be done', async () => {
  const { id } = await begun(app, { body: memes })
  const answer = await startMemes()
  expect(answer.status).toBe(409)
  expect(await problemOf(answer)).toMatchObject({
    code: 'already_running',
    task_id: id,
    detail:
      'Your memes task is still running, at step 1 of 2. Wait until it is done, or cancel it, before you start another.',
  })
})

test("another user's task is in nobody's way, and neither is another recipe", async () => {
  await begun(app, { body: memes })
  expect((await startMemes('eve')).status).toBe(202)
  await begun(app)
  await app.settle()
})

test('the same Idempotency-Key answers with the running task, not with a refusal', async () => {
  const first = await startMemes('ada', { 'idempotency-key': 'once' })
  const again = await startMemes('ada', { 'idempotency-key': 'once' })
  expect([first.status, again.status]).toEqual([202, 200])
  expect((await problemOf(again)).task_id).toBe((await problemOf(first)).task_id)
  await app.settle()
})

test('a user never has two predictions at once, however often everybody presses start and pings', async () => {
  const token = await app.signIn('ada')
  for (let round = 0; round < 25; round += 1) {
    clock.advance(3)
    await Promise.all([
      ...Array.from({ length: 3 }, () => app.call(start, { path: '/api/start', body: memes, token })),
      ...Array.from({ length: 3 }, () => app.call(worker, { path: '/api/worker', token: cronSecret })),
    ])
    await app.settle()
    const { by_status } = app.simulator.replicate.till()
    expect(by_status.starting + by_status.processing).toBeLessThanOrEqual(1)
  }
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from tasks`.execute(app.deps.db)
  expect(rows[0]?.n).toBeGreaterThan(2)
})

const ways: [string, FaultInput[], Partial<{ every: number; within: number }>][] = [
  ['completed', [], {}],
  ['failed: the model failed', [{ on: 'outcome', fault: 'failed' }], {}],
  ['failed: the provider refused the request', [{ on: 'create', fault: 'rejected' }], {}],
  ['failed: the provider canceled it', [{ on: 'outcome', fault: 'aborted' }], {}],
  ['failed: its result is of no use', [{ on: 'file', fault: 'not_an_image' }], {}],
  ['failed: its result is gone', [{ on: 'outcome', fault: 'data_removed' }], {}],
  ['failed: its prediction is gone', [{ on: 'get', fault: 'not_found', times: 3 }], { every: 30 }],
  ['failed: it took too long', [{ on: 'outcome', fault: 'seconds', seconds: 9e6 }], { every: 300, within: 4_000 }],
  [
    'failed: nobody knows whether it was submitted',
    [
      { on: 'create', fault: 'reset_after' },
      { on: 'list', fault: 'error', times: 500 },
    ],
    { every: 300, within: 8_000 },
  ],
]
test.each(ways)('the lock is free the instant the task is over: %s', async (_name, faults, pace) => {
  fault(app, ...faults)
  const story = await begun(app, { body: memes })
  if (!isOver(await rowOf(app, story))) {
    expect((await startMemes()).status).toBe(409)
    await pingUntil(app, story, isOver, { clock, ...pace })
  }
  expect((await startMemes()).status).toBe(202)
  await app.settle()
})

test.each(['before', 'after'] as const)(
  'a process that dies %s its create leaves no lock behind: cancel frees it at once',
  async (moment) => {
    const death = barrier(moment, isCreate)
    const dying = app.openInstance({ http: death.http, isApart: true })
    const story = await begin(dying, { body: memes })
    await death.reached
    expect((await startMemes()).status).toBe(409)
    await press(app, cancel, story)
    expect((await startMemes()).status).toBe(202)
    await app.settle()
  },
)

test('a process that dies in the middle leaves a lock that ends with its task, without anybody', async () => {
  const death = barrier('after', isCreate)
  const dying = app.openInstance({ http: death.http, isApart: true })
  const story = await begin(dying, { body: memes })
  await death.reached
  await pingUntil(app, story, isOver, { clock })
  expect((await startMemes()).status).toBe(202)
  await app.settle()
  expect(costs(app)).toMatchObject({ created: 3 })
})

async function failed(): Promise<Story> {
  fault(app, { on: 'outcome', fault: 'failed' })
  const story = await begun(app, { body: memes })
  await pingUntil(app, story, isOver, { clock })
  return story
}

test('redo of a failed batch takes the lock again', async () => {
  const story = await failed()
  expect((await press(app, redo, story)).status).toBe(202)
  const refused = await startMemes()
  expect([refused.status, (await problemOf(refused)).task_id]).toEqual([409, story.id])
  await app.settle()
})

test('redo of a failed batch while another is running is refused with the id of that one', async () => {
  const story = await failed()
  const rival = await begun(app, { body: memes })
  const before = await rowOf(app, story)
  const answer = await press(app, redo, story)
  expect(answer.status).toBe(409)
  expect(await problemOf(answer)).toMatchObject({ code: 'already_running', task_id: rival.id })
  expect(await rowOf(app, story)).toEqual(before)
})

test('of 10 redos of as many failed batches one takes the lock', async () => {
  const stories: Story[] = []
  for (let count = 0; count < 10; count += 1) stories.push(await failed())
  const answers = await Promise.all(stories.map((story) => press(app, redo, story)))
  await app.settle()
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, ...Array(9).fill(409)])
})

test('a recipe that is exclusive for all is refused to others without showing them whose task is running', async () => {
  const recipe = app.deps.recipes.get('memes')
  if (!recipe) throw new Error('no memes')
  const apart = app.openInstance()
  apart.deps.recipes = new Map([['memes', { ...recipe, exclusive: 'global' }]])
  const begin = async (user: string) =>
    apart.call(start, { path: '/api/start', body: memes, token: await apart.signIn(user) })
  expect((await begin('ada')).status).toBe(202)
  const refused = await begin('eve')
  expect(refused.status).toBe(409)
  expect(await problemOf(refused)).toMatchObject({
    code: 'already_running',
    task_id: null,
    detail: "Somebody else's memes task is running, and only one runs here at a time. Try again in a while.",
  })
  await apart.settle()
})
