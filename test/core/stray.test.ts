// A stray is canceled soon and often, then ever more seldom, and given up only when it must long be over.
import { expect, test } from 'vitest'
import type { Cancellation } from '../../core/provider.ts'
import type { Recipe } from '../../core/recipe.ts'
import { decideStray, waitOf } from '../../core/stray.ts'
import { stray } from '../setup/factory.ts'
import { recipe } from './recipe.ts'

const now = new Date('2026-03-01T12:00:00.000Z')
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString()
const asked: Cancellation = { kind: 'asked' }
const silent: Cancellation = { kind: 'unreachable', reason: '401' }
const missing: Cancellation = { kind: 'missing' }
const day = 24 * 3_600

/** What the provider answered, how long after the first try, and what that comes to. */
const tries: [Cancellation, number | undefined, object][] = [
  [{ kind: 'over' }, undefined, { over: true, retry_in: 0 }],
  [{ kind: 'over' }, 3 * day, { over: true, retry_in: 0 }],
  [asked, undefined, { over: false, retry_in: 20 }],
  [silent, 20, { over: false, retry_in: 20 }],
  [silent, 40, { over: false, retry_in: 40 }],
  [silent, 80, { over: false, retry_in: 80 }],
  [asked, 3_600, { over: false, retry_in: 3_600 }],
  [silent, 2 * day - 1, { over: false, retry_in: 3_600 }],
  [silent, 2 * day, { over: true, given_up: true, retry_in: 0 }],
  [asked, 2 * day, { over: true, given_up: true, retry_in: 0 }],
  [missing, undefined, { over: false, missing: true, retry_in: 60 }],
  [missing, 600, { over: false, missing: true, retry_in: 600 }],
  [missing, 2 * day, { over: true, given_up: true, retry_in: 0 }],
]
test.each(tries)('decideStray() takes %j %s s after the first try as %j', (canceled, age, fate) => {
  const one = stray(age === undefined ? {} : { tried_at: before(age) })
  expect(decideStray(canceled, one, now)).toEqual({ prediction_id: one.prediction_id, ...fate })
})

test('decideStray() tells what one that is over has cost, where its provider measured it and its recipe knows the rate', () => {
  const metrics = { predict_seconds: 2.5 }
  const price = {
    of: () => 9,
    source: 'test',
    date: '2026-03-01',
    settle: ({ predict_seconds = 0 }) => predict_seconds * 2,
  }
  const costOf = (canceled: Cancellation, known: Partial<Recipe>) =>
    decideStray(canceled, stray(), now, { ...recipe, ...known }).cost
  expect(costOf({ kind: 'over', metrics }, { price })).toBe(5)
  expect(costOf({ kind: 'over' }, { price })).toBeUndefined()
  expect(costOf({ kind: 'over', metrics }, {})).toBeUndefined()
})

test('waitOf() tells how long the next try has time', () => {
  expect(waitOf(stray(), now)).toBe(0)
  expect(waitOf(stray({ retry_at: before(5) }), now)).toBe(0)
  expect(waitOf(stray({ retry_at: before(-5) }), now)).toBe(5)
})
