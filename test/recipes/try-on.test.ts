// The try-on of today: garment by garment or in one picture, what each asks for, what may be changed, and what it costs.
import { expect, test } from 'vitest'
import { pricesOf } from '../../core/price.ts'
import type { Recipe } from '../../core/recipe.ts'
import { tryOn } from '../../recipes/try-on.ts'

const recipe = tryOn({ hosts: [], allowPrivate: false })
const person_image = 'https://images.test/ada.jpg'
const shirt = 'https://images.test/shirt.png'
const dress = { image: 'https://images.test/dress.png', category: 'dresses' as const }
const hat = { image: 'https://images.test/hat.png', description: 'red hat' }
const parse = (input: object) => recipe.input.parse({ person_image, garments: [shirt, dress, hat], ...input })

const step = (number: number, previous?: string) => ({
  ...{ step: number, previous, seed: 7, candidates: 1 },
  link: async (reference: string) => `link to ${reference}`,
})

test('garment by garment, each step puts one on what the step before has made', async () => {
  const input = parse({})
  expect([input.mode, recipe.totalSteps(input)]).toEqual(['steps', 3])
  expect(await recipe.request(input, step(1))).toEqual({
    model: 'prunaai/p-image-try-on',
    input: {
      ...{ person_image: `link to ${person_image}`, garment_images: [`link to ${shirt}`] },
      ...{ output_format: 'jpg', seed: 7 },
    },
  })
  const second = await recipe.request(input, step(2, 'file:results/1'))
  expect(second.input).toMatchObject({
    person_image: 'link to file:results/1',
    garment_images: [`link to ${dress.image}`],
    prompt: 'the dress from image 1',
  })
  await expect(recipe.request(input, step(4))).rejects.toThrow('no garment for step 4')
})

test('an outfit is one step with all garments, named by their places, and one price', async () => {
  const input = parse({ mode: 'outfit', prompt_hints: 'outdoors' })
  expect(recipe.totalSteps(input)).toBe(1)
  const { input: asked } = await recipe.request(input, step(1))
  expect(asked).toMatchObject({
    garment_images: [shirt, dress.image, hat.image].map((image) => `link to ${image}`),
    prompt: 'the dress from image 2 and the red hat from image 3. outdoors',
  })
  expect(pricesOf(recipe as Recipe, input)).toEqual([39_000])
  expect(pricesOf(recipe as Recipe, parse({}))).toEqual([23_000, 23_000, 23_000])
})

test.each([
  ['another mode', { mode: 'catwalk' }, 'mode'],
  ['no garment', { garments: [] }, 'garments'],
  ['eleven garments', { garments: Array(11).fill(shirt) }, 'garments'],
  ['a category that is none', { garments: [{ image: shirt, category: 'shoes' }] }, 'garments.0.category'],
])('%s is refused, and the field named', (_name, input, path) => {
  const { error } = recipe.input.safeParse({ person_image, garments: [shirt], ...input })
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
})

const change = (mode: 'steps' | 'outfit', number: number, changed: object) =>
  recipe.applyChange?.(parse({ mode }), number, recipe.changes?.parse(changed))

test('one garment of an outfit is changed for another, and the rest stays', () => {
  const coat = 'https://images.test/coat.png'
  const changed = change('outfit', 1, { garment: 2, instead: coat, prompt_hints: 'tucked in' })
  expect(changed).toMatchObject({
    garments: [{ image: shirt }, { image: coat }, { description: 'red hat' }],
    prompt_hints: 'tucked in',
  })
})

test('garment by garment, the one that a step puts on is changed without being named', () => {
  const coat = { image: 'https://images.test/coat.png', description: 'long coat' }
  expect(change('steps', 2, { instead: coat })).toMatchObject({ garments: [{ image: shirt }, coat, hat] })
  expect(change('steps', 2, { prompt_hints: 'open' })).toMatchObject({
    prompt_hints: 'open',
    garments: [{}, dress, hat],
  })
})

test.each([
  ['which garment of an outfit, is left out', 'outfit', 1, { instead: shirt }, 'garment: say which one of 1 to 3'],
  ['what instead, is left out', 'outfit', 1, { garment: 2 }, 'instead: say which garment'],
  ['there is no such garment', 'outfit', 1, { garment: 4, instead: shirt }, 'garment: must be 1 to 3'],
  ['it is not put on now', 'steps', 2, { garment: 1, instead: shirt }, 'garment: step 2 puts on garment 2'],
] as const)('a change is refused in words where %s', (_name, mode, number, changed, words) => {
  expect(() => change(mode, number, changed)).toThrow(words)
})
