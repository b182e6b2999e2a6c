// What people ask for in the simulation: the recipes that there are, and one whose requests say nothing of their attempt.
import { defineRecipe } from '../../recipes/define.ts'
import { openRecipes, type Recipes } from '../../recipes/index.ts'

const policy = { hosts: [], allowPrivate: false }

/** By the second, and at most what was expected. */
export const microsOfRun = (seconds: number): number => Math.min(3_000, Math.ceil(seconds * 4))

/** As a model has it that takes neither a seed nor a file: whether a lost create was accepted, only its webhook can tell. */
const unmarked = defineRecipe({
  name: 'unmarked',
  fields: ({ text }) => ({ prompt: text(1_000) }),
  output: 'image',
  provider: 'replicate',
  model: 'black-forest-labs/flux-schnell',
  marker: 'none',
  request: ({ prompt }) => ({ prompt }),
  price: {
    of: 3_000,
    source: 'https://replicate.com/black-forest-labs/flux-schnell',
    date: '2026-05-25',
    settle: ({ predict_seconds }) => (predict_seconds === undefined ? undefined : microsOfRun(predict_seconds)),
  },
  example: { prompt: 'a cat' },
})

const known = openRecipes(policy)

/** Each at its first provider alone: what may be proved, and in which time, follows from the recipe then. */
export const recipes: Recipes = new Map(
  [...known, ...openRecipes(policy, [unmarked(policy)])].map(([name, { elsewhere: _, ...recipe }]) => [name, recipe]),
)
