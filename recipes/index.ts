// Every kind of task that this version knows. A new recipe is one more line here; engine/offer.ts tells which of them a deployment offers.
import type { Recipe } from '../core/recipe.ts'
import { requireLawful, requireSound } from '../core/soundness.ts'
import { providers } from '../providers/index.ts'
import { avatar } from './avatar.ts'
import { clip } from './clip.ts'
import { edit } from './edit.ts'
import type { ImagePolicy } from './fields.ts'
import { memes } from './memes.ts'
import { portraits } from './portraits.ts'
import { tryOn } from './try-on.ts'
import { tryOnIdm } from './try-on-idm.ts'

export type Recipes = ReadonlyMap<string, Recipe>

const known = [tryOn, edit, clip, avatar, portraits, memes, tryOnIdm] as const

const all = (policy: ImagePolicy) => known.map((make) => make(policy) as Recipe)

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
