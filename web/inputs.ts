// What each recipe takes, for the client's start(): types alone, those that the recipes' own files tell.
import type { AvatarRequest } from '../recipes/avatar.ts'
import type { ClipRequest } from '../recipes/clip.ts'
import type { EditRequest } from '../recipes/edit.ts'
import type { MemesRequest } from '../recipes/memes.ts'
import type { PortraitsRequest } from '../recipes/portraits.ts'
import type { TryOnRequest } from '../recipes/try-on.ts'
import type { TryOnIdmRequest } from '../recipes/try-on-idm.ts'

/** A recipe of one's own is added to it where it is used: `declare module`, as for any interface. */
export interface RecipeInputs {
  'try-on': TryOnRequest
  edit: EditRequest
  clip: ClipRequest
  avatar: AvatarRequest
  memes: MemesRequest
  portraits: PortraitsRequest
  'try-on-idm': TryOnIdmRequest
}

export type { AvatarRequest }
export type Category = NonNullable<Exclude<TryOnRequest['garments'][number], string>['category']>
