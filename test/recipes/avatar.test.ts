// The avatar recipe: what it accepts, which trainer it asks for what, and what it takes as output.
import { expect, test } from 'vitest'
import { avatar } from '../../recipes/avatar.ts'

const recipe = avatar({ hosts: [], allowPrivate: false })
const images_url = 'https://images.test/photos.zip'
const parse = (input: object) => recipe.input.parse({ training_type: 'portrait', images_url, ...input })

const context = {
  ...{ step: 1, previous: undefined, seed: 7, candidates: 1 },
  link: async (reference: string, options?: { isMarked?: boolean }) => `${reference}#${options?.isMarked}`,
}

test('a portrait is trained by the portrait trainer, which calls the trigger a phrase', async () => {
  const request = await recipe.request(parse({ trigger_phrase: ' ohwx person ', steps: 1_200 }), context)
  expect(request).toEqual({
    model: 'fal-ai/flux-lora-portrait-trainer',
    input: {
      ...{ images_data_url: `${images_url}#true`, data_archive_format: 'zip', steps: 1_200 },
      trigger_phrase: 'ohwx person',
    },
    runOnce: true,
  })
})

test('a style is trained by the fast trainer as a style, which calls the trigger a word', async () => {
  const request = await recipe.request(parse({ training_type: 'style', trigger_phrase: 'ohwx' }), context)
  expect(request).toEqual({
    model: 'fal-ai/flux-lora-fast-training',
    input: {
      ...{ images_data_url: `${images_url}#true`, data_archive_format: 'zip' },
      ...{ is_style: true, trigger_word: 'ohwx' },
    },
    runOnce: true,
  })
})

test('it is one step', () => {
  expect(recipe.totalSteps(parse({}))).toBe(1)
})

test.each([
  ['another kind', { training_type: 'pet' }, 'training_type'],
  ['no address', { images_url: 'photos.zip' }, 'images_url'],
  ['an address without TLS', { images_url: 'http://images.test/photos.zip' }, 'images_url'],
  ['an address in a private network', { images_url: 'https://10.0.0.1/photos.zip' }, 'images_url'],
  ['a picture as data', { images_url: 'data:image/png;base64,iVBORw0KGgo=' }, 'images_url'],
  ['no steps', { steps: 0 }, 'steps'],
  ['half a step', { steps: 10.5 }, 'steps'],
  ['a blank trigger', { trigger_phrase: ' ' }, 'trigger_phrase'],
  ['a field that nobody knows', { iterations: 300 }, ''],
])('%s is refused, and the field named', (_name, input, path) => {
  const { error } = recipe.input.safeParse({ training_type: 'portrait', images_url, ...input })
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
})

test.each([
  images_url,
  '/api/upload?id=2026030112-0123456789abcdef0123456789abcdef',
  'data:application/zip;base64,UEsDBA==',
])('takes the zip file %s', (address) => {
  expect(parse({ images_url: address }).images_url).toBe(address)
})

const lora = { url: 'https://v3.fal.media/files/lora.safetensors' }
const config = { url: 'https://v3.fal.media/files/config.json' }
test.each([
  ['both files', { diffusers_lora_file: lora, config_file: config }, [lora.url, config.url]],
  ['the weights alone', { diffusers_lora_file: lora, config_file: null }, [lora.url]],
  ['the configuration alone', { config_file: config }, []],
  ['an address that is none', { diffusers_lora_file: { url: 'lora' } }, []],
  ['an id, as the trainer that was withdrawn gave', { finetune_id: 'f-1' }, []],
])('an output with %s gives its files, weights first', (_name, output, urls) => {
  expect(recipe.outputUrls(output)).toEqual(urls)
})
