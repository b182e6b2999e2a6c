// Any model, imitated by its published schema or by a recipe's example: what it accepts, what it tells, and what it draws.

import { readFile } from 'node:fs/promises'
import { fileTypeFromBuffer } from 'file-type'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import type { Recipe } from '../../core/recipe.ts'
import { drawClip } from '../../simulator/media/clip.ts'
import { examplesFor } from '../../simulator/models/known.ts'
import { shapeOfSchema } from '../../simulator/models/shape.ts'
import { falHarness } from './fal-harness.ts'
import { harness, type Shown } from './harness.ts'

const person = await readFile(new URL('../../web/public/samples/person.jpg', import.meta.url))
const shirt = await readFile(new URL('../../web/public/samples/shirt.png', import.meta.url))
const trousers = await readFile(new URL('../../web/public/samples/trousers.png', import.meta.url))
const asUri = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`
const fetchInput = async () => new Response(new Uint8Array(person))

/** One prediction of a model that is run by its name, over at once. */
async function run(model: string, input: object, options: Parameters<typeof harness>[0] = {}) {
  const { call, get, advance } = harness({ drawing: true, fetchInput, ...options })
  const created = (await (await call('POST', `/v1/models/${model}/predictions`, { input })).json()) as Shown
  advance(4)
  const { output, error } = await get(created.id)
  const files = [output].flat().map(async (url) => Buffer.from(await (await call('GET', String(url))).bytes()))
  return { output, error, files: await Promise.all(output === null ? [] : files) }
}

test('an input that the schema refuses is refused as Replicate does, field by field', async () => {
  const { call } = harness()
  const refused = await call('POST', '/v1/models/lightricks/ltx-2.5-fast/predictions', {
    input: { image: 'not an address', duration: 7, generate_audio: 'yes' },
  })
  expect(refused.status).toBe(422)
  expect(await refused.json()).toMatchObject({
    title: 'Input validation failed',
    invalid_fields: expect.arrayContaining([
      { type: 'missing', field: 'input', description: 'prompt is required' },
      { type: 'format', field: 'input.image', description: expect.stringContaining('uri') },
      { type: 'enum', field: 'input.duration', description: expect.stringContaining('[2,3,4') },
      { type: 'type', field: 'input.generate_audio', description: 'must be boolean' },
    ]),
  })
})

test('fal accepts any input, and its result says what is wrong with it', async () => {
  const { submit, result, advance } = falHarness()
  const submitted = await submit({ prompt: 'a cat', num_images: 9 }, {}, 'fal-ai/nano-banana-2/edit')
  advance(4)
  const answer = await result(submitted)
  expect(answer.status).toBe(422)
  expect(await answer.json()).toMatchObject({
    detail: expect.arrayContaining([
      { loc: ['body', 'image_urls'], msg: 'Field required', type: 'missing' },
      { loc: ['body', 'num_images'], msg: 'must be <= 4', type: 'maximum' },
    ]),
  })
})

test('a model tells its schema, by its name and by its version', async () => {
  const { call } = harness()
  const model = await (await call('GET', '/v1/models/cuuupid/idm-vton')).json()
  expect(model).toMatchObject({
    ...{ owner: 'cuuupid', name: 'idm-vton', is_official: false, default_example: { output: expect.any(String) } },
    latest_version: { openapi_schema: { components: { schemas: { Input: { required: ['garm_img', 'human_img'] } } } } },
  })
  const { id } = (model as { latest_version: { id: string } }).latest_version
  const versions = '/v1/models/cuuupid/idm-vton/versions'
  expect(await (await call('GET', versions)).json()).toMatchObject({ results: [{ id }] })
  expect(await (await call('GET', `${versions}/${id}`)).json()).toMatchObject({ id })
  const strange = ['/v1/models/some/body', `${versions}/${'0'.repeat(64)}`, '/v1/models/cuuupid/idm-vton/readme']
  const answers = await Promise.all(strange.map(async (path) => (await call('GET', path)).status))
  expect(answers).toEqual([404, 404, 404])
})

test('fal tells the document of an endpoint without a key, and nothing of one that it does not have', async () => {
  const { call } = falHarness({ key: 'right' })
  const ask = async (query: string) => (await call('GET', `/api/models?${query}`, undefined, {})).json()
  const endpoint = 'fal-ai/flux-lora'
  expect(await ask(`endpoint_id=${endpoint}&expand=openapi-3.0`)).toMatchObject({
    models: [
      {
        endpoint_id: endpoint,
        openapi: { paths: { [`/${endpoint}`]: {}, [`/${endpoint}/requests/{request_id}`]: {} } },
      },
    ],
  })
  expect(await ask('endpoint_id=fal-ai/nothing')).toEqual({ models: [], next_cursor: null, has_more: false })
})

const image = 'https://images.test/person.jpg'

test.each([
  ['google/nano-banana-2', { prompt: 'a red hat', image_input: [image], output_format: 'png' }, 'image/png'],
  ['lightricks/ltx-2.5-fast', { prompt: 'she waves', image, duration: 2 }, 'video/mp4'],
  ['minimax/video-01', { prompt: 'a storm' }, 'video/mp4'],
] as const)('%s answers with a file of its kind', async (model, input, type) => {
  const { files } = await run(model, input)
  expect(await Promise.all(files.map(async (file) => (await fileTypeFromBuffer(file))?.mime))).toEqual([type])
})

test('audio models answer with a tune, the same for the same words', async () => {
  const { submit, result, call, advance } = falHarness({ drawing: true })
  const sing = async (lyrics: string) => {
    const submitted = await submit({ tags: 'folk', lyrics, duration: 1 }, {}, 'fal-ai/ace-step')
    advance(4)
    const { audio } = (await (await result(submitted)).json()) as { audio: { url: string; content_type: string } }
    return Buffer.from(await (await call('GET', audio.url)).bytes())
  }
  const [one, again, other] = [await sing('la la'), await sing('la la'), await sing('do re mi')]
  expect((await fileTypeFromBuffer(one))?.mime).toBe('audio/wav')
  expect([one.equals(again), one.equals(other)]).toEqual([true, false])
})

test.each(['webm', 'mp4'] as const)('a clip asked for as %s is one, and small', async (format) => {
  const clip = await drawClip({ picture: person, seconds: 1, format })
  expect((await fileTypeFromBuffer(clip))?.mime).toBe(`video/${format}`)
  expect(clip.length).toBeLessThan(250_000)
})

test('an output that may hold more of its own kind has an end', () => {
  const Node = { properties: { image: { format: 'uri' }, parts: { type: 'array', items: { $ref: '#/x/Node' } } } }
  const Loop = { $ref: '#/x/Loop' }
  const own = { name: 'a/b', version: null, official: true, input: 'Loop', schemas: { Node, Loop } }
  const shapes = ['Node', 'Loop'].map((output) => shapeOfSchema({ ...own, output }))
  const image = { file: { kind: 'image', isObject: false } }
  expect(shapes).toEqual([{ fields: { image, parts: { list: { value: null } } } }, { value: null }])
})

/** How much of a picture's upper part differs from the same part of another, 0 to 1. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const pixels = (picture: Buffer) => sharp(picture).resize(32, 40, { fit: 'fill' }).removeAlpha().raw().toBuffer()
  const [here, there] = await Promise.all([pixels(one), pixels(other)])
  return here.filter((value, at) => Math.abs(value - (there[at] ?? 0)) > 40).length / here.length
}

test('a picture shows the one that was given, the words, and another seed as another picture', async () => {
  const edit = (prompt: string, more: object = {}) =>
    run('black-forest-labs/flux-kontext-pro', { prompt, input_image: image, ...more })
  const [hat, boots, redone] = await Promise.all([
    edit('a hat'),
    edit('boots and a long coat'),
    edit('a hat', { seed: 9 }),
  ])
  const [one = person] = hat.files
  expect(await difference(one, person)).toBeLessThan(0.25)
  expect(one.equals(boots.files[0] ?? one)).toBe(false)
  expect(one.equals(redone.files[0] ?? one)).toBe(false)
})

test('an outfit is one picture with every garment, in whatever order they come', async () => {
  const wear = async (...garments: Buffer[]) => {
    const input = { person_image: image, garment_images: garments.map(asUri), seed: 42 }
    const { files } = await run('prunaai/p-image-try-on', input)
    return files[0] ?? person
  }
  const [both, turned, one] = await Promise.all([wear(shirt, trousers), wear(trousers, shirt), wear(shirt)])
  expect(both.equals(turned)).toBe(true)
  expect(await difference(both, one)).toBeGreaterThan(0.02)
  expect(await difference(one, person)).toBeGreaterThan(0.02)
})

test('as many pictures come as were asked for', async () => {
  const { output } = await run('openai/gpt-image-2', { prompt: 'a cat', number_of_images: 3 }, { drawing: false })
  expect(output).toHaveLength(3)
})

test('a model without a known schema is imitated by the example of the recipe that asks for it', async () => {
  const recipe = {
    name: 'turned',
    provider: 'replicate',
    input: { safeParse: (data: unknown) => ({ success: true, data }) },
    example: {
      input: {},
      output: { clip: 'https://replicate.delivery/out.webm', score: 3 },
    },
    makes: () => 'video',
    totalSteps: () => 1,
    request: async () => ({ model: 'some/turner', input: { photo: 'https://example.com/a.png' } }),
  } as unknown as Recipe
  const examples = await examplesFor('replicate', [recipe])
  const { output, files } = await run('some/turner', { photo: image }, { examples })
  expect(output).toMatchObject({ clip: expect.stringMatching(/\.webm$/), score: 3 })
  expect(files).toHaveLength(1)
  expect(await examplesFor('fal', [recipe])).toEqual([])
})
