// What a person changes for another attempt, or for the next step: taken in as at start, kept on the attempt, paid once however often it is sent.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { TaskView } from '../../core/answers.ts'
import type { Recipe } from '../../core/recipe.ts'
import { cancel } from '../../functions/cancel.ts'
import { choose } from '../../functions/choose.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { redo } from '../../functions/redo.ts'
import { upload } from '../../functions/upload.ts'
import { imageField } from '../../recipes/fields.ts'
import {
  begun,
  costs,
  isOver,
  isWaiting,
  ping,
  pingUntil,
  press,
  rowOf,
  type Story,
  viewOf,
} from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { type InstanceOptions, useTestDeps } from '../setup/deps.ts'
import { losingAnswer } from '../setup/lost-answer.ts'
import { png } from '../storage/setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

interface Dressed {
  garments: { image: string }[]
}
const changes = z.strictObject({ garment: imageField({ hosts: [], allowPrivate: false }) })
const real = app.deps.recipes.get('try-on') as Recipe
const recipe: Recipe<Dressed, z.output<typeof changes>> = {
  ...(real as Recipe<Dressed, never>),
  changes,
  applyChange(input, step, { garment }) {
    if (garment.endsWith('/none')) throw new Error('garment: there is none in it')
    return {
      ...input,
      garments: input.garments.map((one, place) => (place === step - 1 ? { ...one, image: garment } : one)),
    }
  },
}
const recipes = new Map(app.deps.recipes).set('try-on', recipe as Recipe)
Object.assign(app.deps, { recipes })
const open = (options?: InstanceOptions) => {
  const instance = app.openInstance(options)
  Object.assign(instance.deps, { recipes })
  return instance
}
const capped = { env: { REPLICATE_CONCURRENCY: '5' } }

async function uploaded({ token }: Story): Promise<string> {
  const answer = await app.call(upload, { path: '/api/upload', body: new Uint8Array(png(300)), token })
  return ((await answer.json()) as { url: string }).url
}

async function waiting(): Promise<Story> {
  const story = await begun(app, { garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  return story
}

async function redone(story: Story, body: object): Promise<TaskView> {
  const answer = await press(app, redo, story, { step: 1, ...body })
  expect(answer.status).toBe(202)
  await app.settle()
  await pingUntil(app, story, isWaiting, { clock })
  return viewOf(await press(app, choose, story, { step: 1, attempt: (await rowOf(app, story)).attempt }))
}

const lastInput = () => JSON.stringify(app.simulator.replicate.till().predictions.at(-1)?.input)
const inputs = async ({ id }: Story) =>
  (await app.blobs.openStore('files').list({ prefix: `inputs/${id}/` })).blobs.map(({ key }) => key)

test('a change is asked for once, kept on the attempt, and repeated by a redo that says nothing', async () => {
  const story = await waiting()
  const garment = 'https://images.test/coat.png'
  const view = await redone(story, { attempt: 1, change: { garment } })
  expect(lastInput()).toContain(garment)
  expect(view.steps[0]?.attempts.map(({ change }) => change)).toEqual([null, { garment }])
  expect((await press(app, redo, story, { step: 1, attempt: 1, change: { garment } })).status).toBe(200)
  expect(costs(app).sent).toBe(2)
  await redone(story, { attempt: 2 })
  expect(lastInput()).toContain(garment)
  await redone(story, { attempt: 3, change: {} })
  expect(lastInput()).not.toContain(garment)
})

test('what a redo repeats is the attempt that is chosen', async () => {
  const story = await waiting()
  const garment = 'https://images.test/coat.png'
  await redone(story, { attempt: 1, change: { garment } })
  await press(app, choose, story, { step: 1, attempt: 1 })
  await redone(story, { attempt: 2 })
  expect(lastInput()).not.toContain(garment)
})

test('a picture in a change becomes a file of the task, and is not shown by its name in the store', async () => {
  const story = await waiting()
  const url = await uploaded(story)
  const view = await redone(story, { attempt: 1, change: { garment: url } })
  expect(view.steps[0]?.attempts[1]?.change).toEqual({ garment: 'a picture' })
  const [first, ...more] = await inputs(story)
  expect([
    first?.startsWith(`inputs/${story.id}/`),
    more.every((key) => key.startsWith(first?.replace(/\/\d+$/, '') ?? '')),
  ]).toEqual([true, true])
  const kept = (await inputs(story)).length
  await press(app, redo, story, { step: 1, attempt: 1, change: { garment: url } })
  expect(await inputs(story)).toHaveLength(kept)
})

test('a change with continue is of the next step alone', async () => {
  const story = await waiting()
  const garment = 'https://images.test/coat.png'
  expect((await press(app, continueEndpoint, story, { step: 1, change: { garment } })).status).toBe(202)
  await app.settle()
  const { steps } = await pingUntil(app, story, isOver, { clock })
  expect(lastInput()).toContain(garment)
  expect(steps.map(({ change }) => change)).toEqual([undefined, { garment }])
})

test.each([
  ['a field that the recipe does not know', { colour: 'red' }, 'change.colour'],
  ['a garment that is none', { garment: 'file:inputs/a/1' }, 'change.garment'],
  ['what does not go with the input', { garment: 'https://images.test/none' }, 'change'],
])('%s is a 400, and nothing is paid', async (_name, change, path) => {
  const story = await waiting()
  const before = await rowOf(app, story)
  for (const endpoint of [redo, continueEndpoint]) {
    const answer = await press(app, endpoint, story, { step: 1, change })
    const { errors } = (await answer.json()) as { errors: { path: string }[] }
    expect([answer.status, errors.map((error) => error.path)]).toMatchObject([400, expect.arrayContaining([path])])
  }
  expect(await rowOf(app, story)).toEqual(before)
  expect(costs(app).sent).toBe(1)
})

async function waitingAtFal(): Promise<Story> {
  const clip = app.deps.recipes.get('clip') as Recipe
  Object.assign(app.deps, { recipes: new Map([['clip', clip.elsewhere?.[0] as Recipe]]) })
  const story = await begun(app, { body: { recipe: 'clip', image: 'https://images.test/harbour.jpg' } })
  Object.assign(app.deps, { recipes })
  await pingUntil(app, story, isWaiting, { clock })
  return story
}

test('a continue queues for a slot where the task’s own provider has a cap, whichever is preferred by now', async () => {
  const story = await waitingAtFal()
  const answer = await press(open({ env: { FAL_CONCURRENCY: '1' } }), continueEndpoint, story, { step: 1 })
  expect([answer.status, (await viewOf(answer)).status]).toEqual([202, 'pending'])
})

test('another attempt is reserved at the price of the task’s own provider, whichever is preferred by now', async () => {
  const story = await waitingAtFal()
  const { provider, prices } = await rowOf(app, story)
  expect(provider).toBe('fal')
  expect((await press(app, redo, story, { step: 1, change: { prompt: 'the tide goes out' } })).status).toBe(202)
  expect((await rowOf(app, story)).prices).toEqual(prices)
})

const isContinue = (text: string) => text.includes('auto_continue = t.auto_continue or')

test.each([undefined, 1])(
  'a continue whose answer was lost keeps its picture, though a pass has claimed the task: step %s',
  async (step) => {
    const story = await waiting()
    const change = { garment: await uploaded(story) }
    const losing = open(capped)
    const db = losingAnswer(app.database.url, { fits: isContinue, meanwhile: () => ping(app) })
    Object.assign(losing.deps, { db })
    const kept = (await inputs(story)).length
    const answer = await press(losing, continueEndpoint, story, { ...(step && { step }), change })
    expect([answer.status, await inputs(story)]).toEqual([202, expect.objectContaining({ length: kept + 1 })])
    await app.settle()
    await pingUntil(app, story, isOver, { clock })
    expect(costs(app).sent).toBe(2)
  },
)

test('a continue whose answer was lost sends no create for a task that was canceled meanwhile', async () => {
  const story = await waiting()
  const losing = open()
  const db = losingAnswer(app.database.url, { fits: isContinue, meanwhile: () => press(app, cancel, story) })
  Object.assign(losing.deps, { db })
  const answer = await press(losing, continueEndpoint, story, { step: 1 })
  expect((await viewOf(answer)).status).toBe('canceled')
  await app.settle()
  expect(costs(app).sent).toBe(1)
})

test.each([
  ['redo', redo],
  ['continue', continueEndpoint],
])('a %s that would cost more than is left leaves no picture in the store', async (_name, endpoint) => {
  const story = await waiting()
  const change = { garment: await uploaded(story) }
  const before = await inputs(story)
  // As at a gate at which everything was given back.
  await sql`update tasks set reserved_micros = 0 where id = ${story.id}`.execute(app.deps.db)
  const answer = await press(open({ env: { BUDGET_PER_USER_PER_DAY: '0.03' } }), endpoint, story, { step: 1, change })
  expect([answer.status, await answer.json()]).toMatchObject([429, { code: 'budget_exceeded' }])
  expect(await inputs(story)).toEqual(before)
})
