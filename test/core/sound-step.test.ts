// What is wrong with a step of an example, in a sentence: its marker, what it is given, and what it makes. And recipes at two providers.
import { expect, test } from 'vitest'
import { isPassedOn, placesOf, type Recipe, recipeAt } from '../../core/recipe.ts'
import { requireLawful, requireSound } from '../../core/soundness.ts'
import { recipe } from './recipe.ts'

const { marker: _, ...silent } = recipe
const asking = (request: Recipe['request'], more: Partial<Recipe> = {}): Recipe => ({ ...silent, ...more, request })
const model = 'someone/portrait'
const seeded: Recipe['request'] = async (_input, { seed }) => ({ model, input: { seed } })
const chained: Recipe['request'] = async (_input, { previous = 'file:first', link }) => ({
  model,
  input: { image: await link(previous, { isMarked: true }) },
})

test.each([
  ['the attempt’s seed', asking(seeded)],
  ['a marked link', asking(chained)],
  ['none, as it says', recipe],
  ['a marked link, and passes results on', asking(chained, { totalSteps: () => 3, passesOn: true })],
  [
    'a marked link, and passes some results on',
    asking(chained, { totalSteps: () => 2, passesOn: (step) => step === 1 }),
  ],
])('a recipe whose requests carry %s is sound', async (_name, sound) => {
  await expect(requireSound(sound)).resolves.toBeUndefined()
})

const forgotten =
  "carries no marker, so that it can't be found if its answer is lost; give the model context.seed as its seed"
test.each([
  ['a constant seed', asking(async () => ({ model, input: { seed: 42 } })), `step 1 of its example ${forgotten}`],
  [
    'a link without a mark',
    asking(async (_input, { link }) => ({ model, input: { image: await link('file:1') } })),
    forgotten,
  ],
  [
    'a marker that it denies',
    { ...asking(seeded), marker: 'none' as const },
    "the recipe says marker: 'none'; leave that out",
  ],
  [
    'a result that it does not pass on',
    asking(chained, { totalSteps: () => 2 }),
    'step 2 of its example is given the result',
  ],
  [
    'one that the wrong step passes on',
    asking(chained, { totalSteps: () => 2, passesOn: (step) => step === 2 }),
    'step 2',
  ],
  [
    'a film for a picture',
    { ...recipe, makes: () => 'video' as const },
    'makes a video, and accept has image/png; say with makes',
  ],
  ['a sound for a picture', { ...recipe, makes: () => 'audio' as const }, 'step 1 of its example makes a sound'],
  [
    'a picture for weights',
    { ...recipe, accept: ['application/json'] },
    'makes an image, and accept has application/json',
  ],
  ['a fault at its other provider', { ...recipe, elsewhere: [asking(async () => ({ model, input: {} }))] }, forgotten],
])('a recipe with %s is told so', async (_name, unsound, sentence) => {
  await expect(requireSound(unsound)).rejects.toThrow(sentence)
})

test('weights may be of any type', async () => {
  const weights: Recipe = { ...recipe, makes: () => 'file', accept: ['application/x-safetensors'] }
  await expect(requireSound(weights)).resolves.toBeUndefined()
})

test('a recipe is taken at the provider of its task, else at its own', () => {
  const there = { ...recipe, provider: 'fal' }
  const both = { ...recipe, elsewhere: [there] }
  expect(placesOf(both)).toEqual([both, there])
  expect([recipeAt(both, 'fal'), recipeAt(both, 'replicate'), recipeAt(both, 'openai')]).toEqual([there, both, both])
})

test('a provider that is unknown, or given twice, is told', () => {
  const providers = ['replicate', 'fal']
  const elsewhere = (provider: string) => [{ ...recipe, elsewhere: [{ ...recipe, provider }] }]
  expect(() => requireLawful(elsewhere('fal'), providers)).not.toThrow()
  expect(() => requireLawful(elsewhere('openai'), providers)).toThrow('provider is "openai", which is not known')
  expect(() => requireLawful(elsewhere('replicate'), providers)).toThrow(
    'elsewhere names a provider twice: replicate, rep',
  )
})

test('a result is passed on where the recipe says so', () => {
  expect(isPassedOn(recipe, 1)).toBe(false)
  expect(isPassedOn({ passesOn: true }, 1)).toBe(true)
  expect([1, 2].map((step) => isPassedOn({ passesOn: (one) => one === 1 }, step))).toEqual([true, false])
})
