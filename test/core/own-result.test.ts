// Addresses of results here: which result each spelling means, and what is none.
import { expect, test } from 'vitest'
import { isResultAddress, ownResultAddress, parseOwnResult } from '../../core/own-result.ts'

const task_id = '019b76da-a800-7000-8000-000000000000'
const at = `/api/result?task_id=${task_id}`

test.each([
  [`${at}&step=2`, { task_id, step: 2 }, `${at}&step=2`],
  [`${at}&step=2&attempt=3`, { task_id, step: 2, attempt: 3 }, `${at}&step=2&attempt=3`],
  [`/api/result?step=2&task_id=${task_id.toUpperCase()}`, { task_id, step: 2 }, `${at}&step=2`],
  [
    `${at}&step=2&attempt=3&file=2&download=1#top`,
    { task_id, step: 2, attempt: 3, file: 2 },
    `${at}&step=2&attempt=3&file=2`,
  ],
  [`${at}&step=2&attempt=3&file=1`, { task_id, step: 2, attempt: 3, file: 1 }, `${at}&step=2&attempt=3`],
  [`${at}&step=2&file=4`, { task_id, step: 2, file: 4 }, `${at}&step=2&file=4`],
])('%s', (address, meant, written) => {
  expect(parseOwnResult(address)).toEqual(meant)
  expect(ownResultAddress(meant)).toBe(written)
})

test.each([
  ...[
    '/api/result',
    '/api/result?',
    at,
    `${at}&step=0`,
    `${at}&step=x`,
    `${at}&step=1&attempt=1.5`,
    `${at}&step=1&file=-1`,
  ],
  ...[
    '/api/result?task_id=7&step=1',
    '/api/result?file=results/a&expires=1&signature=x',
    '/api/results?step=1',
    'https://a.test/1',
  ],
])('%s names no result', (address) => {
  expect(parseOwnResult(address)).toBeUndefined()
  expect(isResultAddress(address)).toBe(/^\/api\/result(\?|$)/.test(address))
})
