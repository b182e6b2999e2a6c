// A recipe that can't be run is told from one that can, with a sentence that says where to look.
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Recipe, StepContext } from '../../core/recipe.ts'
import { faultOfSteps, requireLawful, requireSound } from '../../core/soundness.ts'
import { recipe } from './recipe.ts'

/** A recipe that asks for this. */
const asking = (input: unknown) => ({
  ...recipe,
  request: async () => ({ model: 'someone/portrait', input: input as Record<string, unknown> }),
})

const price = { of: () => 3_000, source: 'https://provider.test/pricing', date: '2026-11-18' }
const priced = (change: Partial<typeof price>): Recipe => ({ ...recipe, price: { ...price, ...change } })

test('requireSound() passes a price of nothing, and one with a budget', async () => {
  await expect(requireSound({ ...priced({ of: () => 0 }), budgetPerDay: 0.5 })).resolves.toBeUndefined()
})

test.each([
  ['in its only form', z.object({ from: z.string() })],
  ['in one of its forms', z.union([z.object({ text: z.string() }), z.object({ from: z.string() })])],
])('requireSound() refuses a recipe whose input has, %s, a field of every start request', async (_where, input) => {
  await expect(requireSound({ ...recipe, input })).rejects.toThrow('its input has a field from, which every start')
})

const cyclic: Record<string, unknown> = {}
cyclic['self'] = { again: cyclic }
const shared = { size: 1 }

test('requireSound() passes a recipe that can be run', async () => {
  await expect(requireSound(recipe)).resolves.toBeUndefined()
})

test('requireSound() builds further examples too, whose change nobody asks for', async () => {
  const more: Recipe = { ...recipe, moreExamples: [{ input: {}, output: ['https://provider.test/other.png'] }] }
  await expect(requireSound(more)).resolves.toBeUndefined()
})

test.each([
  ['a list, a null, a flag and a field left out', { list: [1, 'two', { three: null }], flag: true, none: undefined }],
  ['the same object twice, not within itself', { first: shared, second: shared }],
])('requireSound() passes a request with %s', async (_name, input) => {
  await expect(requireSound(asking(input))).resolves.toBeUndefined()
})

test('requireSound() builds every step of the example, each but the first on the result of the one before', async () => {
  const built: (Pick<StepContext, 'step' | 'previous'> & { linked: string })[] = []
  await requireSound({
    ...recipe,
    totalSteps: () => 2,
    request: async (_input, { step, previous, link }) => {
      built.push({ step, previous, linked: await link('file:any') })
      return { model: 'someone/portrait', input: {} }
    },
  })
  const linked = 'https://example.com/linked'
  expect(built.slice(0, 2)).toEqual([
    { step: 1, previous: undefined, linked },
    { step: 2, previous: 'file:previous', linked },
  ])
})

const changeable = (change: Partial<Recipe> = {}): Recipe => ({
  ...recipe,
  input: z.object({ image: z.string() }),
  example: { input: { image: 'https://a.test/1.png' }, output: recipe.example.output, change: { hint: 'red' } },
  changes: z.strictObject({ hint: z.string() }),
  applyChange: (input, step, change) => ({ ...(input as object), ...(change as object), step }),
  candidates: { max: 4 },
  from: { field: 'image' },
  ...change,
})

test('requireSound() tries a change and the most candidates as well', async () => {
  const asked: unknown[] = []
  await requireSound(
    changeable({
      request: async (input, { candidates }) => {
        asked.push({ ...(input as object), candidates })
        return { model: 'someone/portrait', input: {} }
      },
    }),
  )
  const image = 'https://a.test/1.png'
  expect(asked).toEqual([
    { image, candidates: 1 },
    { image, hint: 'red', step: 1, candidates: 4 },
  ])
})

test.each([
  ['candidates.max is 1; it must be 2 to 4', changeable({ candidates: { max: 1 } })],
  ['candidates.max is 5', changeable({ candidates: { max: 5 } })],
  ['candidates.max is 2.5', changeable({ candidates: { max: 2.5 } })],
  ['changes and applyChange belong together', changeable({ applyChange: undefined as never })],
  ['example.change is missing', changeable({ example: { input: { image: '' }, output: recipe.example.output } })],
  [
    "its example's change is refused: hint Invalid input",
    changeable({ example: { input: { image: '' }, output: recipe.example.output, change: {} } }),
  ],
  ['from.field is "photo", which is no field of its example', changeable({ from: { field: 'photo' } })],
  [
    'from.field is "photo"',
    { ...recipe, input: z.string(), example: { ...recipe.example, input: 'a' }, from: { field: 'photo' } },
  ],
  [
    "step 1 of its example with a change and 4 candidates can't be built: no more than 2",
    changeable({
      request: async (_input, { candidates }) => {
        if (candidates > 2) throw new Error('no more than 2')
        return { model: 'someone/portrait', input: {} }
      },
    }),
  ],
])('requireSound() says of the gate that %s', async (fault, unsound) => {
  await expect(requireSound(unsound)).rejects.toThrow(`recipe portrait: ${fault}`)
})

test.each([
  ['maxBytes is 0', { ...recipe, maxBytes: 0 }],
  ['stepSeconds is -1', { ...recipe, stepSeconds: -1 }],
  ['limitSeconds is NaN', { ...recipe, timing: { ...recipe.timing, limitSeconds: Number.NaN } }],
  ['accept is empty', { ...recipe, accept: [] }],
  ['its example is refused: prompt Invalid input', { ...recipe, input: z.object({ prompt: z.string() }) }],
  ['its example has 0 steps; a task has 1 to 1000', { ...recipe, totalSteps: () => 0 }],
  ['its example has 1.5 steps', { ...recipe, totalSteps: () => 1.5 }],
  ['its example has 1001 steps', { ...recipe, totalSteps: () => 1_001 }],
  ['outputUrls finds no file in its example output', { ...recipe, outputUrls: () => [] }],
  [
    'outputUrls finds "out.png" in its example output, which is not a URL',
    { ...recipe, outputUrls: () => ['out.png'] },
  ],
  [
    'outputUrls finds a file where the output is null',
    { ...recipe, outputUrls: () => ['https://provider.test/1.png'] },
  ],
  [
    "step 1 of its example can't be built: there is no garment",
    { ...recipe, request: () => Promise.reject(new Error('there is no garment')) },
  ],
  ['step 1 of its example names no model', { ...recipe, request: async () => ({ model: '', input: {} }) }],
  ["price is missing; give { of, source, date }, or 'unknown'", { ...recipe, price: undefined as never }],
  ['price is missing; give { of, source, date }', { ...recipe, price: { source: 'https://a.test' } as never }],
  ['price.source is undefined; it must be the https address', priced({ source: undefined as never })],
  ['price.source is "http://a.test"', priced({ source: 'http://a.test' })],
  ['price.date is undefined; it must be a day such as', priced({ date: undefined as never })],
  ['price.date is "2026-13-45"', priced({ date: '2026-13-45' })],
  ['price.date is "yesterday"', priced({ date: 'yesterday' })],
  ['price.of step 1 of its example is -1; it must be 0 or more', priced({ of: () => -1 })],
  ['price.of step 1 of its example is NaN; it must be a number', priced({ of: () => Number.NaN })],
  ['price.of step 1 of its example is undefined; it must be a number', priced({ of: () => undefined as never })],
  ['price.of step 1 of its example is 0.03; it must be a whole number of millionths', priced({ of: () => 0.03 })],
  ['price.of step 1 of its example is $1000.000001; more than $1000 a step', priced({ of: () => 1_000_000_001 })],
  ['budgetPerDay is 0; it must be dollars, more than 0', { ...recipe, budgetPerDay: 0 }],
  ['budgetPerDay is NaN', { ...recipe, budgetPerDay: Number.NaN }],
  ['budgetPerDay is Infinity', { ...recipe, budgetPerDay: Number.POSITIVE_INFINITY }],
])('requireSound() says that %s', async (fault, unsound) => {
  await expect(requireSound(unsound)).rejects.toThrow(`recipe portrait: ${fault}`)
})

test.each([
  ['input.image is a Promise; await it', { image: Promise.resolve('https://example.com/1.png') }],
  ['input.sizes.1.width is NaN', { sizes: [{ width: 1 }, { width: Number.NaN }] }],
  ['input.seed is a bigint', { seed: 1n }],
  ['input.pick is a function', { pick: () => 1 }],
  ['input.at is a Date', { at: new Date() }],
  ['input.map is a bare object', { map: Object.create(null) }],
  ['input.self.again contains itself', cyclic],
  ['input is a Map', new Map()],
])('requireSound() says that a request cannot be sent: %s', async (fault, input) => {
  await expect(requireSound(asking(input))).rejects.toThrow(
    `recipe portrait: step 1 of its example can't be sent as JSON: ${fault}`,
  )
})

const known = ['replicate', 'fal']
const sketch = { ...recipe, name: 'sketch' }
const misnamed = ['a/b', 'Portrait', '', '-a', 'a--b', '../a', 'x'.repeat(65)]
const unlawful: [string, Recipe[], string][] = [
  [
    'an unknown provider',
    [{ ...recipe, provider: 'openai' }],
    'recipe portrait: provider is "openai", which is not known; known are: replicate, fal',
  ],
  [
    'a second recipe of one name',
    [recipe, sketch, recipe],
    'recipe portrait: name is taken by another recipe; taken are: portrait, sketch',
  ],
  ...misnamed.map((name): [string, Recipe[], string] => [
    `the name ${JSON.stringify(name)}`,
    [{ ...recipe, name }],
    `recipe ${name}: name must be lower-case words joined by hyphens`,
  ]),
]
test.each(unlawful)('requireLawful() refuses %s', (_what, recipes, sentence) => {
  expect(() => requireLawful(recipes, known)).toThrow(sentence)
})

test('requireLawful() passes recipes of different names and known providers', () => {
  expect(() => requireLawful([recipe, { ...recipe, name: 'sketch-2', provider: 'fal' }], known)).not.toThrow()
})

test('faultOfSteps() names what the table does not accept', () => {
  expect([faultOfSteps(1), faultOfSteps(1_000)]).toEqual([undefined, undefined])
  for (const steps of [0, -1, 1.5, 1_001, Number.NaN])
    expect(faultOfSteps(steps)).toBe(`${steps} steps; a task has 1 to 1000`)
})
