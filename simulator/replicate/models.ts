// The models that the simulated Replicate knows: what input each takes, and how its output is drawn.
// Their schemas are the public ones; a reference to anything else is refused as Replicate refuses it.

import { z } from 'zod'
import { drawCard } from '../card.ts'
import { blank, drawDressed } from '../draw.ts'
import { loadPicture, type Made, type Model, madeOf } from '../models/model.ts'

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

const blanks = (count: number): Made[] => Array<Made>(count).fill(madeOf(blank))
const validator = (schema: z.ZodType) => (input: unknown) =>
  schema.safeParse(input).error?.issues.map(({ path, message, code }) => ({
    ...{ path: path as (string | number)[], message, type: code },
  })) ?? []

const models: readonly Model[] = [
  {
    name: 'cuuupid/idm-vton',
    version: 'c871bb9b046607b680449ecbae55fd8c6d945e0a1948644bf2361b3d021d3ff4',
    isTraining: false,
    validate: validator(tryOnInput),
    read: async () => undefined,
    async draw(raw, { load }) {
      const input = tryOnInput.parse(raw)
      const [human, garment] = await Promise.all([
        loadPicture(load, input.human_img, 'human_img'),
        loadPicture(load, input.garm_img, 'garm_img'),
      ])
      return [madeOf(await drawDressed({ human, garment, category: input.category, seed: input.seed }))]
    },
    blank: () => blanks(1),
    output: ([file]) => file?.url ?? null,
  },
  {
    name: 'black-forest-labs/flux-schnell',
    version: null,
    isTraining: false,
    validate: validator(imageInput),
    read: async () => undefined,
    async draw(raw) {
      const { prompt, num_outputs, aspect_ratio, output_format, seed } = imageInput.parse(raw)
      const card = { prompt, format: output_format, aspectRatio: aspect_ratio }
      const drawn = Array.from({ length: num_outputs }, (_, n) => drawCard({ ...card, seed: (seed ?? 0) + n }))
      return (await Promise.all(drawn)).map(madeOf)
    },
    blank: (raw) => blanks(imageInput.parse(raw).num_outputs),
    output: (files) => files.map(({ url }) => url),
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
