// The shapes of what erasing and sharing answer, as answers.ts has all others.
import * as z from 'zod'
import { instant } from './answers.ts'

export const deletedSchema = z.object({
  deleted: z.object({
    tasks: z.int(),
    uploads: z.int().meta({ description: 'photos that were uploaded, those of a deleted task included' }),
  }),
  erased: z.boolean().meta({ description: 'nothing of it is left here; false: it is noted, and passes finish it' }),
  at: instant,
})

export const confirmSchema = z.object({
  confirm: z.string().meta({ description: 'to be sent along within ten minutes' }),
})

export const sharedSchema = z.object({
  url: z.string().meta({ format: 'uri', description: 'a page for anybody who has the address' }),
})

export const linksSchema = z.object({
  links: z
    .array(
      z.object({
        ...{ url: sharedSchema.shape.url, step: z.int(), attempt: z.int() },
        file: z.int().meta({ description: 'of several candidates: 1 is the first' }),
        before: z.boolean().meta({ description: 'the picture that the task began with is shown, too' }),
      }),
    )
    .meta({ description: 'the newest first, a hundred at most' }),
})

export const revokedSchema = z.object({ revoked: z.int().meta({ description: 'how many links are dead now' }) })

export type Deleted = z.infer<typeof deletedSchema>
export type Links = z.infer<typeof linksSchema>
export type Shared = z.infer<typeof sharedSchema>
