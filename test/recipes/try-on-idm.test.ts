// The try-on of 2024: what it accepts, how many steps that makes, what each step asks for, and what it takes as output.
import { expect, test } from 'vitest'
import { attemptSeed } from '../../core/recipe.ts'
import { checkRecipes, openRecipes } from '../../recipes/index.ts'
import { tryOnIdm } from '../../recipes/try-on-idm.ts'

const recipe = tryOnIdm({ hosts: [], allowPrivate: false })
const person_image = 'https://images.test/ada.jpg'
const shirt = 'https://images.test/shirt.png'
const parse = (input: unknown) => recipe.input.parse(input)

/** Links as they are given to a provider: told apart from what they were made of. */
const step = (number: number, previous?: string) => ({
  ...{ step: number, previous, seed: 7, candidates: 1 },
  link: async (reference: string) => `link to ${reference}`,
})

test('a bare URL is a garment', () => {
  const garments = [shirt, { image: shirt, category: 'dresses' }]
  expect(parse({ person_image, garments })).toEqual({
    person_image,
    garments: [{ image: shirt }, { image: shirt, category: 'dresses' }],
  })
})

test('texts are trimmed', () => {
  const garments = [{ image: shirt, description: ' red ' }]
  expect(parse({ person_image, garments, prompt_hints: ' outdoors ' })).toMatchObject({
    ...{ garments: [{ description: 'red' }], prompt_hints: 'outdoors' },
  })
})

test.each([1, 3, 10])('%i garments are as many steps', (count) => {
  expect(recipe.totalSteps(parse({ person_image, garments: Array(count).fill(shirt) }))).toBe(count)
})

test.each([
  ...['https://images.test/a.png', 'https://images.test:8443/a.png?size=2#x', 'https://93.184.215.14/a.png'],
  ...['https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/a.png', 'https://bücher.test/a.png'],
  `data:image/webp;base64,${Buffer.from('RIFF').toString('base64')}`,
])('takes the image %s', (image) => {
  expect(recipe.input.safeParse({ person_image: image, garments: [image] }).success).toBe(true)
})

test('where everything is local, http and private networks are taken; other schemes and passwords still are not', () => {
  const local = tryOnIdm({ hosts: [], allowPrivate: true })
  const takes = (image: string) => local.input.safeParse({ person_image: image, garments: [shirt] }).success
  for (const image of ['http://localhost:8888/a.png', 'http://10.0.0.1/a.png', 'https://[::1]/a'])
    expect(takes(image)).toBe(true)
  for (const image of ['ftp://localhost/a', 'file:///a', 'http://ada:x@localhost/a']) expect(takes(image)).toBe(false)
})

test('a list of hosts admits them and their subdomains', () => {
  const strict = tryOnIdm({ hosts: ['images.test'], allowPrivate: false })
  const takes = (image: string) => strict.input.safeParse({ person_image: image, garments: [image] }).success
  for (const host of ['images.test', 'cdn.images.test', 'IMAGES.TEST']) expect(takes(`https://${host}/a`)).toBe(true)
  for (const host of ['other.test', 'myimages.test', 'images.test.evil.test'])
    expect(takes(`https://${host}/a`)).toBe(false)
})

test.each([
  ['https://Images.TEST/a b.jpg', 'https://images.test/a%20b.jpg'],
  ['https://images.test/x/../a.jpg#top', 'https://images.test/a.jpg#top'],
])('an address goes out as it was parsed and checked: %s', (typed, sent) => {
  expect(parse({ person_image: typed, garments: [typed] })).toMatchObject({
    person_image: sent,
    garments: [{ image: sent }],
  })
})

test.each(['https://images.test\\@evil.test/a.jpg', 'https://images.test/\u0000', 'https://images\t.test/a'])(
  'an address that can be read in two ways is refused: %j',
  (image) => {
    const strict = tryOnIdm({ hosts: ['images.test'], allowPrivate: false })
    expect(strict.input.safeParse({ person_image: image, garments: [shirt] }).error?.issues).toMatchObject([
      { path: ['person_image'], message: 'must not hold control characters or backslashes' },
    ])
  },
)

test('the first step dresses the person, with a seed of its attempt and the version pinned', async () => {
  const input = parse({
    ...{ person_image, prompt_hints: 'outdoors' },
    garments: [{ image: shirt, description: 'a red shirt' }],
  })
  expect(await recipe.request(input, step(1))).toEqual({
    model: 'cuuupid/idm-vton',
    version: expect.stringMatching(/^[0-9a-f]{64}$/),
    input: {
      ...{ human_img: `link to ${person_image}`, garm_img: `link to ${shirt}`, category: 'upper_body' },
      ...{ force_dc: false, crop: true, seed: 7, garment_des: 'a red shirt. outdoors' },
    },
  })
})

test('a later step dresses the result of the step before, in its own garment', async () => {
  const dress = 'https://images.test/dress.png'
  const input = parse({ person_image, garments: [shirt, { image: dress, category: 'dresses' }] })
  const { input: asked } = await recipe.request(input, step(2, 'file:results/1'))
  expect(asked).toMatchObject({ human_img: 'link to file:results/1', garm_img: `link to ${dress}`, force_dc: true })
  expect(asked).not.toHaveProperty('garment_des')
  await expect(recipe.request(input, step(3))).rejects.toThrow('no garment for step 3')
})

test('the seed is the same for one attempt, and fits the model', () => {
  const token = '3b241101-e2bb-4255-8caf-4136c566a962'
  expect(attemptSeed(token)).toBe(attemptSeed(token))
  expect(attemptSeed('ffffffff-ffff-4fff-bfff-ffffffffffff')).toBe(2 ** 31 - 1)
})

test.each([
  ['one URL', 'https://r.test/1.png', ['https://r.test/1.png']],
  ['a list of URLs', ['https://r.test/1.png', 'https://r.test/2.png'], ['https://r.test/1.png']],
  ['nothing', null, []],
  ['an empty list', [], []],
  ['an object', { image: 'https://r.test/1.png' }, []],
  ['a number', 7, []],
])('an output that is %s gives its files', (_name, output, urls) => {
  expect(recipe.outputUrls(output)).toEqual(urls)
})

test('every recipe that is open can be run', async () => {
  expect([...openRecipes({ hosts: [], allowPrivate: false }).keys()]).toContain('try-on')
  await expect(checkRecipes()).resolves.toBeUndefined()
})
