// Every kind of task that this deployment runs. A new recipe is one more line here.
import type { Recipe } from '../core/recipe.ts'
import { requireSound } from '../core/soundness.ts'
import { avatar } from './avatar.ts'
import type { ImagePolicy } from './fields.ts'
import { memes } from './memes.ts'
import { tryOn } from './try-on.ts'

export type Recipes = ReadonlyMap<string, Recipe>

const all = (policy: ImagePolicy) => [tryOn(policy), avatar(policy), memes] as readonly Recipe[]

export function openRecipes(policy: ImagePolicy): Recipes {
  return new Map(all(policy).map((recipe) => [recipe.name, recipe]))
}

/** Throws, with a sentence, when a recipe can't be run: before a build, and when the local servers start. Examples name any host, so no deployment's policy matters here. */
export async function checkRecipes(): Promise<void> {
  for (const recipe of all({ hosts: [], allowPrivate: false })) await requireSound(recipe)
}
