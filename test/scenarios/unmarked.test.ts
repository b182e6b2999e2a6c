// A recipe whose requests carry no marker of their attempt: nothing in a list can be recognised, so its absence proves nothing either.
import { expect, test } from 'vitest'
import type { Recipe } from '../../core/recipe.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'
import { begun, costs, fault, isOver, pingUntil } from './setup.ts'

const clock = testClock()
const app = await useTestDeps({ clock })
const memes = app.deps.recipes.get('memes')
if (!memes) throw new Error('there is no recipe memes')
const unmarked: Recipe = {
  ...memes,
  request: async (input, context) => {
    const request = await memes.request(input, context)
    return { ...request, input: { ...request.input, seed: 42 } }
  },
}
app.deps.recipes = new Map([['memes', unmarked]])

test.each(['reset_before', 'reset_after'] as const)(
  'a submission without a marker whose fate is unknown (%s) is not made again, whatever the list says',
  async (way) => {
    fault(app, { on: 'create', fault: way })
    const story = await begun(app, { body: { recipe: 'memes', prompts: ['a cat in a tie'] } })
    const row = await pingUntil(app, story, isOver, { clock, every: 60, within: 8_000 })
    expect(row).toMatchObject({ status: 'failed', error_code: 'submission_unconfirmed' })
    expect(costs(app).sent).toBe(1)
  },
)
