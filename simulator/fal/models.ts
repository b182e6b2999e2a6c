// The endpoints that the simulated fal knows: what input each takes, what it reads, and the shape of its result.
// Their fields are the public ones; any other endpoint isn't found.

import { z } from 'zod'
import { drawCard } from '../card.ts'
import type { Picture } from '../draw.ts'
import type { FieldFault } from './answers.ts'

/** The beginning of what an address leads to. */
export type LoadStart = (url: string) => Promise<Uint8Array>

export interface OutputFile {
  readonly name: string
  readonly type: string
  readonly size: number
}

export interface Model {
  readonly endpoint: string
  readonly isTraining: boolean
  readonly input: z.ZodType<Record<string, unknown>>
  /** Looks at what the input names, as the model does when it begins. Throws InputFault. */
  read(input: Record<string, unknown>, load: LoadStart): Promise<void>
  draw(input: Record<string, unknown>): Promise<Picture[]>
  result(files: readonly (OutputFile & { url: string })[], input: Record<string, unknown>): Record<string, unknown>
}

/** The input is at fault; the result lists the field. */
export class InputFault extends Error {
  override readonly name = 'InputFault'
  readonly field: FieldFault

  constructor(field: FieldFault) {
    super(field.msg)
    this.field = field
  }
}

const uri = z.string().regex(/^(https?:\/\/|data:)/, 'Input should be a valid URL')
const zipInput = {
  images_data_url: uri,
  create_masks: z.boolean().optional(),
  data_archive_format: z.string().optional(),
}

const trainers = {
  'fal-ai/flux-lora-portrait-trainer': z.looseObject({
    ...zipInput,
    trigger_phrase: z.string().optional(),
    steps: z.int().min(1).max(10_000).default(2500),
    learning_rate: z.number().default(0.00009),
    subject_crop: z.boolean().default(true),
    multiresolution_training: z.boolean().default(true),
    resume_from_checkpoint: z.string().default(''),
  }),
  'fal-ai/flux-lora-fast-training': z.looseObject({
    ...zipInput,
    trigger_word: z.string().optional(),
    steps: z.int().min(1).max(10_000).default(1000),
    is_style: z.boolean().default(false),
    is_input_format_already_preprocessed: z.boolean().default(false),
  }),
} as const

const sizes: Record<string, { width: number; height: number }> = {
  square_hd: { width: 1024, height: 1024 },
  square: { width: 512, height: 512 },
  portrait_4_3: { width: 768, height: 1024 },
  portrait_16_9: { width: 576, height: 1024 },
  landscape_4_3: { width: 1024, height: 768 },
  landscape_16_9: { width: 1024, height: 576 },
}

const imageInput = z.looseObject({
  prompt: z.string(),
  image_size: z
    .union([
      z.enum(Object.keys(sizes)),
      z.object({ width: z.int().min(64).max(2048), height: z.int().min(64).max(2048) }),
    ])
    .default('landscape_4_3'),
  num_inference_steps: z.int().min(1).max(50).default(28),
  num_images: z.int().min(1).max(4).default(1),
  seed: z.int().optional(),
  output_format: z.enum(['jpeg', 'png']).default('jpeg'),
})

const imageModel: Model = {
  endpoint: 'fal-ai/flux/dev',
  isTraining: false,
  input: imageInput,
  read: async () => undefined,
  draw(raw) {
    const { prompt, num_images, seed, output_format, ...input } = imageInput.parse(raw)
    const size = typeof input.image_size === 'string' ? sizes[input.image_size] : input.image_size
    const aspectRatio = `${size?.width}:${size?.height}`
    const card = { prompt, aspectRatio, format: output_format === 'png' ? ('png' as const) : ('jpg' as const) }
    return Promise.all(Array.from({ length: num_images }, (_, n) => drawCard({ ...card, seed: (seed ?? 0) + n })))
  },
  result(files, raw) {
    const { prompt, seed = 0 } = imageInput.parse(raw)
    return {
      images: files.map(({ url, type }) => ({ url, content_type: type })),
      timings: { inference: 1 },
      seed,
      has_nsfw_concepts: files.map(() => false),
      prompt,
    }
  },
}

const trainer = (endpoint: string, input: Model['input']): Model => ({
  endpoint,
  isTraining: true,
  input,
  async read({ images_data_url: url }, load) {
    const [first, second] = await load(String(url))
    if (first === 0x50 && second === 0x4b) return
    throw new InputFault({
      loc: ['body', 'images_data_url'],
      msg: 'The file is not a zip archive of images',
      type: 'file_type_error',
    })
  },
  draw: async () => [],
  result([weights, config]) {
    const file = (of: (OutputFile & { url: string }) | undefined) => ({
      url: of?.url,
      content_type: of?.type,
      file_name: of?.name,
      file_size: of?.size,
    })
    return { diffusers_lora_file: file(weights), config_file: file(config) }
  },
})

const models = new Map<string, Model>(
  [imageModel, ...Object.entries(trainers).map(([endpoint, input]) => trainer(endpoint, input))].map((model) => [
    model.endpoint,
    model,
  ]),
)

export const findModel = (endpoint: string): Model | undefined => models.get(endpoint)
