// Virtual try-on: a person is dressed garment by garment, each step on the stored result of the step before (`steps`), or in all garments at
// once (`outfit`). Pruna's model sorts garments by itself, wherever they are worn, and its results may be used commercially.
import * as z from 'zod'
import { defineRecipe } from './define.ts'
import { type Garment, type GarmentRequest, garmentField, garmentsField } from './garment.ts'

/** The same as a caller writes it. */
export interface TryOnRequest {
  person_image: string
  garments: GarmentRequest[]
  mode?: 'steps' | 'outfit'
  prompt_hints?: string
}

/** Replicate asks for a run and for each megapixel of its input pictures; most are one at most. */
const runMicros = 7_000
const pictureMicros = 8_000

const worn = { upper_body: 'top', lower_body: 'trousers or skirt', dresses: 'dress' }

/** Says which garment of a busy picture is meant, in the words that the model's page gives; nothing where nothing is known of any. */
function promptOf(garments: readonly Garment[], hints: string | undefined): string | undefined {
  const named = garments.flatMap(({ description, category }, index) => {
    const what = description ?? (category && worn[category])
    return what ? [`the ${what} from image ${index + 1}`] : []
  })
  return [named.join(' and '), hints].filter(Boolean).join('. ') || undefined
}

export const tryOn = defineRecipe({
  name: 'try-on',
  provider: 'replicate',
  model: 'prunaai/p-image-try-on',
  fields: ({ image, text, policy }) => ({
    person_image: image(),
    garments: garmentsField(policy),
    mode: z.enum(['steps', 'outfit']).default('steps'),
    prompt_hints: text(500).optional(),
  }),
  steps: ({ mode, garments }) => (mode === 'outfit' ? 1 : garments.length),
  marker: 'seed',
  async request({ mode, person_image, garments, prompt_hints }, { step, previous, link }) {
    const put = mode === 'outfit' ? garments : garments.slice(step - 1, step)
    if (put.length === 0) throw new Error(`there is no garment for step ${step}`)
    const prompt = promptOf(put, prompt_hints)
    return {
      person_image: await link(previous ?? person_image),
      garment_images: await Promise.all(put.map(({ image }) => link(image))),
      output_format: 'jpg',
      ...(prompt && { prompt }),
    }
  },
  output: 'image',
  passesOn: true,
  // The model takes six to ten; the rest is its queue, and the copy.
  stepSeconds: 20,
  price: {
    of: ({ mode, garments }) => runMicros + pictureMicros * (1 + (mode === 'outfit' ? garments.length : 1)),
    source: 'https://replicate.com/prunaai/p-image-try-on',
    date: '2026-07-28',
  },
  example: {
    person_image: 'https://example.com/person.jpg',
    garments: [
      'https://example.com/shirt.png',
      { image: 'https://example.com/jacket.png', description: 'green jacket' },
    ],
  },
  moreExamples: [
    {
      person_image: 'https://example.com/person.jpg',
      garments: [{ image: 'https://example.com/dress.png', category: 'dresses' }, 'https://example.com/hat.png'],
      mode: 'outfit',
      prompt_hints: 'outdoors',
    },
  ],
  from: { field: 'person_image' },
  changes: ({ text, policy }) => ({
    /** 1 for the first; left out: the one that this step puts on. */
    garment: z.int().min(1).max(10).optional(),
    /** What is put on in its place. */
    instead: garmentField(policy).optional(),
    prompt_hints: text(500).optional(),
  }),
  exampleChange: { instead: 'https://example.com/coat.png', prompt_hints: 'tucked in' },
  applyChange(input, step, { garment, instead, prompt_hints = input.prompt_hints }) {
    const place = garment ?? (input.mode === 'outfit' && input.garments.length > 1 ? undefined : step)
    if (!instead && garment === undefined) return { ...input, ...(prompt_hints && { prompt_hints }) }
    if (!instead) throw new Error('instead: say which garment is put on in its place')
    if (place === undefined) throw new Error(`garment: say which one of 1 to ${input.garments.length} is changed`)
    if (place > input.garments.length) throw new Error(`garment: must be 1 to ${input.garments.length}`)
    const isPutOn = input.mode === 'outfit' || place === step
    if (!isPutOn) throw new Error(`garment: step ${step} puts on garment ${step}, and no other`)
    return { ...input, garments: input.garments.with(place - 1, instead), ...(prompt_hints && { prompt_hints }) }
  },
})
