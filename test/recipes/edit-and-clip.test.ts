// The recipes that are at home at two providers: what each asks for there, and how its attempt is found again.
import { expect, test } from 'vitest'
import { pricesOf } from '../../core/price.ts'
import { type Recipe, recipeAt, type StepContext } from '../../core/recipe.ts'
import { clip } from '../../recipes/clip.ts'
import { edit } from '../../recipes/edit.ts'

const policy = { hosts: [], allowPrivate: false }
const image = 'https://images.test/room.jpg'
const chair = 'https://images.test/chair.png'
const context = (step: number, previous?: string): StepContext => ({
  ...{ step, previous, seed: 7, candidates: 1 },
  link: async (reference, { isMarked = false } = {}) => (isMarked ? `${reference}#marked` : reference),
})
const at = (recipe: unknown, provider: string) => recipeAt(recipe as Recipe, provider)

test('an edit sends the picture first, then its references, each with a marked link where the model has no seed', async () => {
  const recipe = at(edit(policy), 'replicate')
  const input = recipe.input.parse({ image, prompt: ' put this chair there ', references: [chair] })
  expect(await recipe.request(input, context(1))).toEqual({
    model: 'google/nano-banana-2',
    input: {
      prompt: 'put this chair there',
      ...{ image_input: [`${image}#marked`, `${chair}#marked`], resolution: '1K', output_format: 'jpg' },
    },
  })
  expect([recipe.totalSteps(input), pricesOf(recipe, input)]).toEqual([1, [67_000]])
})

test('on fal an edit is found by its seed, and its result is read out of an object', async () => {
  const recipe = at(edit(policy), 'fal')
  const input = recipe.input.parse({ image, prompt: 'brighter' })
  expect(await recipe.request(input, context(1))).toEqual({
    model: 'fal-ai/nano-banana-2/edit',
    input: { prompt: 'brighter', image_urls: [image], resolution: '1K', output_format: 'jpeg', seed: 7 },
  })
  const output = { images: [{ url: 'https://v3.fal.media/1.jpg' }], description: 'https://example.com/not-a-file' }
  expect(recipe.outputUrls(output)).toEqual(['https://v3.fal.media/1.jpg'])
})

test.each([
  ['no sentence', { prompt: ' ' }, 'prompt', /./],
  ['eleven references', { references: Array(11).fill(chair) }, 'references', /at most 10 pictures/],
  ['a picture that is none', { image: 'room.jpg' }, 'image', /must be an https URL/],
])('an edit with %s is refused, and the field named', (_name, input, path, words) => {
  const { error } = edit(policy).input.safeParse({ image, prompt: 'brighter', ...input })
  expect(error?.issues).toMatchObject([{ path: [path], message: expect.stringMatching(words) }])
})

test.each([
  ['replicate', 'lightricks/ltx-2.5-fast', { image: 'file:still#marked', duration: 6, generate_audio: true }, 180_000],
  ['fal', 'fal-ai/bytedance/seedance/v1/pro/fast/image-to-video', { image_url: 'file:still', duration: '6' }, 129_600],
])('a clip on %s is a still in the shape of the film, then the film of it', async (provider, model, asked, price) => {
  const recipe = at(clip(policy), provider)
  const input = recipe.input.parse({ image, seconds: 6, format: '9:16' })
  expect([recipe.totalSteps(input), recipe.gate]).toEqual([2, 'manual'])
  expect([1, 2].map((step) => recipe.makes?.(input, step))).toEqual(['image', 'video'])
  expect((await recipe.request(input, context(1))).input).toMatchObject({ aspect_ratio: '9:16', resolution: '1K' })
  const film = await recipe.request(input, context(2, 'file:still'))
  expect(film).toMatchObject({ model, input: { ...asked, resolution: '720p', aspect_ratio: '9:16' } })
  expect(pricesOf(recipe, input)[1]).toBe(price)
  expect(recipe.accept).toEqual(expect.arrayContaining(['image/jpeg', 'video/mp4', 'video/webm']))
})

test.each([{ seconds: 5 }, { seconds: '4' }, { format: '1:1' }])('a clip of %j is refused', (input) => {
  expect(clip(policy).input.safeParse({ image, ...input }).success).toBe(false)
})
