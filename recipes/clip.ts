// A picture that moves: first the still that the film begins with, which a person approves because a film costs several times as much; then
// the film.
import * as z from 'zod'
import { defineRecipe } from './define.ts'

export interface ClipRequest {
  image: string
  prompt?: string
  seconds?: 4 | 6 | 8 | 10
  format?: '16:9' | '9:16'
}

const anyMotion = 'Slow, natural movement; the camera moves in a little.'

const stillPrompt = (prompt: string | undefined) =>
  `Make of this picture the first frame of a short film, in the frame's shape, with everything that matters well inside it.${prompt ? ` The film: ${prompt}` : ''}`

/** Replicate asks for a second of 720p, fal for a million tokens of height × width × frames ÷ 1,024: 21,600 a second of 720p. */
const secondMicros = { replicate: 30_000, fal: 21_600 }

export const clip = defineRecipe({
  name: 'clip',
  fields: ({ image, text }) => ({
    image: image(),
    prompt: text(2_000).optional(),
    seconds: z.literal([4, 6, 8, 10]).default(4),
    format: z.enum(['16:9', '9:16']).default('16:9'),
  }),
  steps: () => 2,
  output: ['image', 'video'],
  passesOn: true,
  provider: 'replicate',
  model: (_input, step) => (step === 1 ? 'google/nano-banana-2' : 'lightricks/ltx-2.5-fast'),
  marker: 'link',
  async request({ image, prompt, seconds, format }, { step, previous, link }) {
    if (step === 1) {
      const image_input = [await link(image)]
      return { prompt: stillPrompt(prompt), image_input, aspect_ratio: format, resolution: '1K', output_format: 'jpg' }
    }
    return {
      prompt: prompt ?? anyMotion,
      image: await link(previous ?? image),
      duration: seconds,
      resolution: '720p',
      aspect_ratio: format,
      generate_audio: true,
    }
  },
  price: {
    of: ({ seconds }, step) => (step === 1 ? 67_000 : seconds * secondMicros.replicate),
    source: 'https://replicate.com/lightricks/ltx-2.5-fast',
    date: '2026-09-25',
  },
  example: { image: 'https://example.com/harbour.jpg', prompt: 'the boats rock, gulls pass by' },
  from: { field: 'image' },
  changes: ({ text }) => ({ prompt: text(2_000) }),
  applyChange: (input, _step, { prompt }) => ({ ...input, prompt }),
  exampleChange: { prompt: 'the tide goes out' },
  elsewhere: [
    {
      provider: 'fal',
      model: (_input, step) =>
        step === 1 ? 'fal-ai/nano-banana-2/edit' : 'fal-ai/bytedance/seedance/v1/pro/fast/image-to-video',
      marker: 'seed',
      async request({ image, prompt, seconds, format }, { step, previous, link }) {
        if (step === 1) {
          const image_urls = [await link(image)]
          return {
            prompt: stillPrompt(prompt),
            image_urls,
            aspect_ratio: format,
            resolution: '1K',
            output_format: 'jpeg',
          }
        }
        return {
          prompt: prompt ?? anyMotion,
          image_url: await link(previous ?? image),
          duration: String(seconds),
          resolution: '720p',
          aspect_ratio: format,
        }
      },
      price: {
        of: ({ seconds }, step) => (step === 1 ? 80_000 : seconds * secondMicros.fal),
        source: 'https://fal.ai/models/fal-ai/bytedance/seedance/v1/pro/fast/image-to-video',
        date: '2026-11-29',
      },
    },
  ],
})
