// Portraits: pictures made with an avatar of one's own, by the weights that it was trained to, one prompt a step with a gate between. Nobody has
// to see a file of weights: `from` names the avatar's task.
import * as z from 'zod'
import { isResultAddress, ownResultAddress, parseOwnResult } from '../core/own-result.ts'
import { defineRecipe } from './define.ts'
import { textField } from './fields.ts'

const whichAvatar = 'must be the result of an avatar task of yours: give from, or /api/result?task_id=…&step=1'

/** The weights are never anywhere else. */
const avatarField = () =>
  z
    .string()
    .refine((value) => isResultAddress(value) && parseOwnResult(value) !== undefined, whichAvatar)
    .overwrite((value) => {
      const own = parseOwnResult(value)
      return own ? ownResultAddress(own) : value
    })
    .meta({ format: 'uri-reference', description: 'the address of an avatar of one’s own; `from` says the same' })

const fields = () =>
  z.strictObject({
    avatar: avatarField(),
    prompts: z.array(textField(1_000)).min(1).max(6),
  })

/** The same as a caller writes it. */
export type PortraitsRequest = z.input<ReturnType<typeof fields>>

const trained = () => z.object({ trigger_phrase: z.string().optional() })

/** The avatar answers to its own words; a prompt that has them already is left alone. */
function prompted(prompt: string, trigger: string | undefined): string {
  return !trigger || prompt.toLowerCase().includes(trigger.toLowerCase()) ? prompt : `${trigger}, ${prompt}`
}

export const portraits = defineRecipe({
  name: 'portraits',
  provider: 'fal',
  model: 'fal-ai/flux-lora',
  // With what is known of the avatar once it is found.
  fields: () => fields().transform((input): typeof input & z.output<ReturnType<typeof trained>> => input),
  from: {
    field: 'avatar',
    recipe: 'avatar',
    types: ['application/x-safetensors'],
    // Up to a gigabyte; and whoever erases the avatar erases all there is of it.
    staysThere: true,
    adopt: (input, { input: source }) => ({ ...input, ...trained().safeParse(source).data }),
  },
  steps: ({ prompts }) => prompts.length,
  marker: 'seed',
  async request({ avatar, prompts, trigger_phrase }, { step, link, candidates }) {
    const prompt = prompts[step - 1]
    if (!prompt) throw new Error(`there is no prompt for step ${step}`)
    return {
      prompt: prompted(prompt, trigger_phrase),
      loras: [{ path: await link(avatar), scale: 1 }],
      image_size: 'square_hd',
      num_images: candidates,
      output_format: 'jpeg',
    }
  },
  output: 'image',
  candidates: { max: 4 },
  changes: ({ text }) => ({ prompt: text(1_000) }),
  applyChange: (input, step, { prompt }) => ({ ...input, prompts: input.prompts.with(step - 1, prompt) }),
  // By the megapixel; square_hd is a little more than one.
  price: { of: 37_000, source: 'https://fal.ai/models/fal-ai/flux-lora', date: '2026-11-30' },
  timing: { firstCheckSeconds: 5, watchSeconds: 1_800, slowCheckSeconds: 900 },
  example: {
    avatar: '/api/result?task_id=01900000-0000-7000-8000-000000000000&step=1',
    prompts: ['by the sea at dawn', 'as an astronaut'],
  },
  exampleChange: { prompt: 'by the sea at night' },
})
