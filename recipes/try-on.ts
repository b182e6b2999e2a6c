// Virtual try-on: a person is dressed garment by garment, each step on the stored result of the step before.
import * as z from 'zod'
import type { Recipe } from '../core/recipe.ts'
import { type ImagePolicy, imageField, textField } from './fields.ts'
import { firstUrl } from './outputs.ts'

/** cuuupid/idm-vton as of 2024-08-24; community models are run by version, so that their schema can't change under us. */
const version = 'c871bb9b046607b680449ecbae55fd8c6d945e0a1948644bf2361b3d021d3ff4'

/** An A100 (80 GB): the dearest of the cards that community models run on; which one it was, Replicate doesn't tell. */
const microsPerSecond = 1_400
/** Most take 17 to 20. */
const usualSeconds = 25

const garmentFields = (policy: ImagePolicy) =>
  z.strictObject({
    image: imageField(policy),
    category: z.enum(['upper_body', 'lower_body', 'dresses']).default('upper_body'),
    description: textField(500).optional(),
  })

/** A bare address is one, too. */
const garmentField = (policy: ImagePolicy) =>
  z
    .preprocess((garment) => (typeof garment === 'string' ? { image: garment } : garment), garmentFields(policy))
    .meta({ shorthand: 'image' })

const inputFields = (policy: ImagePolicy) =>
  z.strictObject({
    person_image: imageField(policy),
    garments: z.array(garmentField(policy)).min(1).max(10),
    prompt_hints: textField(500).optional(),
  })

const changeFields = (policy: ImagePolicy) =>
  z.strictObject({
    /** What is put on in this step, instead of its garment. */
    instead: garmentField(policy).optional(),
    prompt_hints: textField(500).optional(),
  })

type Input = z.output<ReturnType<typeof inputFields>>

/** The same as a caller writes it. */
export type TryOnRequest = Omit<z.input<ReturnType<typeof inputFields>>, 'garments'> & {
  garments: (string | z.input<ReturnType<typeof garmentFields>>)[]
}

export const tryOn = (policy: ImagePolicy): Recipe<Input, z.output<ReturnType<typeof changeFields>>> => ({
  name: 'try-on',
  provider: 'replicate',
  input: inputFields(policy),
  example: {
    input: {
      person_image: 'https://example.com/person.jpg',
      garments: ['https://example.com/shirt.png', 'https://example.com/jacket.png'],
    },
    output: 'https://replicate.delivery/output.png',
    change: { instead: 'https://example.com/coat.png', prompt_hints: 'tucked in' },
  },
  totalSteps: (input) => input.garments.length,

  async request(input, { step, previous, link, seed }) {
    const garment = input.garments[step - 1]
    if (!garment) throw new Error(`there is no garment for step ${step}`)
    const description = [garment.description, input.prompt_hints].filter(Boolean).join('. ')
    return {
      model: 'cuuupid/idm-vton',
      version,
      input: {
        human_img: await link(previous ?? input.person_image),
        garm_img: await link(garment.image),
        category: garment.category,
        // The model's DressCode weights: its documentation wants them for dresses.
        force_dc: garment.category === 'dresses',
        crop: true,
        // The model's default seed is a constant: a redo without one of its own would pay for the same picture again.
        seed,
        ...(description && { garment_des: description }),
      },
    }
  },

  outputUrls: firstUrl,
  accept: ['image/png', 'image/jpeg', 'image/webp'],
  maxBytes: 25_000_000,
  passesOn: true,
  from: { field: 'person_image' },
  changes: changeFields(policy),
  applyChange: (input, step, { instead, prompt_hints = input.prompt_hints }) => ({
    ...input,
    ...(prompt_hints && { prompt_hints }),
    ...(instead && { garments: input.garments.with(step - 1, instead) }),
  }),
  price: {
    of: () => Math.ceil(usualSeconds * microsPerSecond),
    source: 'https://replicate.com/pricing',
    date: '2026-11-18',
    settle: ({ predict_seconds }) => predict_seconds && predict_seconds * microsPerSecond,
  },
  gate: 'manual',
  stepSeconds: 20,
  timing: {
    firstCheckSeconds: 2,
    minCheckSeconds: 2,
    maxCheckSeconds: 15,
    watchSeconds: 3_600,
    slowCheckSeconds: 3_600,
    limitSeconds: 3_600,
    gateSeconds: 7 * 24 * 3_600,
    unconfirmedSeconds: 3_600,
  },
})
