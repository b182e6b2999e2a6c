// Portraits: pictures made with an avatar of one's own, by the weights that it was trained to, one prompt a step with a gate between. Nobody has
// to see a file of weights: `from` names the avatar's task.
import * as z from 'zod'
import { isResultAddress, ownResultAddress, parseOwnResult } from '../core/own-result.ts'
import type { Recipe } from '../core/recipe.ts'
import { textField } from './fields.ts'

const most = 6
const whichAvatar = 'must be the result of an avatar task of yours: give from, or /api/result?task_id=…&step=1'

/** The weights are never anywhere else. */
const avatarField = z
  .string()
  .refine((value) => isResultAddress(value) && parseOwnResult(value) !== undefined, whichAvatar)
  .overwrite((value) => {
    const own = parseOwnResult(value)
    return own ? ownResultAddress(own) : value
  })
  .meta({ format: 'uri-reference', description: 'the address of an avatar of one’s own; `from` says the same' })

const fields = z.strictObject({
  avatar: avatarField,
  prompts: z.array(textField(1_000)).min(1).max(most),
})

/** With what is known of the avatar once it is found. */
type Input = z.output<typeof fields> & { trigger_phrase?: string }

/** The same as a caller writes it. */
export type PortraitsRequest = z.input<typeof fields>

const trained = z.object({ trigger_phrase: z.string().optional() })
const result = z.object({ images: z.array(z.object({ url: z.url() })).min(1) })
const changes = z.strictObject({ prompt: textField(1_000) })

/** The avatar answers to its own words; a prompt that has them already is left alone. */
function prompted(prompt: string, trigger: string | undefined): string {
  return !trigger || prompt.toLowerCase().includes(trigger.toLowerCase()) ? prompt : `${trigger}, ${prompt}`
}

export const portraits: Recipe<Input, z.output<typeof changes>> = {
  name: 'portraits',
  provider: 'fal',
  input: fields,
  example: {
    input: {
      avatar: '/api/result?task_id=01900000-0000-7000-8000-000000000000&step=1',
      prompts: ['by the sea at dawn', 'as an astronaut'],
    },
    output: { images: [{ url: 'https://v3.fal.media/files/portrait.jpg', content_type: 'image/jpeg' }] },
    change: { prompt: 'by the sea at night' },
  },
  from: {
    field: 'avatar',
    recipe: 'avatar',
    types: ['application/x-safetensors'],
    // Up to a gigabyte; and whoever erases the avatar erases all there is of it.
    staysThere: true,
    adopt: (input, { input: source }) => {
      const trigger = trained.safeParse(source).data?.trigger_phrase
      return { ...input, ...(trigger && { trigger_phrase: trigger }) }
    },
  },
  totalSteps: ({ prompts }) => prompts.length,

  async request({ avatar, prompts, trigger_phrase }, { step, link, seed, candidates }) {
    const prompt = prompts[step - 1]
    if (!prompt) throw new Error(`there is no prompt for step ${step}`)
    return {
      model: 'fal-ai/flux-lora',
      input: {
        prompt: prompted(prompt, trigger_phrase),
        loras: [{ path: await link(avatar), scale: 1 }],
        image_size: 'square_hd',
        num_images: candidates,
        seed,
        output_format: 'jpeg',
      },
    }
  },

  candidates: { max: 4 },
  changes,
  applyChange: (input, step, { prompt }) => ({ ...input, prompts: input.prompts.with(step - 1, prompt) }),
  outputUrls: (output) => result.safeParse(output).data?.images.map(({ url }) => url) ?? [],
  accept: ['image/jpeg', 'image/png', 'image/webp'],
  maxBytes: 25_000_000,
  // By the megapixel; square_hd is a little more than one.
  price: { of: () => 37_000, source: 'https://fal.ai/models/fal-ai/flux-lora', date: '2026-11-30' },
  gate: 'manual',
  stepSeconds: 15,
  timing: {
    firstCheckSeconds: 5,
    minCheckSeconds: 2,
    maxCheckSeconds: 15,
    watchSeconds: 1_800,
    slowCheckSeconds: 900,
    limitSeconds: 3_600,
    gateSeconds: 7 * 24 * 3_600,
    unconfirmedSeconds: 3_600,
  },
}
