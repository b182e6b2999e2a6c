// The form that is made of a schema: what its fields show before anybody has touched them, and what keeps it from being sent.
import { expect, test } from 'vitest'
import { offersOf } from '../../build/offers.ts'
import { fieldsOf, lackOf, shownIn } from '../../web/schema.ts'
import { fieldsIn } from '../../web/words/recipes.ts'

const fields = fieldsOf({
  type: 'object',
  properties: {
    style: { enum: ['photo', 'drawing'] },
    tiled: { type: 'boolean' },
    words: { type: 'string', maxLength: 80 },
    boxes: { type: 'array', items: { type: 'object' } },
    size: { enum: ['small', 'large'] },
  },
  required: ['style', 'tiled', 'words', 'boxes'],
})
const given = { words: 'a boat', boxes: '[{"x":1}]' }

test('a choice that must be made shows its first option, and is taken for made; one that may be left out shows none', () => {
  expect(lackOf(fields, given)).toBeUndefined()
  expect(fields.map((field) => shownIn(field, undefined))).toEqual(['photo', false, undefined, undefined, undefined])
  expect(fields.map((field) => shownIn(field, 'drawing'))).toEqual(fields.map(() => 'drawing'))
})

test.each([
  [{ ...given, words: '  ' }, 'words'],
  [{ ...given, boxes: '[{"x":1}' }, 'boxes'],
  [{ words: 'a boat' }, 'boxes'],
])('a field of blanks, of broken JSON or of nothing is named: %j', (values, name) => {
  expect(lackOf(fields, values)?.name).toBe(name)
})

test('every field that a person is asked for has a name in Russian, too', () => {
  const haveTheirOwn = ['try-on', 'avatar', 'memes']
  const asked = offersOf({ ENABLE_NONCOMMERCIAL: '1' }).flatMap(({ name, input_schema, changes_schema }) => [
    ...(haveTheirOwn.includes(name) ? [] : fieldsOf(input_schema)),
    ...fieldsOf(changes_schema ?? {}),
  ])
  const { nameOf } = fieldsIn('ru')
  expect(asked.map(({ name }) => nameOf(name)).filter((name) => !/^[а-яё]/i.test(name))).toEqual([])
})
