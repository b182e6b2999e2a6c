// Virtual try-on of 2024, on IDM-VTON: a person is dressed garment by garment, each step on the stored result of the step before. Its licence
// is for non-commercial use (CC BY-NC-SA 4.0), so it is offered only where ENABLE_NONCOMMERCIAL=1 says that this is one.
import { defineRecipe } from './define.ts'
import { type GarmentRequest, garmentsField } from './garment.ts'
import { urlsIn } from './outputs.ts'

/** The same as a caller writes it. */
export interface TryOnIdmRequest {
  person_image: string
  garments: GarmentRequest[]
  prompt_hints?: string
}

/** cuuupid/idm-vton as of 2024-08-24; community models are run by version, so that their schema can't change under us. */
const version = 'c871bb9b046607b680449ecbae55fd8c6d945e0a1948644bf2361b3d021d3ff4'

/** An A100 (80 GB): the dearest of the cards that community models run on; which one it was, Replicate doesn't tell. */
const microsPerSecond = 1_400
/** Most take 17 to 20. */
const usualSeconds = 25

export const tryOnIdm = defineRecipe({
  name: 'try-on-idm',
  nonCommercial: { licence: 'CC BY-NC-SA 4.0', source: 'https://huggingface.co/yisol/IDM-VTON' },
  provider: 'replicate',
  model: `cuuupid/idm-vton:${version}`,
  fields: ({ image, text, policy }) => ({
    person_image: image(),
    garments: garmentsField(policy),
    prompt_hints: text(500).optional(),
  }),
  steps: ({ garments }) => garments.length,
  // The model's default seed is a constant: a redo without one of its own would pay for the same picture again.
  marker: 'seed',
  async request({ person_image, garments, prompt_hints }, { step, previous, link }) {
    const garment = garments[step - 1]
    if (!garment) throw new Error(`there is no garment for step ${step}`)
    const { category = 'upper_body' } = garment
    const description = [garment.description, prompt_hints].filter(Boolean).join('. ')
    return {
      human_img: await link(previous ?? person_image),
      garm_img: await link(garment.image),
      category,
      // The model's DressCode weights: its documentation wants them for dresses.
      force_dc: category === 'dresses',
      crop: true,
      ...(description && { garment_des: description }),
    }
  },
  output: 'image',
  outputUrls: (output) => urlsIn(output).slice(0, 1),
  from: { field: 'person_image' },
  passesOn: true,
  stepSeconds: 20,
  price: {
    of: Math.ceil(usualSeconds * microsPerSecond),
    source: 'https://replicate.com/pricing',
    date: '2026-11-18',
    settle: ({ predict_seconds }) => predict_seconds && predict_seconds * microsPerSecond,
  },
  example: {
    person_image: 'https://example.com/person.jpg',
    garments: ['https://example.com/shirt.png', 'https://example.com/jacket.png'],
  },
})
