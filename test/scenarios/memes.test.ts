// A batch of memes from start to end: one prediction after another, each result shown as it comes, canceled at any moment.
import { expect, test } from 'vitest'
import { cancel } from '../../functions/cancel.ts'
import { result } from '../../functions/result.ts'
import { status } from '../../functions/status.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import type { Row } from '../setup/factory.ts'
import { begun, costs, fault, isOver, isResting, ping, pingUntil, press, rowOf, type Story, viewOf } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const prompts = ['a cat in a tie', 'a dog at a desk', 'a raccoon at night']

const memes = (count = 3) => begun(app, { body: { recipe: 'memes', prompts: prompts.slice(0, count) } })

const see = async ({ id, token }: Story) => viewOf(await app.call(status, { path: `/api/status?task_id=${id}`, token }))

const isAtStep = (step: number) => (row: Row) => row.current_step === step && row.phase === 'running'

test('a batch makes one prediction after another, and shows each result while the next is made', async () => {
  const story = await memes()
  for (const step of [2, 3]) {
    await pingUntil(app, story, isAtStep(step), { clock })
    const view = await see(story)
    expect(view).toMatchObject({ status: 'processing', current_step: step, total_steps: 3, result_url: null })
    const shown = view.steps.map(({ result_url }) => result_url !== null)
    expect(shown).toEqual([...Array(step - 1).fill(true), false])
    const url = view.steps[step - 2]?.result_url ?? ''
    expect(view.intermediate_result).toBe(url)
    const picture = await app.call(result, { path: url, token: story.token })
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png'])
  }
  await pingUntil(app, story, isOver, { clock })
  const view = await see(story)
  expect(view).toMatchObject({ status: 'completed', result_url: expect.stringContaining('step=3') })
  expect(costs(app)).toEqual({ sent: 3, created: 3, canceled: 0 })
  const { predictions } = app.simulator.replicate.till()
  expect(predictions.map(({ input }) => input['prompt'])).toEqual(prompts)
})

test('a prediction begins only when the one before is over', async () => {
  const story = await memes()
  await pingUntil(app, story, isOver, { clock, every: 1 })
  const { predictions } = app.simulator.replicate.till()
  const row = await rowOf(app, story)
  for (const [index, { created_at }] of predictions.entries()) {
    const before = row.steps[index - 1]
    if (before) expect(Date.parse(created_at)).toBeGreaterThanOrEqual(Date.parse(before.finished_at ?? ''))
  }
})

test('a topic is told with the prompts that were made of it', async () => {
  const story = await begun(app, { body: { recipe: 'memes', topic: 'deadlines', count: 2 } })
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'completed', total_steps: 2 })
  const { predictions } = app.simulator.replicate.till()
  expect(predictions.map(({ input }) => input['prompt'])).toEqual((row.input as { prompts: string[] }).prompts)
})

test('cancel during a prediction stops it at the provider, and keeps what was made', async () => {
  const story = await memes()
  await pingUntil(app, story, isAtStep(2), { clock })
  const view = await viewOf(await press(app, cancel, story))
  expect(view).toMatchObject({ status: 'canceled', current_step: 2, intermediate_result: expect.any(String) })
  await app.settle()
  await pingUntil(app, story, isResting, { clock })
  expect(costs(app)).toEqual({ sent: 2, created: 2, canceled: 1 })
  const picture = await app.call(result, { path: view.intermediate_result ?? '', token: story.token })
  expect(picture.status).toBe(200)
})

test('cancel between two predictions: the next one is never made', async () => {
  fault(app, { on: 'create', fault: 'rate_limited', retry_after: 60, input_contains: 'dog' })
  const story = await memes()
  await pingUntil(app, story, (row) => row.status === 'pending' && row.next_step === 2, { clock })
  await press(app, cancel, story)
  clock.advance(120)
  await ping(app)
  const row = await rowOf(app, story)
  expect(row).toMatchObject({ status: 'canceled', due_at: null, intermediate_result: expect.any(String) })
  expect(costs(app)).toMatchObject({ created: 1 })
})

test('a submission whose answer is lost is found by its seed, and not made again', async () => {
  fault(app, { on: 'create', fault: 'reset_after' })
  const story = await memes(1)
  expect(await rowOf(app, story)).toMatchObject({ phase: 'unconfirmed' })
  const row = await pingUntil(app, story, isOver, { clock })
  expect(row).toMatchObject({ status: 'completed', attempt: 1 })
  expect(costs(app)).toEqual({ sent: 1, created: 1, canceled: 0 })
})
