// A picture changed by a sentence, with up to ten other pictures to take things from. Google's general edit model, at whichever provider this
// deployment has the key of.
import { defineRecipe } from './define.ts'

export interface EditRequest {
  image: string
  prompt: string
  references?: string[]
}

export const edit = defineRecipe({
  name: 'edit',
  fields: ({ image, images, text }) => ({
    image: image(),
    prompt: text(4_000),
    references: images(10).optional(),
  }),
  output: 'image',
  stepSeconds: 20,
  provider: 'replicate',
  model: 'google/nano-banana-2',
  // No seed on Replicate; there is always a picture, whose link carries the marker.
  marker: 'link',
  request: async ({ image, prompt, references = [] }, { link }) => ({
    prompt,
    image_input: await Promise.all([image, ...references].map((picture) => link(picture))),
    resolution: '1K',
    output_format: 'jpg',
  }),
  price: { of: 67_000, source: 'https://replicate.com/google/nano-banana-2', date: '2026-09-24' },
  example: {
    image: 'https://example.com/room.jpg',
    prompt: 'Put this chair by the window',
    references: ['https://example.com/chair.png'],
  },
  from: { field: 'image' },
  changes: ({ text }) => ({ prompt: text(4_000) }),
  applyChange: (input, _step, { prompt }) => ({ ...input, prompt }),
  exampleChange: { prompt: 'Put this chair by the door' },
  elsewhere: [
    {
      provider: 'fal',
      model: 'fal-ai/nano-banana-2/edit',
      marker: 'seed',
      request: async ({ image, prompt, references = [] }, { link }) => ({
        prompt,
        image_urls: await Promise.all([image, ...references].map((picture) => link(picture))),
        resolution: '1K',
        output_format: 'jpeg',
      }),
      price: { of: 80_000, source: 'https://fal.ai/models/fal-ai/nano-banana-2/edit', date: '2026-09-24' },
    },
  ],
})
