// Avatars: a LoRA is trained on fal from a zip file of photos, of one person or of one style. One step of minutes to hours, whose
// result is the weights, with the training's configuration beside them.
import * as z from 'zod'
import { defineRecipe } from './define.ts'

/** The same as a caller writes it. */
export interface AvatarRequest {
  training_type: 'portrait' | 'style'
  images_url: string
  trigger_phrase?: string
  steps?: number
}

/** Each charges by the training step; without a number it takes its own, which is the usual one. */
const trainers = {
  portrait: { model: 'fal-ai/flux-lora-portrait-trainer', micros: 2_400, usual: 2_500 },
  style: { model: 'fal-ai/flux-lora-fast-training', micros: 2_000, usual: 1_000 },
}

const file = () => z.object({ url: z.url() })
const result = () => z.object({ diffusers_lora_file: file(), config_file: file().nullish() })

export const avatar = defineRecipe({
  name: 'avatar',
  provider: 'fal',
  fields: ({ archive, text }) => ({
    training_type: z.enum(['portrait', 'style']),
    /** A zip file of photos: ten or more of a person, four or more of a style. */
    images_url: archive(),
    /** The words that will call the avatar up in a prompt. */
    trigger_phrase: text(100).optional(),
    /** The trainers' own defaults where it is left out: more take longer, and cost more. */
    steps: z.int().min(1).max(10_000).optional(),
  }),
  inputTypes: ['application/zip'],
  leastPhotos: ({ training_type }) => (training_type === 'portrait' ? 10 : 4),
  model: ({ training_type }) => trainers[training_type].model,
  // Trainers take no seed.
  marker: 'link',
  runOnce: true,
  async request({ training_type, images_url, trigger_phrase, steps }, { link }) {
    const images_data_url = await link(images_url)
    // Otherwise it is guessed from the address, and a link of ours doesn't end in .zip.
    const common = { images_data_url, data_archive_format: 'zip', ...(steps && { steps }) }
    // The two call the same thing by different names.
    if (training_type === 'portrait') return { ...common, ...(trigger_phrase && { trigger_phrase }) }
    return { ...common, is_style: true, ...(trigger_phrase && { trigger_word: trigger_phrase }) }
  },
  output: 'file',
  outputUrls(output) {
    const { data } = result().safeParse(output)
    return data ? [data.diffusers_lora_file, data.config_file].flatMap((made) => made?.url ?? []) : []
  },
  accept: ['application/x-safetensors', 'application/json'],
  price: {
    of: ({ training_type, steps }) => trainers[training_type].micros * (steps ?? trainers[training_type].usual),
    source: 'https://fal.ai/models/fal-ai/flux-lora-portrait-trainer',
    date: '2026-09-24',
  },
  gate: 'auto',
  example: { training_type: 'portrait', images_url: 'https://example.com/photos.zip', trigger_phrase: 'ohwx person' },
  moreExamples: [{ training_type: 'style', images_url: 'https://example.com/photos.zip' }],
  returns: {
    file: {
      diffusers_lora_file: {
        url: 'https://v3.fal.media/files/lora.safetensors',
        content_type: 'application/octet-stream',
      },
      config_file: { url: 'https://v3.fal.media/files/config.json', content_type: 'application/json' },
    },
  },
})
