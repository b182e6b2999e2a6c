// What is offered follows from the keys that are set, and from the word that this is no business; and a page can make a form of it.
import { expect, test } from 'vitest'
import type { RecipesAnswer, RecipeView } from '../../core/answers.ts'
import { continueEndpoint } from '../../functions/continue.ts'
import { recipes } from '../../functions/recipes.ts'
import { start } from '../../functions/start.ts'
import { begun, costs, inputOf, isOver, isWaiting, pingUntil, rowOf } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import { type Instance, useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const onFal = app.openInstance({ env: { REPLICATE_API_TOKEN: undefined } })
const onReplicate = app.openInstance({ env: { FAL_KEY: undefined } })
const private_ = app.openInstance({ env: { ENABLE_NONCOMMERCIAL: '1' } })

async function offered(instance: Instance): Promise<RecipeView[]> {
  const answer = await instance.call(recipes, { path: '/api/recipes' })
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=60'])
  return ((await answer.json()) as RecipesAnswer).recipes
}
const namesOf = (list: RecipeView[]) => list.map(({ name, provider }) => `${name} on ${provider}`)

test('both keys offer everything that may be used commercially, each at its first provider', async () => {
  const names = namesOf(await offered(app))
  expect(names).toEqual(
    expect.arrayContaining([
      ...['try-on on replicate', 'edit on replicate', 'clip on replicate', 'avatar on fal', 'memes on replicate'],
    ]),
  )
  expect(names).not.toContain('try-on-idm on replicate')
  expect(namesOf(await offered(private_))).toContain('try-on-idm on replicate')
})

test('one key offers what its provider can do', async () => {
  const falNames = namesOf(await offered(onFal))
  expect(falNames).toEqual(expect.arrayContaining(['edit on fal', 'clip on fal', 'avatar on fal']))
  expect(falNames.filter((name) => name.endsWith('replicate'))).toEqual([])
  expect(namesOf(await offered(onReplicate)).filter((name) => name.endsWith('fal'))).toEqual([])
})

test('a recipe tells what a form needs: fields with their limits, gate, price and outputs', async () => {
  const [tryOn, edit, clip, memes] = await Promise.all(
    ['try-on', 'edit', 'clip', 'memes'].map(async (name) => (await offered(app)).find((one) => one.name === name)),
  )
  expect(edit).toMatchObject({
    ...{ gate: 'manual', candidates: 1, outputs: ['image'], exclusive: null, licence: null },
    price: { estimated_micros: 67_000, from: expect.stringMatching(/^https:/), steps: 1 },
    changes_schema: { properties: { prompt: { type: 'string', maxLength: 4_000 } } },
  })
  expect(edit?.input_schema).toMatchObject({
    required: ['image', 'prompt'],
    properties: {
      image: { type: 'string', format: 'uri-reference', 'x-file': 'image' },
      references: { type: 'array', maxItems: 10, items: { 'x-file': 'image' } },
    },
  })
  const garment = [{ 'x-file': 'image' }, { type: 'object', properties: { image: {}, category: {} } }]
  expect(tryOn?.input_schema).toMatchObject({
    properties: {
      garments: { items: { anyOf: garment }, minItems: 1, maxItems: 10 },
      mode: { enum: ['steps', 'outfit'], default: 'steps' },
    },
  })
  expect(clip).toMatchObject({ outputs: ['image', 'video'], price: { estimated_micros: 187_000, steps: 2 } })
  expect(clip?.input_schema).toMatchObject({ properties: { seconds: { enum: [4, 6, 8, 10], default: 4 } } })
  // A second of film costs three cents; an outfit is one run over all its garments; a film is made of each picture.
  expect([clip, tryOn, memes, edit].map((one) => one?.price.by_option)).toEqual([
    { seconds: { 4: 187_000, 6: 247_000, 8: 307_000, 10: 367_000 } },
    { mode: { steps: 46_000, outfit: 31_000 } },
    { animate: { true: 246_000, false: 6_000 } },
    {},
  ])
  expect(memes).toMatchObject({ exclusive: 'user', gate: 'auto', candidates: 4, outputs: ['image', 'video'] })
})

const ask = async (instance: Instance, body: object) =>
  instance.call(start, { path: '/api/start', token: await instance.signIn('ada'), body })

test('what is not offered is refused in words, with nothing paid', async () => {
  const before = costs(app)
  const unknown = await ask(app, { recipe: 'oil-painting' })
  expect([unknown.status, await unknown.json()]).toMatchObject([
    400,
    { errors: [{ path: 'recipe', message: expect.stringMatching(/known are: try-on, .*edit/) }] },
  ])
  const idm = await ask(app, { recipe: 'try-on-idm', ...inputOf() })
  expect([idm.status, await idm.json()]).toMatchObject([
    400,
    { errors: [{ path: 'recipe', message: expect.stringMatching(/non-commercially only \(CC BY-NC-SA 4\.0/) }] },
  ])
  const keyless = await ask(onFal, inputOf())
  expect([keyless.status, await keyless.json()]).toMatchObject([503, { code: 'not_configured' }])
  expect(app.logged).toContainEqual(expect.objectContaining({ reason: 'REPLICATE_API_TOKEN is not set here.' }))
  expect(costs(app)).toEqual(before)
})

test('a task goes on at its own provider though another one is preferred since', async () => {
  const body = { recipe: 'edit', image: 'https://images.test/room.jpg', prompt: 'brighter' }
  const story = await begun(onFal, { body })
  expect(await rowOf(onFal, story)).toMatchObject({ provider: 'fal' })
  expect(await pingUntil(app, story, isOver, { clock })).toMatchObject({ status: 'completed', provider: 'fal' })
  expect(app.simulator.fal.till().created).toBe(1)
  expect(app.simulator.replicate.till().created).toBe(0)
})

test.each([
  ['replicate', onReplicate],
  ['fal', onFal],
] as const)('a clip on %s waits with its still for a person, then becomes a film', async (_name, instance) => {
  const story = await begun(instance, { body: { recipe: 'clip', image: 'https://images.test/room.jpg' } })
  const waiting = await pingUntil(instance, story, isWaiting, { clock })
  expect(waiting.steps[0]?.files?.[0]?.type).toMatch(/^image\//)
  await instance.call(continueEndpoint, {
    path: '/api/continue',
    token: story.token,
    body: { task_id: story.id, step: 1 },
  })
  await instance.settle()
  const over = await pingUntil(instance, story, isOver, { clock })
  expect(over.status).toBe('completed')
  expect(over.steps[1]?.files).toMatchObject([{ type: 'video/mp4' }])
})
