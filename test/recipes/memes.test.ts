// The memes recipe: prompts or a topic, one step each, and what each step asks for.
import { expect, test } from 'vitest'
import { pricesOf } from '../../core/price.ts'
import type { Recipe } from '../../core/recipe.ts'
import { memes as makeMemes } from '../../recipes/memes.ts'

const memes = makeMemes({ hosts: [], allowPrivate: false })

const parse = (input: unknown) => memes.input.parse(input)
const step = (number: number) => ({
  ...{ step: number, previous: undefined, seed: 7, candidates: 1 },
  link: async (reference: string) => reference,
})

test('prompts are taken as they are, trimmed, one step each', () => {
  const input = parse({ prompts: [' a cat ', 'a dog'] })
  expect(input).toEqual({ prompts: ['a cat', 'a dog'] })
  expect(memes.totalSteps(input)).toBe(2)
})

test('a topic becomes as many different prompts about it as asked for, and the same ones again', () => {
  const first = parse({ topic: 'deadlines', count: 10 })
  expect(new Set(first.prompts).size).toBe(10)
  expect(first.prompts.every((prompt) => prompt.includes('deadlines'))).toBe(true)
  expect(parse({ topic: 'deadlines', count: 10 })).toEqual(first)
  expect(parse({ topic: 'deadlines', count: 4 }).prompts).toEqual(first.prompts.slice(0, 4))
  expect(parse({ topic: 'deadlines' }).prompts).toHaveLength(3)
})

test.each([
  ['neither prompts nor a topic', {}, 'prompts'],
  ['a count alone', { count: 3 }, 'prompts'],
  ['both', { prompts: ['a cat'], topic: 'cats' }, 'topic'],
  ['prompts and a count', { prompts: ['a cat'], count: 2 }, 'count'],
  ['no prompt', { prompts: [] }, 'prompts'],
  ['eleven prompts', { prompts: Array(11).fill('a cat') }, 'prompts'],
  ['a blank prompt', { prompts: ['a cat', '  '] }, 'prompts.1'],
  ['a count of 11', { topic: 'cats', count: 11 }, 'count'],
  ['a count of 0', { topic: 'cats', count: 0 }, 'count'],
  ['a field that nobody knows', { prompts: ['a cat'], style: 'bold' }, ''],
])('%s is refused, and the field named', (_name, input, path) => {
  expect(memes.input.safeParse(input).error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
})

test('a step asks for its own prompt, with the seed of its attempt, from the official model', async () => {
  const request = await memes.request(parse({ prompts: ['a cat', 'a dog'] }), step(2))
  expect(request).toMatchObject({ model: 'black-forest-labs/flux-schnell', input: { prompt: 'a dog', seed: 7 } })
  expect(request).not.toHaveProperty('version')
  const many = await memes.request(parse({ prompts: ['a cat'] }), { ...step(1), candidates: 4 })
  expect(many.input).toMatchObject({ num_outputs: 4 })
  expect(memes.outputUrls(['https://r.test/0.webp', 'https://r.test/1.webp'])).toHaveLength(2)
  await expect(memes.request(parse({ prompts: ['a cat'] }), step(2))).rejects.toThrow('no prompt for step 2')
})

test('animated, every picture becomes a clip of the step after it, found again by the link of its picture', async () => {
  const input = parse({ prompts: ['a cat', 'a dog'], animate: true })
  expect(memes.totalSteps(input)).toBe(4)
  expect([1, 2, 3, 4].map((number) => memes.makes?.(input, number))).toEqual(['image', 'video', 'image', 'video'])
  const link = async (reference: string, options?: object) => `${reference} ${JSON.stringify(options)}`
  const clip = await memes.request(input, { ...step(4), previous: 'file:dog', link })
  expect(clip).toEqual({
    model: 'lightricks/ltx-2.5-fast',
    input: {
      ...{ prompt: 'a dog', image: 'file:dog {"isMarked":true}', duration: 4, resolution: '720p' },
      ...{ aspect_ratio: '9:16', generate_audio: true },
    },
  })
  expect(await memes.request(input, step(3))).toMatchObject({ input: { prompt: 'a dog', aspect_ratio: '9:16' } })
  expect(pricesOf(memes as Recipe, input)).toEqual([3_000, 120_000, 3_000, 120_000])
  // A clip is made of the one picture that was chosen.
  expect(pricesOf(memes as Recipe, input, 2)).toEqual([6_000, 120_000, 6_000, 120_000])
})
