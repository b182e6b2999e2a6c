// What can be said of a recipe without running it.
import { expect, test } from 'vitest'
import { attemptSeed } from '../../core/recipe.ts'

test('attemptSeed() is the same for an attempt, another for another, and fits 31 bits', () => {
  expect(attemptSeed('018f0000-0000-4000-8000-0000ffffffff')).toBe(2 ** 31 - 1)
  expect(attemptSeed('018f0000-0000-4000-8000-0000000000ff')).toBe(255)
  expect(attemptSeed('018f0000-0000-4000-8000-000080000000')).toBe(0)
  const token = crypto.randomUUID()
  expect(attemptSeed(token)).toBe(attemptSeed(token))
})
