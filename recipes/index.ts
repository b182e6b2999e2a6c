// Every kind of task that this deployment runs. A new recipe is one more line here.
import { type Recipe, requireSound } from '../core/recipe.ts'
import type { ImagePolicy } from './fields.ts'
import { tryOn } from './try-on.ts'

export type Recipes = ReadonlyMap<string, Recipe>

/** Throws at start-up when a recipe can't be run. */
export function openRecipes(policy: ImagePolicy): Recipes {
  const recipes = [tryOn(policy)] as readonly Recipe[]
  for (const recipe of recipes) requireSound(recipe)
  return new Map(recipes.map((recipe) => [recipe.name, recipe]))
}
