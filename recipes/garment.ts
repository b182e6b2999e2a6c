// A garment in a try-on's input: a picture, or a picture with what is known of it. Both try-on recipes take it.
import * as z from 'zod'
import { type ImagePolicy, imageField, textField } from './fields.ts'

const categories = ['upper_body', 'lower_body', 'dresses'] as const

const garment = (policy: ImagePolicy) =>
  z.strictObject({
    image: imageField(policy),
    category: z.enum(categories).optional(),
    description: textField(500).optional(),
  })

export type Garment = z.output<ReturnType<typeof garment>>
/** The same as a caller writes it: a bare address will do. */
export type GarmentRequest = string | z.input<ReturnType<typeof garment>>

export const garmentField = (policy: ImagePolicy) =>
  z
    .preprocess((value: GarmentRequest) => (typeof value === 'string' ? { image: value } : value), garment(policy))
    .meta({ shorthand: 'image' })

export const garmentsField = (policy: ImagePolicy) =>
  z.array(garmentField(policy)).min(1).max(10, 'at most 10 garments are taken')
