// What a recipe need not say: markers, outputs and timing follow from what it does say.
import { expect, test } from 'vitest'
import type { StepContext } from '../../core/recipe.ts'
import { type Definition, defineRecipe, type Marker } from '../../recipes/define.ts'
import { urlsIn } from '../../recipes/outputs.ts'
import { filesOf, paces } from '../../recipes/profiles.ts'

const policy = { hosts: [], allowPrivate: false }
const marked = (marker: Marker, more: Partial<Definition<never, never>> = {}) =>
  defineRecipe({
    name: 'portrait',
    provider: 'replicate',
    model: 'someone/portrait',
    fields: ({ image }) => ({ photo: image() }),
    marker,
    request: async ({ photo }, { link }) => ({ image: await link(photo) }),
    output: 'image',
    price: 'unknown',
    example: { photo: 'https://example.com/photo.jpg' },
    ...(more as object),
  })(policy)
const context: StepContext = {
  ...{ step: 1, previous: undefined, seed: 7, candidates: 1 },
  link: async (reference, { isMarked = false } = {}) => `${reference}${isMarked ? '#marked' : ''}`,
}

test.each([
  ['seed', { image: 'p', seed: 7 }, undefined],
  ['link', { image: 'p#marked' }, undefined],
  ['none', { image: 'p' }, 'none'],
] as const)('the marker %s is put where it belongs', async (marker, input, said) => {
  const recipe = marked(marker)
  expect(await recipe.request({ photo: 'p' }, context)).toEqual({ model: 'someone/portrait', input })
  expect(recipe.marker).toBe(said)
})

test('a community model is run by the version in its name', async () => {
  const recipe = marked('none', { model: 'someone/portrait:0123', runOnce: true })
  expect(await recipe.request({ photo: 'p' }, context)).toMatchObject({
    ...{ model: 'someone/portrait', version: '0123', runOnce: true },
  })
})

test('a recipe is paced by what comes out, unless it says otherwise', () => {
  expect(marked('none')).toMatchObject({ ...paces.image, gate: 'manual', accept: filesOf.image.accept })
  expect(marked('none', { output: 'video' })).toMatchObject({ ...paces.video, accept: filesOf.video.accept })
  expect(marked('none', { output: 'file' }).timing).toEqual(paces.training.timing)
  expect(marked('none', { timing: { limitSeconds: 60 } }).timing).toEqual({ ...paces.image.timing, limitSeconds: 60 })
})

test('a schema is made when it is first asked for, and once', () => {
  let made = 0
  const fields = () => {
    made += 1
    return {}
  }
  const elsewhere = [
    { provider: 'fal', model: 'someone/portrait', marker: 'none', price: 'unknown', request: () => ({}) },
  ]
  const recipe = marked('none', { fields, changes: fields, applyChange: () => ({}), elsewhere } as object)
  expect(made).toBe(0)
  expect(recipe.input.parse({})).toEqual({})
  expect([recipe.input, recipe.changes].map((schema) => schema?.safeParse({ photo: 'p' }).success)).toEqual([
    false,
    false,
  ])
  expect(made).toBe(2)
})

const file = (name: string) => ({ url: `https://a.test/${name}`, content_type: 'x/y' })
test.each([
  ['an address', 'https://a.test/1', ['https://a.test/1']],
  ['a list', ['https://a.test/1', 'https://a.test/2'], ['https://a.test/1', 'https://a.test/2']],
  ['a named member', { video: file('1'), thumbnail: file('2') }, ['https://a.test/1']],
  ['a named address', { video: 'https://a.test/1', prompt: 'https://a.test/2' }, ['https://a.test/1']],
  ['a list of files', { videos: [file('1'), file('2')] }, ['https://a.test/1', 'https://a.test/2']],
  ['members of other names', { mesh: file('1'), prompt: 'https://a.test/2' }, ['https://a.test/1']],
  ['a file itself', file('1'), ['https://a.test/1']],
  ['nothing', null, []],
  ['numbers', { seed: 7, timings: { inference: 1 } }, []],
])('an output that is %s gives its files', (_name, output, urls) => {
  expect(urlsIn(output, ['video', 'videos'])).toEqual(urls)
})

test('of an output without end, the first sixteen files are taken', () => {
  expect(urlsIn(Array(100).fill('https://a.test/1'))).toHaveLength(16)
})
