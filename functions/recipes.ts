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
  const { name, provider, input, gate, candidates, changes, from, price, exclusive, stepSeconds, nonCommercial } =
    recipe
  const steps = exampleSteps(recipe)
  const first = steps[0]?.input
  const input_schema = jsonSchemaOf(input)
  return {
    name,
    provider,
    input_schema,
    gate,
    candidates: candidates?.max ?? 1,
    changes_schema: changes ? jsonSchemaOf(changes) : null,
    from: from ? { field: from.field, recipe: from.recipe ?? null } : null,
    price: {
      estimated_micros: sumOf(pricesOf(recipe, first)),
      from: price === 'unknown' ? null : price.source,
      as_of: price === 'unknown' ? null : price.date,
      steps: steps.length,
      by_option: pricesByOption(recipe, input_schema),
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

/**
 * What the example is expected to cost with each option of a choice or a switch, for fields whose options differ in that. A form knows by it
 * what ten seconds cost where the example is of four. An option that the example doesn't go together with has no price.
 */
function pricesByOption(recipe: Recipe, schema: Record<string, unknown>): Record<string, Record<string, number>> {
  const priceWith = (field: string, option: unknown): number | null => {
    const { data } = recipe.input.safeParse({ ...(recipe.example.input as object), [field]: option })
    return data === undefined ? null : sumOf(pricesOf(recipe, data))
  }
  const fields = Object.entries((schema['properties'] ?? {}) as Record<string, { enum?: unknown[]; type?: unknown }>)
  const priced = fields.flatMap(([field, { enum: listed, type }]) => {
    const options = listed ?? (type === 'boolean' ? [true, false] : [])
    const prices = options.flatMap((option): [string, number][] => {
      const micros = priceWith(field, option)
      return micros === null ? [] : [[String(option), micros]]
    })
    const differ = new Set(prices.map(([, micros]) => micros)).size > 1
    return differ ? [[field, Object.fromEntries(prices)] as const] : []
  })
  return Object.fromEntries(priced)
}
