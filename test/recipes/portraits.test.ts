// The portraits recipe: what it accepts, and that its avatar is called by its own words.
import { expect, test } from 'vitest'
import { portraits as open } from '../../recipes/portraits.ts'

const portraits = open({ hosts: [], allowPrivate: false })
const avatar = '/api/result?task_id=019b76da-a800-7000-8000-000000000000&step=1'
const parse = (input: object) => portraits.input.parse({ avatar, prompts: ['at sea'], ...input })
const context = {
  ...{ step: 1, previous: undefined, seed: 7, candidates: 3 },
  link: async (reference: string) => `link to ${reference}`,
}

test.each([
  ['no prompt', { prompts: [] }, 'prompts'],
  ['seven prompts', { prompts: Array(7).fill('at sea') }, 'prompts'],
  ['weights of somewhere else', { avatar: 'https://a.test/lora.safetensors' }, 'avatar'],
  ['an address that names no task', { avatar: '/api/result' }, 'avatar'],
])('%s is refused, and the field named', (_name, input, path) => {
  const parsed = portraits.input.safeParse({ avatar, prompts: ['at sea'], ...input })
  expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
})

test('a step asks for its prompt with the avatar’s weights and words, in as many candidates', async () => {
  const adopted = portraits.from?.adopt?.(parse({}), { recipe: 'avatar', input: { trigger_phrase: 'ohwx person' } })
  if (!adopted) throw new Error('nothing was adopted')
  expect((await portraits.request(adopted, context)).input).toEqual({
    ...{ prompt: 'ohwx person, at sea', loras: [{ path: `link to ${avatar}`, scale: 1 }], image_size: 'square_hd' },
    ...{ num_images: 3, seed: 7, output_format: 'jpeg' },
  })
  const changed = portraits.applyChange?.(adopted, 1, { prompt: 'OHWX person in a tree' })
  expect((await portraits.request(changed ?? adopted, context)).input['prompt']).toBe('OHWX person in a tree')
  const plain = portraits.from?.adopt?.(parse({}), { recipe: 'avatar', input: {} })
  expect((await portraits.request(plain ?? adopted, context)).input['prompt']).toBe('at sea')
  await expect(portraits.request(adopted, { ...context, step: 2 })).rejects.toThrow('no prompt for step 2')
})
