// How deep and how large a JSON text is, told without parsing it.
import { expect, test } from 'vitest'
import { beyondBounds } from '../../core/json-bounds.ts'

const bounds = { depth: 3, values: 4 }

test.each([
  '',
  '7',
  '[[[]]]',
  '{"a":{"b":[1]}}',
  '[1,2,3,4]',
  '[[],[],[],[]]',
  '"[[[[,,,,"',
  '"\\"[[[[,,,,\\\\"',
  '{"[[[[":"\\\\"}',
])('beyondBounds() lets %s pass', (text) => expect(beyondBounds(text, bounds)).toBeUndefined())

test.each(['[[[[]]]]', '{"a":{"b":[{}]}}', '[[[[', '["]",["]",["\\"]",[]]]]'])(
  'beyondBounds() finds %s too deep',
  (text) => expect(beyondBounds(text, bounds)).toMatch(/deeper than 3/),
)

test.each(['[1,2,3,4,5]', '{"a":[1,2,3],"b":[1,2]}', '[1,[2,[3,4],5]]'])(
  'beyondBounds() finds too many values in %s',
  (text) => expect(beyondBounds(text, bounds)).toMatch(/more than 4 values/),
)

test.each(['"', '"\\', '"abc', '["a', ']]]', '}{', 'nonsense'])('beyondBounds() leaves %s to the parser', (text) =>
  expect(beyondBounds(text, bounds)).toBeUndefined(),
)
