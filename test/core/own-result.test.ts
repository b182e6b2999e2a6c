// Addresses of results here, and links to shared pictures: which result each spelling means, and what is none.
import { expect, test } from 'vitest'
import { isResultAddress, ownResultAddress, parseOwnResult, parseShared, shareAddress } from '../../core/own-result.ts'

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

const id = 'Ab-_56789012345678901x'

test.each([`/api/share?id=${id}`, `/api/share?picture=after&id=${id}`, `/api/share?id=${id}&picture=after#top`])(
  '%s is a link to a shared picture',
  (address) => {
    expect(parseShared(address)).toBe(id)
    expect(shareAddress(id)).toBe(`/api/share?id=${id}`)
  },
)

test.each([
  ...[
    '/api/share',
    '/api/share?',
    '/api/share?picture=after',
    `/api/share?id=${id}x`,
    `/api/share?id=${id}&picture=before`,
  ],
  ...[`/api/shared?id=${id}`, `/api/result?id=${id}`, `https://a.test/api/share?id=${id}`],
])('%s is no link to a shared picture that can be taken', (address) => {
  expect(parseShared(address)).toBeUndefined()
})
