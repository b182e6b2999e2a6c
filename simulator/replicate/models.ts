// The models that the simulated Replicate knows: what input each takes, and how its output is drawn.
// Their schemas are the public ones; a reference to anything else is refused as Replicate refuses it.

import { z } from 'zod'
import { drawCard } from '../card.ts'
import { drawDressed, type Picture } from '../draw.ts'

export interface Model {
  readonly name: string
  /** Community models are called by a version; official ones by their name, and hide it. */
  readonly version: string | null
  readonly input: z.ZodType<Record<string, unknown>>
  /** Whether the output is an array of URLs or one URL. */
  readonly many: boolean
  draw(input: Record<string, unknown>, load: LoadImage): Promise<Picture[]>
}

export type LoadImage = (url: string) => Promise<Uint8Array>

/** A failure that the model itself reports: the prediction fails with these words. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
}

const uri = z.string().regex(/^(https?:\/\/|data:)/, 'Does not match format "uri"')

const tryOnInput = z.looseObject({
  human_img: uri,
  garm_img: uri,
  garment_des: z.string().optional(),
  category: z.enum(['upper_body', 'lower_body', 'dresses']).default('upper_body'),
  crop: z.boolean().default(false),
  seed: z.int().default(42),
  steps: z.int().min(1).max(40).default(30),
  force_dc: z.boolean().default(false),
  mask_only: z.boolean().default(false),
  mask_img: uri.optional(),
})

const imageInput = z.looseObject({
  prompt: z.string(),
  num_outputs: z.int().min(1).max(4).default(1),
  aspect_ratio: z
    .string()
    .regex(/^[1-9]\d?:[1-9]\d?$/)
    .default('1:1'),
  output_format: z.enum(['webp', 'jpg', 'png']).default('webp'),
  output_quality: z.int().min(0).max(100).default(80),
  num_inference_steps: z.int().min(1).max(4).default(4),
  seed: z.int().optional(),
})

const models: readonly Model[] = [
  {
    name: 'cuuupid/idm-vton',
    version: 'c871bb9b046607b680449ecbae55fd8c6d945e0a1948644bf2361b3d021d3ff4',
    input: tryOnInput,
    many: false,
    async draw(raw, load) {
      const input = tryOnInput.parse(raw)
      const [human, garment] = await Promise.all([load(input.human_img), load(input.garm_img)])
      return [await drawDressed({ human, garment, category: input.category, seed: input.seed })]
    },
  },
  {
    name: 'black-forest-labs/flux-schnell',
    version: null,
    input: imageInput,
    many: true,
    draw(raw) {
      const { prompt, num_outputs, aspect_ratio, output_format, seed } = imageInput.parse(raw)
      const card = { prompt, format: output_format, aspectRatio: aspect_ratio }
      return Promise.all(Array.from({ length: num_outputs }, (_, n) => drawCard({ ...card, seed: (seed ?? 0) + n })))
    },
  },
]

/** What `version` of a create may name: 64 hexadecimal digits, `owner/name:version`, or an official `owner/name`. */
export function findByVersion(reference: string): Model | undefined {
  const [name, version] = reference.includes('/') ? reference.split(':') : [undefined, reference]
  return models.find((model) => {
    if (version === undefined) return model.name === name && model.version === null
    return model.version === version && (name === undefined || model.name === name)
  })
}

/** The endpoint by name serves official models only. */
export const findOfficial = (name: string): Model | undefined =>
  models.find((model) => model.name === name && model.version === null)
