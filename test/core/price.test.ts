// Prices are whole millionths of a dollar: what is unknown stays unknown, and what is nonsense is refused or ignored.
import { expect, test } from 'vitest'
import { costOf, dollarsOf, knownFrom, microsOf, pricesOf, sumOf } from '../../core/price.ts'
import type { Recipe } from '../../core/recipe.ts'
import { recipe } from './recipe.ts'

const at = { source: 'https://provider.test/pricing', date: '2026-11-18' }
const stepped: Recipe = { ...recipe, totalSteps: () => 3, price: { of: (_input, step) => step * 1_000, ...at } }

test.each([
  [0, '$0.00'],
  [40_000, '$0.04'],
  [37_500, '$0.0375'],
  [1, '$0.000001'],
  [10_000_000, '$10.00'],
  [-2_500_000, '-$2.50'],
])('dollarsOf(%i) is %s', (micros, text) => {
  expect(dollarsOf(micros)).toBe(text)
  expect(microsOf(micros / 1_000_000)).toBe(micros)
})

test('pricesOf() asks for each step, and knows none of an unknown price', () => {
  expect(pricesOf(stepped, {})).toEqual([1_000, 2_000, 3_000])
  expect(pricesOf({ ...stepped, price: 'unknown' }, {}, 4)).toEqual([null, null, null])
  expect(pricesOf({ ...stepped, candidates: { max: 4 } }, {}, 4)).toEqual([4_000, 8_000, 12_000])
  // Only steps that make several are paid several times.
  const first: Recipe = { ...stepped, candidates: { max: 4, isOf: (_input, step) => step === 1 } }
  expect(pricesOf(first, {}, 4)).toEqual([4_000, 2_000, 3_000])
})

test('pricesOf() throws where an input makes a price wrong that the example did not', () => {
  const wrong: Recipe = { ...stepped, price: { of: (_input, step) => 2 - step, ...at } }
  expect(() => pricesOf(wrong, {})).toThrow('recipe portrait: the price of step 3 is -1; it must be 0 or more')
})

test('sumOf() is unknown as soon as one price is', () => {
  expect([sumOf([]), sumOf([1, 2]), sumOf([1, null, 2])]).toEqual([0, 3, null])
})

const perSecond: Recipe = {
  ...recipe,
  price: { of: () => 1, ...at, settle: ({ predict_seconds }) => predict_seconds && predict_seconds * 1_400 },
}
const unread: Recipe = {
  ...recipe,
  price: {
    of: () => 1,
    ...at,
    settle: () => {
      throw new TypeError('no figures')
    },
  },
}
test.each<[string, Recipe, Parameters<typeof costOf>[1], number | undefined]>([
  ['rounds up what is charged by time', perSecond, { predict_seconds: 17.0001 }, 23_801],
  ['takes nothing for nothing', perSecond, { predict_seconds: 0 }, 0],
  ['knows nothing without figures', perSecond, undefined, undefined],
  ['knows nothing from other figures', perSecond, { outputs: 1 }, undefined],
  ['believes no nonsense', perSecond, { predict_seconds: -1 }, undefined],
  ['believes no endless time', perSecond, { predict_seconds: Number.POSITIVE_INFINITY }, undefined],
  ['keeps the estimate where the recipe can not read the figures', unread, { predict_seconds: 1 }, undefined],
  ['leaves a price by the picture as it is', stepped, { outputs: 1 }, undefined],
  ['knows nothing of an unknown price', recipe, { predict_seconds: 1 }, undefined],
])('costOf() %s', (_name, of, metrics, cost) => {
  expect(costOf(of, metrics)).toBe(cost)
})

test('knownFrom() adds what is known of the steps that are left', () => {
  expect([knownFrom([1, null, 4], 1), knownFrom([1, null, 4], 2), knownFrom([1], 2), knownFrom(null, 1)]).toEqual([
    5, 4, 0, 0,
  ])
})
