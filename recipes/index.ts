// Every kind of task that this deployment runs. A new recipe is one more line here.
import type { Recipe } from '../core/recipe.ts'
import { requireLawful, requireSound } from '../core/soundness.ts'
import { providers } from '../providers/index.ts'
import { avatar } from './avatar.ts'
import type { ImagePolicy } from './fields.ts'
import { memes } from './memes.ts'
import { portraits } from './portraits.ts'
import { tryOn } from './try-on.ts'

export type Recipes = ReadonlyMap<string, Recipe>

const all = (policy: ImagePolicy) => [tryOn(policy), avatar(policy), memes, portraits] as readonly Recipe[]

/** Throws with a sentence where names or providers are wrong. `listed` is for tests of other recipes. */
export function openRecipes(policy: ImagePolicy, listed: readonly Recipe[] = all(policy)): Recipes {
  requireLawful(
    listed,
    providers.map(({ name }) => name),
  )
  return new Map(listed.map((recipe) => [recipe.name, recipe]))
}

/** Throws with a sentence when a recipe can't be run. The build and the local servers ask; no deployment's image policy matters here. */
export async function checkRecipes(listed?: readonly Recipe[]): Promise<void> {
  for (const recipe of openRecipes({ hosts: [], allowPrivate: false }, listed).values()) await requireSound(recipe)
}
