// What providers say of errors comes in many shapes; each becomes words, and none shows a signed link.
import { expect, test } from 'vitest'
import { readPrediction } from '../../providers/replicate/provider.ts'
import { wordsOf } from '../../providers/words.ts'

const cyclic: Record<string, unknown> = { deep: {} }
cyclic['message'] = { message: { message: { message: { message: { message: 'too deep' } } } } }

test.each<[string, unknown, string]>([
  ['a sentence', ' out of memory ', 'out of memory'],
  ['a number', 137, '137'],
  ['an object with a message', { message: 'out of memory' }, 'out of memory'],
  ['an object with a detail', { detail: { error: 'too large' }, status: 422 }, 'too large'],
  ['a list of sentences', ['one', '', { msg: 'two' }], 'one; two'],
  ['a list of faults with their fields', [{ loc: ['body', 'a', 0], msg: 'bad' }], 'a.0: bad'],
  ['an object with nothing known in it', { exit: 1 }, '{"exit":1}'],
  ['an object with nothing in it', {}, ''],
  ['an object that is too deep', cyclic['message'], ''],
  ['nothing', null, ''],
  ['a link that opens something', { message: 'GET https://a.test/r?file=x&signature=s' }, 'GET https://a.test/r'],
])('%s becomes words', (_name, said, words) => {
  if (words === '') expect(wordsOf(said)).not.toContain('[object')
  else expect(wordsOf(said)).toBe(words)
})

test.each<[unknown, string]>([
  [{ message: 'the model ran out of memory' }, 'the model ran out of memory'],
  [[{ loc: ['body', 'seed'], msg: 'is too large' }], 'seed: is too large'],
  [null, 'Replicate gives no reason.'],
  [{}, 'Replicate gives no reason.'],
])('a failed prediction whose error is %j fails in words', (error, reason) => {
  expect(readPrediction({ status: 'failed', error })).toEqual({ kind: 'failed', code: 'provider_failed', reason })
})
