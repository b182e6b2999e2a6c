// A recipe as small as the interface allows, for tests of what the engine does with one.
import { z } from 'zod'
import type { Recipe } from '../../core/recipe.ts'

export const recipe: Omit<Recipe, 'changes' | 'applyChange' | 'from'> = {
  name: 'portrait',
  provider: 'replicate',
  input: z.unknown(),
  example: { input: {}, output: ['https://provider.test/output.png'] },
  totalSteps: () => 1,
  request: async () => ({ model: 'someone/portrait', input: {} }),
  outputUrls: (output) => (Array.isArray(output) ? output : []),
  accept: ['image/png'],
  maxBytes: 1_000,
  price: 'unknown',
  marker: 'none',
  gate: 'manual',
  stepSeconds: 20,
  timing: {
    firstCheckSeconds: 2,
    minCheckSeconds: 2,
    maxCheckSeconds: 15,
    watchSeconds: 600,
    slowCheckSeconds: 300,
    limitSeconds: 3_600,
    gateSeconds: 7_200,
    unconfirmedSeconds: 4_000,
  },
}
