// Avatars: a LoRA is trained on fal from a zip file of photos, of one person or of one style. One step of minutes to hours, whose
// result is the weights, with the training's configuration beside them.
import * as z from 'zod'
import type { Recipe } from '../core/recipe.ts'
import { archiveField, type ImagePolicy, textField } from './fields.ts'
import { paces } from './profiles.ts'

const inputFields = (policy: ImagePolicy) =>
  z.strictObject({
    training_type: z.enum(['portrait', 'style']),
    /** A zip file of photos: ten or more of a person, four or more of a style. */
    images_url: archiveField(policy),
    /** The words that will call the avatar up in a prompt. */
    trigger_phrase: textField(100).optional(),
    /** The trainers' own defaults where it is left out: more take longer, and cost more. */
    steps: z.int().min(1).max(10_000).optional(),
  })

type Input = z.output<ReturnType<typeof inputFields>>

/** The same as a caller writes it. */
export type AvatarRequest = z.input<ReturnType<typeof inputFields>>

const file = z.object({ url: z.url() })
const result = z.object({ diffusers_lora_file: file, config_file: file.nullish() })

/** Each is charged by the training step; without a number the trainer takes its own, which is the usual one. */
const trainers = { portrait: { micros: 2_400, usual: 2_500 }, style: { micros: 2_000, usual: 1_000 } }

const exampleOutput = {
  diffusers_lora_file: {
    url: 'https://v3.fal.media/files/lora.safetensors',
    content_type: 'application/octet-stream',
  },
  config_file: { url: 'https://v3.fal.media/files/config.json', content_type: 'application/json' },
}

export const avatar = (policy: ImagePolicy): Recipe<Input> => ({
  name: 'avatar',
  provider: 'fal',
  input: inputFields(policy),
  inputTypes: ['application/zip'],
  leastPhotos: ({ training_type }) => (training_type === 'portrait' ? 10 : 4),
  example: {
    input: { training_type: 'portrait', images_url: 'https://example.com/photos.zip', trigger_phrase: 'ohwx person' },
    output: exampleOutput,
  },
  moreExamples: [
    { input: { training_type: 'style', images_url: 'https://example.com/photos.zip' }, output: exampleOutput },
  ],
  totalSteps: () => 1,
  makes: () => 'file',

  async request(input, { link }) {
    const { training_type, trigger_phrase: trigger, steps } = input
    const common = {
      // Trainers take no seed, so the attempt's marker is in the address.
      images_data_url: await link(input.images_url, { isMarked: true }),
      // Otherwise it is guessed from the address, and a link of ours doesn't end in .zip.
      data_archive_format: 'zip',
      ...(steps && { steps }),
    }
    // The two call the same thing by different names.
    if (training_type === 'portrait') {
      const model = 'fal-ai/flux-lora-portrait-trainer'
      return { model, input: { ...common, ...(trigger && { trigger_phrase: trigger }) }, runOnce: true }
    }
    const model = 'fal-ai/flux-lora-fast-training'
    return { model, input: { ...common, is_style: true, ...(trigger && { trigger_word: trigger }) }, runOnce: true }
  },

  outputUrls(output) {
    const { data } = result.safeParse(output)
    return data ? [data.diffusers_lora_file, data.config_file].flatMap((made) => made?.url ?? []) : []
  },
  accept: ['application/x-safetensors', 'application/json'],
  maxBytes: 1_000_000_000,
  price: {
    of: ({ training_type, steps }) => {
      const { micros, usual } = trainers[training_type]
      return micros * (steps ?? usual)
    },
    source: 'https://fal.ai/models/fal-ai/flux-lora-portrait-trainer',
    date: '2026-09-24',
  },
  gate: 'auto',
  ...paces.training,
})
