// A task's recipe and provider. Claims only take tasks whose recipe this version knows, so a miss is a fault of ours.
import { AppError } from '../core/errors.ts'
import type { Provider } from '../core/provider.ts'
import type { Recipe } from '../core/recipe.ts'
import type { Deps } from './deps.ts'

export function recipeOf(deps: Deps, { recipe: name }: { recipe: string }): Recipe {
  const recipe = deps.recipes.get(name)
  if (!recipe) throw new Error(`there is no recipe ${name}`)
  return recipe
}

export function providerOf(deps: Deps, recipe: Recipe): Provider {
  const provider = deps.providers.get(recipe.provider)
  if (!provider) throw new AppError('not_configured', `${recipe.provider} is not configured: its key is not set.`)
  return provider
}
