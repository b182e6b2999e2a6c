// What can be said of a recipe without running it.
import { expect, test } from 'vitest'
import { attemptSeed, isPassedOn, placesOf, type Recipe, recipeAt } from '../../core/recipe.ts'
import { recipe } from './recipe.ts'

test('attemptSeed() is the same for an attempt, another for another, and fits 31 bits', () => {
  expect(attemptSeed('018f0000-0000-4000-8000-0000ffffffff')).toBe(2 ** 31 - 1)
  expect(attemptSeed('018f0000-0000-4000-8000-0000000000ff')).toBe(255)
  expect(attemptSeed('018f0000-0000-4000-8000-000080000000')).toBe(0)
  const token = crypto.randomUUID()
  expect(attemptSeed(token)).toBe(attemptSeed(token))
})

test('recipeAt() stays at the provider of a task, as far as the recipe has it', () => {
  const at: Recipe = { ...recipe, elsewhere: [{ ...recipe, provider: 'fal' }] }
  expect(placesOf(at).map(({ provider }) => provider)).toEqual(['replicate', 'fal'])
  expect([recipeAt(at, 'fal').provider, recipeAt(at, 'another').provider]).toEqual(['fal', 'replicate'])
  expect(placesOf({ ...recipe } as Recipe)).toHaveLength(1)
})

test('isPassedOn() is of all steps, of none, or of those that the recipe says', () => {
  expect([isPassedOn({}, 1), isPassedOn({ passesOn: true }, 1)]).toEqual([false, true])
  expect([1, 2].map((step) => isPassedOn({ passesOn: (one) => one === 1 }, step))).toEqual([true, false])
})
