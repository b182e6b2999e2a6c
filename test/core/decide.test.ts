// Every decision of a pass, as a table: what the provider answered, and what that changes.
import { expect, test } from 'vitest'
import {
  type CheckOutcome,
  type Copying,
  decideCheck,
  decideCopy,
  decideHindered,
  decideSearch,
  decideSubmission,
  faultRetrySeconds,
  type SubmissionOutcome,
  searchesNeeded,
  shorten,
  unconfigured,
} from '../../core/decide.ts'
import type { Observation, Search, Submission } from '../../core/provider.ts'
import { recipe } from './recipe.ts'

const now = new Date('2026-03-01T12:00:00.000Z')
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000)
const long = 'x'.repeat(501)
const short = `${'x'.repeat(499)}…`
const urls = { get: 'https://provider.test/p1' }
const created = { kind: 'created', prediction_id: 'p1', urls, check_in: recipe.timing.firstCheckSeconds } as const

test('shorten() leaves no query in an address: it may be a signed link of ours that the provider quotes', () => {
  expect(shorten('Could not fetch "https://app.test/api/result?file=x&signature=secret" (404)')).toBe(
    'Could not fetch "https://app.test/api/result" (404)',
  )
})

test('shorten() leaves no fragment either: it marks the attempt', () => {
  expect(shorten('https://photos.test/me.zip#marker=secret is no zip file')).toBe(
    'https://photos.test/me.zip is no zip file',
  )
})

test('shorten() keeps up to 500 characters, and marks what it cuts', () => {
  expect(shorten('x'.repeat(500))).toBe('x'.repeat(500))
  expect(shorten(long)).toBe(short)
})

const submissions: [Submission, SubmissionOutcome][] = [
  [{ kind: 'created', prediction_id: 'p1', urls }, created],
  [
    { kind: 'throttled', reason: long, retryAfterSeconds: 9 },
    { kind: 'throttled', provider: recipe.provider, reason: short, retry_in: 9 },
  ],
  [
    { kind: 'rejected', reason: long },
    { kind: 'rejected', code: 'provider_rejected', reason: short },
  ],
  [
    { kind: 'unknown', reason: 'timeout' },
    { kind: 'unknown', search_in: 10 },
  ],
]
test.each(submissions)('decideSubmission() takes %j as %j', (submission, outcome) => {
  expect(decideSubmission(submission, recipe)).toEqual(outcome)
})

test('decideHindered() tries again until the step has waited for as long as an attempt may take', () => {
  const { limitSeconds } = recipe.timing
  const { code, reason } = unconfigured('replicate')
  const decided = (seconds: number) => decideHindered({ code, reason }, before(seconds), recipe, now)
  expect(decided(limitSeconds - 1)).toEqual({ kind: 'unsent', retry_in: faultRetrySeconds })
  expect(decided(limitSeconds)).toEqual({ kind: 'rejected', code: 'provider_not_configured', reason })
  expect(reason).toMatch(/^Nothing was sent: replicate/)
})

const limit = recipe.timing.unconfirmedSeconds
const unsettled = expect.objectContaining({ kind: 'unsettled', code: 'submission_unconfirmed' })
const none: Search = { kind: 'none' }
const unreachable: Search = { kind: 'unreachable', reason: 'reset' }
const unsure: Search = { kind: 'unsure', reason: 'unfinished requests may not be listed' }
const found: Search = {
  kind: 'found',
  predictions: [
    { prediction_id: 'p1', urls },
    { prediction_id: 'p2', urls },
  ],
}
const graceSeconds = 180
const terms = { graceSeconds, inputsKeptSeconds: 3_600 }
const searches: [string, Search, number, unknown][] = [
  ['adopts what is found first', found, 0, created],
  ['adopts what is found, however late', found, limit + 1, created],
  ['waits while a create may still be on its way', none, graceSeconds - 1, undefined],
  ['believes the list after the grace time', none, graceSeconds, { kind: 'absent' }],
  ['believes the list while the marker is kept', none, 50 * 60 - 1, { kind: 'absent' }],
  ['believes no list once the marker is erased', none, 50 * 60, undefined],
  ['believes no empty find', { kind: 'found', predictions: [] }, graceSeconds, undefined],
  ['waits for a silent provider', unreachable, limit - 1, undefined],
  ['believes no list that may be incomplete', unsure, graceSeconds, undefined],
  ['waits as long as the recipe says', unsure, limit - 1, undefined],
  ['gives up at the limit', unsure, limit, unsettled],
  ['gives up at the limit', unreachable, limit, unsettled],
  ['gives up at the limit', none, limit, unsettled],
]
const sentBefore = (age: number, searches = searchesNeeded) => ({ submitted_at: before(age), searches })
test.each(searches)('decideSearch() %s: %j after %d s', (_, search, age, outcome) => {
  expect(decideSearch(search, sentBefore(age), recipe, now, terms)).toEqual(outcome)
})

test('decideSearch() believes the list after another grace time, if told', () => {
  const short = { ...terms, graceSeconds: 20 }
  const absent = (age: number) => decideSearch(none, sentBefore(age), recipe, now, short)
  expect([absent(19), absent(20)]).toEqual([undefined, { kind: 'absent' }])
})

test('decideSearch() believes no list before it was searched as often as that takes, however old the clock makes the attempt', () => {
  const absent = (searches: number) => decideSearch(none, sentBefore(600, searches), recipe, now, terms)
  expect([absent(searchesNeeded - 1), absent(searchesNeeded)]).toEqual([undefined, { kind: 'absent' }])
})

test('decideSearch() waits for an attempt whose beginning is not known', () => {
  expect(decideSearch(none, { submitted_at: null, searches: searchesNeeded }, recipe, now, terms)).toBeUndefined()
})

const running: Observation = { kind: 'running' }
const silent: Observation = { kind: 'unreachable', reason: 'reset' }
const unanswered = { kind: 'unanswered', reason: 'reset' } as const
const timedOut = expect.objectContaining({ kind: 'failed', code: 'timed_out', leave: true })
const output = ['https://provider.test/one.png']
/** What was seen, how long the limit is past, how many 404s went before. */
const looks: [string, Observation, number, number, unknown][] = [
  ['takes an output', { kind: 'succeeded', output }, 0, 0, { kind: 'succeeded', output }],
  ['takes an output past the limit', { kind: 'succeeded', output }, 9_999, 0, { kind: 'succeeded', output }],
  [
    'takes a file that came inside the answer',
    { kind: 'succeeded', output: ['data:image/png;base64,AAAA'] },
    -9,
    0,
    { kind: 'succeeded', output: ['data:image/png;base64,AAAA'] },
  ],
  [
    'keeps an address as it was parsed',
    { kind: 'succeeded', output: ['https://Provider.test/a b.png'] },
    -9,
    0,
    { kind: 'succeeded', output: ['https://provider.test/a%20b.png'] },
  ],
  [
    'fails a success whose address can be read in two ways',
    { kind: 'succeeded', output: ['https://provider.test\\@evil.test/a.png'] },
    -9,
    0,
    expect.objectContaining({ kind: 'failed', code: 'result_unusable' }),
  ],
  [
    'fails a success without a file',
    { kind: 'succeeded', output: null },
    -9,
    0,
    expect.objectContaining({ kind: 'failed', code: 'result_unusable' }),
  ],
  [
    "passes on a failure's words",
    { kind: 'failed', code: 'provider_canceled', reason: long },
    -9,
    0,
    { kind: 'failed', code: 'provider_canceled', reason: short } satisfies CheckOutcome,
  ],
  ['counts a 404', { kind: 'missing' }, -9, 0, expect.objectContaining({ kind: 'missing', retry_in: 60 })],
  ['has nothing to write of a running one', running, -9, 0, undefined],
  ['forgets 404s of a running one', running, -9, 1, { kind: 'answered' }],
  ['ends a running one at the limit', running, 0, 0, timedOut],
  ['waits for a silent provider', silent, 0, 2, unanswered],
  ['waits for a silent provider past the limit', silent, recipe.timing.limitSeconds - 1, 0, unanswered],
  ['gives a silent provider up after the limit again', silent, recipe.timing.limitSeconds, 0, timedOut],
]
test('decideCheck() ends a success that its recipe can not read, in words', () => {
  const outputUrls = (made: unknown) => (made as { images: string[] }).images.map((url) => url)
  const task = { submitted_at: before(9), deadline_at: before(-9), misses: 0, unanswered: 0 }
  expect(decideCheck({ kind: 'succeeded', output: null }, task, { ...recipe, outputUrls }, now)).toEqual({
    ...{ kind: 'failed', code: 'result_unusable' },
    reason: expect.stringMatching(/^The recipe could not read the provider's result: .*images/),
  })
})

test.each(looks)('decideCheck() %s: %j, limit + %d s, %d misses', (_, observation, late, misses, outcome) => {
  const task = { submitted_at: before(3_600 + late), deadline_at: before(late), misses, unanswered: 0 }
  expect(decideCheck(observation, task, recipe, now)).toEqual(outcome)
})

test('decideCheck() waits for a prediction that has no limit', () => {
  const task = { submitted_at: null, deadline_at: null, misses: 0, unanswered: 0 }
  expect(decideCheck(running, task, recipe, now)).toBeUndefined()
  expect(decideCheck(silent, task, recipe, now)).toEqual(unanswered)
  expect(decideCheck(running, { ...task, unanswered: 3 }, recipe, now)).toEqual({ kind: 'answered' })
})

const postponed = (retry_in: number) => ({ kind: 'postponed', retry_in })
const lost = expect.objectContaining({ kind: 'failed', code: 'result_lost' })
const succeeded: Observation = { kind: 'succeeded', output }
/** What the provider says now, how long the copy is tried, how long the limit is past. */
const copies: [string, Observation | undefined, number, number, unknown][] = [
  ['tries again soon', succeeded, 0, -9, postponed(10)],
  ['tries again more seldom with time', succeeded, 400, -9, postponed(100)],
  ['tries again every two minutes at least', succeeded, 9_999, -9, postponed(120)],
  ['tries again though the limit is past', succeeded, 3_599, 9_999, postponed(120)],
  ['gives up past the limit after a fair time', succeeded, 3_600, 0, lost],
  ['gives up for a silent provider, too', silent, 3_600, 0, lost],
  ['gives up where there was no time to ask', undefined, 3_600, 0, lost],
  ['waits for a silent provider', silent, 40, -9, postponed(10)],
  ['believes that the data is gone', { kind: 'failed', code: 'result_lost', reason: 'gone' }, 0, -9, lost],
  ['counts a 404', { kind: 'missing' }, 0, -9, expect.objectContaining({ kind: 'missing', code: 'result_lost' })],
]
test.each(copies)('decideCopy() %s: %j, tried for %d s, limit + %d s', (_, seen, age, late, outcome) => {
  const copying: Copying = { storing_since: before(age), deadline_at: before(late) }
  expect(decideCopy(seen, copying, now)).toEqual(outcome)
})

test("decideCopy() never ends a result for a fault of our store, but for the provider's word that it is gone", () => {
  const late: Copying = { storing_since: before(90_000), deadline_at: before(80_000) }
  const fault = 'The blob store refuses our credentials (401)'
  expect(decideCopy(succeeded, late, now, fault)).toEqual({ ...postponed(120), reason: fault })
  expect(decideCopy(undefined, late, now, fault)).toEqual({ ...postponed(120), reason: fault })
  const gone: Observation = { kind: 'failed', code: 'result_lost', reason: 'Data removed.' }
  expect(decideCopy(gone, late, now, fault)).toEqual(gone)
  expect(decideCopy({ kind: 'missing' }, late, now, fault)).toMatchObject({ kind: 'missing', code: 'result_lost' })
})

test("decideCopy() leaves what it doesn't know to a pass", () => {
  expect(decideCopy(succeeded, {}, now)).toEqual(postponed(10))
})

test("decideCheck() tells what a prediction cost by its provider's figures, whether it succeeded or failed", () => {
  const settle = ({ predict_seconds = 0 }) => predict_seconds * 1_000
  const priced = { ...recipe, price: { of: () => 9, source: 'https://a.test', date: '2026-11-18', settle } }
  const never = { submitted_at: null, deadline_at: null, misses: 0, unanswered: 0 }
  const metrics = { predict_seconds: 2 }
  const check = (seen: Observation) => decideCheck(seen, never, priced, new Date())
  expect(check({ ...succeeded, metrics } as Observation)).toMatchObject({ kind: 'succeeded', cost: 2_000 })
  const failed = { kind: 'failed', code: 'provider_failed', reason: 'Out of memory.', metrics } as const
  expect(check(failed)).toEqual({ kind: 'failed', code: 'provider_failed', reason: 'Out of memory.', cost: 2_000 })
})
