// The endpoints that the simulated fal knows: what input each takes, what it reads, and the shape of its result.
// Their fields are the public ones; any other endpoint isn't found.

import { z } from 'zod'
import { drawCard } from '../card.ts'
import { blank } from '../draw.ts'
import { type Made, type Model, ModelFault, madeOf } from '../models/model.ts'
import { trainedFiles } from '../models/weights.ts'

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

const validator = (schema: z.ZodType) => (input: unknown) =>
  schema.safeParse(input).error?.issues.map(({ path, message, code }) => ({
    ...{ path: path as (string | number)[], message, type: code },
  })) ?? []

const imageModel: Model = {
  name: 'fal-ai/flux/dev',
  version: null,
  isTraining: false,
  validate: validator(imageInput),
  read: async () => undefined,
  async draw(raw) {
    const { prompt, num_images, output_format, seed, ...input } = imageInput.parse(raw)
    const size = typeof input.image_size === 'string' ? sizes[input.image_size] : input.image_size
    const aspectRatio = `${size?.width}:${size?.height}`
    const card = { prompt, aspectRatio, format: output_format === 'png' ? ('png' as const) : ('jpg' as const) }
    const drawn = Array.from({ length: num_images }, (_, n) => drawCard({ ...card, seed: (seed ?? 0) + n }))
    return (await Promise.all(drawn)).map(madeOf)
  },
  blank: (raw) => Array<Made>(imageInput.parse(raw).num_images).fill(madeOf(blank)),
  output(files, raw) {
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

function trainer(endpoint: string, input: z.ZodType): Model {
  const train: Model['blank'] = ({ images_data_url: _, ...settings }, { id, weightsBytes }) =>
    trainedFiles(id, weightsBytes, { trainer: endpoint, ...settings })
  return {
    name: endpoint,
    version: null,
    isTraining: true,
    validate: validator(input),
    async read({ images_data_url: url }, load) {
      const [first, second] = await load(String(url), 'images_data_url')
      if (first === 0x50 && second === 0x4b) return
      const field = { path: 'images_data_url', type: 'file_type_error' }
      throw new ModelFault('The file is not a zip archive of images', field)
    },
    draw: async (raw, drawn) => train(raw, drawn),
    blank: train,
    output([weights, config]) {
      const file = (of: (Made & { url: string; name: string }) | undefined) =>
        of && { url: of.url, content_type: of.type, file_name: of.name, file_size: of.size }
      return { diffusers_lora_file: file(weights), config_file: file(config) }
    },
  }
}

const models = new Map<string, Model>(
  [imageModel, ...Object.entries(trainers).map(([endpoint, input]) => trainer(endpoint, input))].map((model) => [
    model.name,
    model,
  ]),
)

export const findModel = (endpoint: string): Model | undefined => models.get(endpoint)
