// What a recipe asks for in its examples, and what comes back for it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { exampleInput, exampleRequests, exampleSteps } from '../../core/example.ts'
import type { Recipe } from '../../core/recipe.ts'
import { recipe } from './recipe.ts'

const still = 'https://provider.test/still.png'
const clip = { video: { url: 'https://provider.test/clip.mp4' } }
const fields = z.strictObject({ prompt: z.string().trim(), isMoving: z.boolean().default(false) })
const moving: Recipe<z.output<typeof fields>> = {
  ...recipe,
  input: fields,
  totalSteps: ({ isMoving }) => (isMoving ? 2 : 1),
  request: async ({ prompt }, { step, previous, link, seed }) => ({
    model: step === 1 ? 'someone/still' : 'someone/clip',
    input: step === 1 ? { prompt, seed } : { image: await link(previous ?? '', { isMarked: true }) },
  }),
  example: { input: { prompt: ' a cat ' }, output: still },
  moreExamples: [{ input: { prompt: 'a dog', isMoving: true }, output: still, outputs: { video: clip } }],
  makes: (_input, step) => (step === 2 ? 'video' : 'image'),
}

test('every example gives its requests, step by step, with what comes back for each', async () => {
  expect(await exampleRequests(moving as Recipe)).toEqual([
    {
      ...{ step: 1, input: { prompt: 'a cat', isMoving: false }, output: still, kind: 'image' },
      request: { model: 'someone/still', input: { prompt: 'a cat', seed: 1_234_567 } },
    },
    expect.objectContaining({ step: 1, kind: 'image', output: still }),
    {
      ...{ step: 2, input: { prompt: 'a dog', isMoving: true }, output: clip, kind: 'video' },
      request: { model: 'someone/clip', input: { image: expect.stringMatching(/^https:\S+#marker=/) } },
    },
  ])
})

test('a link that is not asked to be marked carries no marker, as of a foreign address', async () => {
  const unmarked: Recipe = {
    ...recipe,
    request: async (_input, { link }) => ({ model: 'someone/still', input: { image: await link('https://a.test') } }),
  }
  const [first] = await exampleRequests(unmarked)
  expect(first?.request.input['image']).toBe('https://example.com/linked')
})

test('an example that the recipe refuses is a sentence', () => {
  const refused = { ...moving, example: { input: {}, output: still } } as Recipe
  expect(() => exampleInput(refused)).toThrow('recipe portrait: its example is refused: prompt ')
  expect(() => exampleSteps(refused)).toThrow('its example is refused')
})
