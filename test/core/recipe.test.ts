// What can be said of a recipe without running it.
import { expect, test } from 'vitest'
import { attemptSeed, requireSound } from '../../core/recipe.ts'
import { recipe } from './recipe.ts'

test('attemptSeed() is the same for an attempt, another for another, and fits 31 bits', () => {
  expect(attemptSeed('018f0000-0000-4000-8000-0000ffffffff')).toBe(2 ** 31 - 1)
  expect(attemptSeed('018f0000-0000-4000-8000-0000000000ff')).toBe(255)
  expect(attemptSeed('018f0000-0000-4000-8000-000080000000')).toBe(0)
  const token = crypto.randomUUID()
  expect(attemptSeed(token)).toBe(attemptSeed(token))
})

test('requireSound() passes a recipe that can be run', () => {
  expect(() => requireSound(recipe)).not.toThrow()
})

test.each([
  ['maxBytes is 0', { ...recipe, maxBytes: 0 }],
  ['stepSeconds is -1', { ...recipe, stepSeconds: -1 }],
  ['limitSeconds is NaN', { ...recipe, timing: { ...recipe.timing, limitSeconds: Number.NaN } }],
  ['accept is empty', { ...recipe, accept: [] }],
])('requireSound() says that %s', (fault, unsound) => {
  expect(() => requireSound(unsound)).toThrow(`recipe portrait: ${fault}`)
})
