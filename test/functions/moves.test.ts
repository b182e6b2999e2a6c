// Status, tasks, continue, redo and cancel as their callers see them: statuses, headers, and the task view.
import { expect, test } from 'vitest'
import type { TaskView } from '../../core/answers.ts'
import { cancel } from '../../functions/cancel.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { redo } from '../../functions/redo.ts'
import { result } from '../../functions/result.ts'
import { status } from '../../functions/status.ts'
import { tasks } from '../../functions/tasks.ts'
import {
  begun,
  costs,
  fault,
  isOver,
  isWaiting,
  pingUntil,
  press,
  rowOf,
  type Story,
  viewOf,
} from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { insertTask, type State, stateNames, states } from '../setup/factory.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

const poll = ({ id, token }: Story, headers: Record<string, string> = {}, method = 'GET') =>
  app.call(status, { method, path: `/api/status?task_id=${id}`, token, headers })

async function inState(state: State): Promise<Story> {
  const later = new Date(clock.now().getTime() + 1_000)
  const { id, user_id } = await insertTask(app.deps.db, { at: later, ...states[state] })
  return { id, token: await app.signIn(user_id) }
}

test('status shows the whole task view', async () => {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  const answer = await poll(story)
  const { settled_micros, steps } = await rowOf(app, story)
  const [first] = steps
  const made = {
    result_url: `/api/result?task_id=${story.id}&step=1&attempt=1`,
    ...{ submitted_at: first?.submitted_at, finished_at: first?.finished_at },
    files: [
      {
        ...{ name: 'try-on-step-1.png', type: 'image/png', size: expect.any(Number) },
        url: `/api/result?task_id=${story.id}&step=1&attempt=1`,
      },
    ],
  }
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({
    ...{ task_id: story.id, recipe: 'try-on', status: 'waiting_continue', current_step: 1, total_steps: 2 },
    intermediate_result: `/api/result?task_id=${story.id}&step=1&attempt=1`,
    ...{ result_url: null, error_code: null, error_message: null, gate_reason: null, finished_at: null },
    cost: { estimated_micros: 46_000, steps_micros: [23_000, 23_000], settled_micros },
    steps: [
      {
        ...{ step: 1, status: 'completed', attempt: 1, prediction_id: first?.prediction_id },
        ...made,
        attempts: [
          {
            ...{ attempt: 1, status: 'completed', chosen: true, chosen_file: 1, cost_micros: settled_micros },
            ...{ seed: expect.any(Number), change: null, candidates: 1, ...made },
          },
        ],
      },
    ],
    ...{ created_at: expect.stringMatching(/Z$/), updated_at: expect.stringMatching(/Z$/) },
    poll_after_ms: expect.any(Number),
  })
})

test('status has an ETag, and answers 304 without a body until the task moves', async () => {
  const story = await begun(app, { garments: 2 })
  const first = await poll(story)
  const etag = first.headers.get('etag') ?? ''
  expect(etag).toMatch(/^(W\/)?"[\w-]+"$/)
  const same = await poll(story, { 'if-none-match': etag })
  expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', etag])
  await pingUntil(app, story, isWaiting, { clock })
  const moved = await poll(story, { 'if-none-match': etag })
  expect([moved.status, (await viewOf(moved)).status]).toEqual([200, 'waiting_continue'])
})

test('Retry-After is there while a task is unfinished, and is what poll_after_ms says', async () => {
  for (const state of stateNames) {
    const answer = await poll(await inState(state))
    const { finished_at, poll_after_ms } = await viewOf(answer)
    const seconds = answer.headers.get('retry-after')
    if (finished_at) expect([seconds, poll_after_ms]).toEqual([null, null])
    else expect(Number(seconds)).toBe(Math.ceil((poll_after_ms ?? 0) / 1_000))
    await app.settle()
  }
})

test('what the provider has of a task never shows in its view', async () => {
  for (const state of stateNames) {
    const text = await (await poll(await inState(state))).text()
    await app.settle()
    expect(text).not.toMatch(/claim|provider_urls|strays|lock_key|hash|input/)
  }
})

test.each(stateNames)('continue of a %s task: 202 when it waits, 409 otherwise', async (state) => {
  const story = await inState(state)
  const answer = await press(app, continueEndpoint, story)
  await app.settle()
  if (state === 'waiting_continue')
    return expect([answer.status, (await viewOf(answer)).status]).toEqual([202, 'processing'])
  expect(answer.status).toBe(409)
  expect(await answer.json()).toMatchObject({
    code: 'not_waiting',
    detail: expect.stringMatching(/^step: only a task that is waiting_continue goes on, and this one is \w+\.$/),
  })
})

test.each(stateNames)('redo of a %s task: 202 when it waits or failed, 409 otherwise', async (state) => {
  const story = await inState(state)
  const answer = await press(app, redo, story)
  await app.settle()
  if (state === 'waiting_continue' || state === 'failed') return expect(answer.status).toBe(202)
  const isFinal = /^(completed|canceled)/.test(state)
  expect([answer.status, await answer.json()]).toMatchObject([
    409,
    { code: isFinal ? 'already_finished' : 'not_waiting' },
  ])
})

test.each(stateNames)('cancel of a %s task: 200 while it is unfinished, 409 otherwise', async (state) => {
  const story = await inState(state)
  const answer = await press(app, cancel, story)
  await app.settle()
  const isFinal = /^(completed|failed|canceled)/.test(state)
  if (!isFinal) return expect([answer.status, (await viewOf(answer)).status]).toEqual([200, 'canceled'])
  expect([answer.status, await answer.json()]).toMatchObject([409, { code: 'already_finished' }])
})

test('continue: a second click, and a click of a stale page, change nothing and answer 200', async () => {
  const story = await begun(app, { garments: 3 })
  await pingUntil(app, story, isWaiting, { clock })
  expect((await press(app, continueEndpoint, story, { step: 1 })).status).toBe(202)
  expect((await press(app, continueEndpoint, story, { step: 1 })).status).toBe(200)
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  const stale = await press(app, continueEndpoint, story, { step: 1 })
  expect([stale.status, await viewOf(stale)]).toMatchObject([200, { status: 'waiting_continue', current_step: 2 }])
  expect((await press(app, continueEndpoint, story, { step: 3 })).status).toBe(409)
  expect(costs(app).sent).toBe(2)
})

test('continue with all asks no more until the end', async () => {
  const story = await begun(app, { garments: 3 })
  await pingUntil(app, story, isWaiting, { clock })
  await press(app, continueEndpoint, story, { step: 1, all: true })
  await app.settle()
  const row = await pingUntil(app, story, (now) => isOver(now) || isWaiting(now), { clock })
  expect(row).toMatchObject({ status: 'completed', current_step: 3 })
  expect(costs(app).sent).toBe(3)
})

async function fileOf(story: Story, url: string | null | undefined): Promise<Buffer> {
  const answer = await app.call(result, { path: url ?? '', token: story.token })
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

test('redo of a shown step makes a new attempt; both results stay, under links of their own', async () => {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  const first = await viewOf(await poll(story))
  const answer = await press(app, redo, story, { step: 1 })
  expect([answer.status, (await viewOf(answer)).status]).toEqual([202, 'pending'])
  await app.settle()
  const running = await viewOf(await poll(story))
  expect(running.steps).toMatchObject([{ status: 'processing', attempt: 2, result_url: first.steps[0]?.result_url }])
  await pingUntil(app, story, isWaiting, { clock })
  const second = await viewOf(await poll(story))
  expect(second.intermediate_result).toBe(`/api/result?task_id=${story.id}&step=1&attempt=2`)
  expect(second.steps).toMatchObject([{ attempt: 2, result_url: second.intermediate_result }])
  await fileOf(story, second.intermediate_result)
  await fileOf(story, `/api/result?task_id=${story.id}&step=1&attempt=1`)
  const seeds = app.simulator.replicate.till().predictions.map(({ input }) => input['seed'])
  expect(new Set(seeds).size).toBe(2)
  expect((await rowOf(app, story)).steps[0]?.past).toMatchObject([{ attempt: 1, status: 'completed' }])
})

test('redo of a failed step clears the error, runs it again and goes on', async () => {
  fault(app, { on: 'outcome', fault: 'failed', error: 'no person in the picture' })
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isOver, { clock })
  const failed = await viewOf(await poll(story))
  expect(failed).toMatchObject({
    status: 'failed',
    error_code: 'provider_failed',
    error_message: 'no person in the picture',
  })
  const view = await viewOf(await press(app, redo, story))
  expect(view).toMatchObject({ status: 'pending', error_code: null, error_message: null, finished_at: null })
  await app.settle()
  expect(await pingUntil(app, story, isWaiting, { clock })).toMatchObject({ attempt: 2, current_step: 1 })
  expect((await press(app, redo, story, { step: 2 })).status).toBe(409)
})

const list = async (token: string, query = '') => {
  const answer = await app.call(tasks, { path: `/api/tasks${query}`, token })
  expect(answer.status).toBe(200)
  return (await answer.json()) as { tasks: TaskView[]; next_cursor: string | null }
}

test('tasks lists the user’s own, newest first, in pages that neither repeat nor skip', async () => {
  const ids: string[] = []
  for (let index = 0; index < 7; index += 1) ids.unshift((await begun(app)).id)
  await begun(app, { user: 'eve' })
  const token = await app.signIn('ada')
  expect((await list(token)).tasks.map(({ task_id }) => task_id)).toEqual(ids)
  const seen: string[] = []
  let cursor: string | null = ''
  for (let pages = 1; cursor !== null; pages += 1) {
    const page = await list(token, `?limit=3${cursor && `&cursor=${cursor}`}`)
    seen.push(...page.tasks.map(({ task_id }) => task_id))
    cursor = page.next_cursor
    if (pages === 1) await begun(app)
    expect(pages).toBeLessThanOrEqual(3)
  }
  expect(seen).toEqual(ids)
})

test('tasks keeps to a status, and an exact last page has no next', async () => {
  const story = await begun(app)
  await begun(app)
  await press(app, cancel, story)
  await app.settle()
  expect(await list(story.token, '?status=canceled')).toMatchObject({
    tasks: [{ task_id: story.id }],
    next_cursor: null,
  })
  expect((await list(story.token, '?limit=2')).next_cursor).toBeNull()
  expect(await list(await app.signIn('nobody'))).toEqual({ tasks: [], next_cursor: null })
})

test('a session that was good ends at its end', async () => {
  const story = await inState('running')
  expect((await poll(story)).status).toBe(200)
  clock.advance(30 * 86_400 - 1)
  expect((await poll(story)).status).toBe(200)
  clock.advance(1)
  const answer = await poll(story)
  expect([answer.status, (await answer.json()) as object]).toMatchObject([401, { code: 'token_expired' }])
})
