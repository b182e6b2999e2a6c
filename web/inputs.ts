// What each recipe takes, for the client's start(): types alone, derived from the recipes' own schemas.
import type { MemesRequest } from '../recipes/memes.ts'
import type { TryOnRequest } from '../recipes/try-on.ts'

export interface RecipeInputs {
  'try-on': TryOnRequest
  avatar: AvatarRequest
  memes: MemesRequest
}

export interface AvatarRequest {
  training_type: 'portrait' | 'style'
  /** A zip file of photos. */
  images_url: string
  trigger_phrase?: string
  steps?: number
}

export type RecipeName = keyof RecipeInputs
export type Category = NonNullable<Exclude<TryOnRequest['garments'][number], string>['category']>
