// `npm run add` of a schema that is careless or hostile: what of it becomes a recipe, and that none of it becomes code.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exampleLink } from '../../core/example.ts'
import { careless, many, openProject } from './add-setup.ts'

const { root, add, addOdd, written } = openProject()

test('a careless schema becomes a recipe: fields called like words of the language, choices with quotes, a list of types', async () => {
  const lines = await addOdd({ properties: careless }, '--name', 'z')
  const left = lines.filter((line) => line.startsWith('  ')).map((line) => line.trim().split(':')[0])
  expect(left.sort()).toEqual(['anything', 'constructor', 'mode', 'points'])
  const recipe = await written('z')
  const accepted = (input: object) => recipe.input.safeParse(input).success
  const { style, voice_id } = careless
  expect(style.enum.every((one) => accepted({ style: one }))).toBe(true)
  expect([{ voice_id: voice_id.enum[3] }, { voice_id: 'hyphen 3' }].map(accepted)).toEqual([true, false])
  const input = { class: 'a', new: true, model_from: 'b', 'voice-id': 'hyphen 3', 'line of sight': 2 }
  const context = { step: 1, previous: undefined, link: exampleLink, seed: 7, candidates: 1 }
  const { model_from: from, ...same } = input
  expect(accepted(input)).toBe(true)
  expect((await recipe.request(input, context)).input).toEqual({ ...same, from })
})

const strange = "a=globalThis['ran']='yes',b"

test('a name that no form can have is left out, and writes no code', async () => {
  const properties = { prompt: { type: 'string' }, [strange]: { type: 'string', enum: many('x') }, '\u001b[2J': {} }
  const lines = await addOdd({ properties })
  expect(lines.filter((line) => line.includes('no form can have'))).toHaveLength(2)
  expect(lines.join('')).not.toContain('\u001b')
  await written('odd')
  expect('ran' in globalThis).toBe(false)
  await expect(addOdd({ properties, required: [strange] }, '--name', 'odd-2')).rejects.toThrow('the model needs it')
})

const code = "0), globalThis['ran'] = 'yes', z.int().min(0"

test.each([
  ['a limit that is code', { properties: { x: { type: 'integer', minimum: code } } }, /^In\.properties\.x\.minimum: /],
  ['a length that is code', { properties: { x: { type: 'array', items: {}, maxItems: code } } }, /^In\..*maxItems: /],
  ['a seed whose limit is text', { properties: { seed: { type: 'integer', maximum: '9' } } }, /^In\..*maximum: /],
  ['choices that are no list', { properties: { x: { enum: 'a' } } }, /^In\.properties\.x\.enum: /],
  ['a schema that is itself', { $ref: '#/components/schemas/In' }, /^In: its references lead back/],
  [
    'a field that is itself',
    { properties: { x: { anyOf: [{ $ref: '#/x/In' }] } }, allOf: [{ $ref: '#/x/In' }] },
    /^In: /,
  ],
])('%s is refused with its place', async (_name, input, why) => {
  await expect(addOdd(input)).rejects.toThrow(why)
  expect('ran' in globalThis).toBe(false)
})

test.each([
  ['deep', '['.repeat(200), /must not nest deeper/],
  ['no JSON', '<html>', /can't be read as JSON/],
])('a saved answer that is %s is refused in words', async (_name, text, why) => {
  await writeFile(join(root, 'saved.json'), text)
  await expect(add('fal:fal-ai/odd', '--schema', join(root, 'saved.json'))).rejects.toThrow(why)
})

test('an index that lists its recipes in another form is left as it is, also where a name in it begins like the new one', async () => {
  const path = join(root, 'recipes/index.ts')
  const index = (await readFile(path, 'utf8')).replace('const known = [', 'const known: Known = [')
  await writeFile(path, index)
  await expect(addOdd({ properties: careless }, '--name', 'mem')).rejects.toThrow(
    "add mem to its list yourself, with import { mem } from './mem.ts'",
  )
  expect(await readFile(path, 'utf8')).toBe(index)
})
