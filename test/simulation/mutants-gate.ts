// The guards of the gate: what may be chosen, where and of what a task may begin. Each taken away.
import type { Recipe } from '../../core/recipe.ts'
import { type Mutant, statement } from './mutant.ts'

interface Dressed {
  person_image: string
  garments: object[]
}

/** Begins from a result by making it once more. */
const payingAgain = (real: Recipe): Recipe => ({
  ...real,
  totalSteps: (input) => {
    const { person_image, garments } = input as Dressed
    return garments.length + (person_image.startsWith('/api/result') ? 1 : 0)
  },
  request: (input, context) => {
    const { garments } = input as Dressed
    return real.request({ ...(input as Dressed), garments: [...garments, ...garments] }, context)
  },
})

export const gateMutants: readonly Mutant[] = [
  statement('choice-by-stale-holder', 'a choice is written whatever has become of the task meanwhile', [
    "mine.status in ('waiting_continue', 'completed') and mine.chosen_steps is not null",
    'mine.chosen_steps is not null',
  ]),
  statement(
    'choice-not-written',
    'a choice is answered, and the next step is made of the newest picture all the same',
    ['steps = coalesce(mine.chosen_steps, t.steps)', 'steps = t.steps'],
  ),
  {
    name: 'chosen-file-gone',
    without: "an attempt's result takes away what the one before had made, which can then still be chosen",
    change: (deps) => {
      const last = new Map<string, string>()
      return {
        ...deps,
        files: {
          ...deps.files,
          copy: async (key, ...rest) => {
            const step = key.split('/').slice(0, 3).join('/')
            const before = last.get(step)
            if (before && before !== key) await deps.files.remove(before)
            last.set(step, key)
            return deps.files.copy(key, ...rest)
          },
        },
      }
    },
  },
  {
    name: 'fork-pays-again',
    without: 'a task that begins from a result makes that result once more',
    change: (deps) => ({
      ...deps,
      recipes: new Map([...deps.recipes].map(([name, real]) => [name, name === 'try-on' ? payingAgain(real) : real])),
    }),
  },
]
