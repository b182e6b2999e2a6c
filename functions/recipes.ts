// GET /api/recipes: the recipes that this deployment offers, with what a page needs to make a form for any of them. It asks no database.
import type { RecipesAnswer, RecipeView } from '../core/answers.ts'
import { exampleSteps, examplesOf } from '../core/example.ts'
import { pricesOf, sumOf } from '../core/price.ts'
import type { Recipe } from '../core/recipe.ts'
import type { Endpoint } from '../engine/deps.ts'
import { offeredRecipes } from '../engine/offer.ts'
import { jsonSchemaOf } from './http/input-schema.ts'
import { json, requireMethod } from './http/request.ts'

/** Keys and recipes change with a deployment; a page that is a minute behind is refused in words. */
const headers = { 'cache-control': 'public, max-age=60' }

export const recipes: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  const answer: RecipesAnswer = { recipes: offeredRecipes(deps).map(recipeView) }
  return json(answer, 200, headers)
}

/** The build asks too: the page is given those that are known then. */
export function recipeView(recipe: Recipe): RecipeView {
  const { name, provider, input, gate, candidates, changes, price, exclusive, stepSeconds, nonCommercial } = recipe
  const steps = exampleSteps(recipe)
  const first = steps[0]?.input
  return {
    name,
    provider,
    input_schema: jsonSchemaOf(input),
    gate,
    candidates: candidates?.max ?? 1,
    changes_schema: changes ? jsonSchemaOf(changes) : null,
    price: {
      estimated_micros: sumOf(pricesOf(recipe, first)),
      from: price === 'unknown' ? null : price.source,
      as_of: price === 'unknown' ? null : price.date,
      steps: steps.length,
    },
    outputs: [
      ...new Set(examplesOf(recipe).flatMap((example) => exampleSteps(recipe, example).map(({ kind }) => kind))),
    ],
    example: recipe.example.input,
    step_seconds: stepSeconds,
    exclusive: exclusive ?? null,
    licence: nonCommercial?.licence ?? null,
  }
}
