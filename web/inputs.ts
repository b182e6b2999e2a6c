// What each recipe takes, for the client's start(): types alone, derived from the recipes' own schemas.
import type { AvatarRequest } from '../recipes/avatar.ts'
import type { MemesRequest } from '../recipes/memes.ts'
import type { TryOnRequest } from '../recipes/try-on.ts'

export interface RecipeInputs {
  'try-on': TryOnRequest
  avatar: AvatarRequest
  memes: MemesRequest
}

export type { AvatarRequest }
export type RecipeName = keyof RecipeInputs
export type Category = NonNullable<Exclude<TryOnRequest['garments'][number], string>['category']>
