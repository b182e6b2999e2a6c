// What each recipe takes, for the client's start(): types alone, derived from the recipes' own schemas.
import type { AvatarRequest } from '../recipes/avatar.ts'
import type { MemesRequest } from '../recipes/memes.ts'
import type { PortraitsRequest } from '../recipes/portraits.ts'
import type { TryOnRequest } from '../recipes/try-on.ts'

export interface RecipeInputs {
  'try-on': TryOnRequest
  avatar: AvatarRequest
  memes: MemesRequest
  portraits: PortraitsRequest
}

export type { AvatarRequest }
export type RecipeName = Exclude<keyof RecipeInputs, 'portraits'>
export type Category = NonNullable<Exclude<TryOnRequest['garments'][number], string>['category']>
