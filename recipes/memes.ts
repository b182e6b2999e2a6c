// Memes: one picture a prompt, strictly one after another, without a gate; each user has one such task at a time.
import * as z from 'zod'
import type { Recipe } from '../core/recipe.ts'
import { textField } from './fields.ts'
import { allUrls } from './outputs.ts'

const most = 10

const fields = z
  .strictObject({
    prompts: z.array(textField(1_000)).min(1).max(most).optional(),
    /** Instead of prompts: what all of them shall be about. */
    topic: textField(200).optional(),
    count: z.int().min(1).max(most).optional(),
  })
  .superRefine(({ prompts, topic, count }, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (!prompts && !topic) fault('prompts', 'give 1 to 10 prompts, or a topic and a count')
    if (prompts && topic) fault('topic', 'give prompts or a topic, not both')
    if (prompts && count) fault('count', 'belongs to a topic; prompts are as many as they are')
  })
  // What was written is kept as prompts: the same topic means the same pictures however this list of phrases grows.
  .transform(({ prompts, topic = '', count = 3 }) => ({ prompts: prompts ?? promptsAbout(topic, count) }))

type Input = z.output<typeof fields>

/** The same as a caller writes it. */
export type MemesRequest = { prompts: string[] } | { topic: string; count?: number }

/** Kinds of pictures that are funny about nearly anything. Taken in this order, so a topic's prompts can be foretold. */
const scenes: readonly ((topic: string) => string)[] = [
  (topic) => `A meme photo about ${topic}: an office cat in a tie stares at it in utter disbelief, flash photography`,
  (topic) => `A meme about ${topic}: expectation on the left, sobering reality on the right, two panels, bold colours`,
  (topic) => `A meme about ${topic}: a golden retriever pretends to be an expert in it, wearing glasses, studio light`,
  (topic) => `A meme about ${topic} as a dramatic Renaissance oil painting, everybody overreacts, candle light`,
  (topic) => `A meme about ${topic}: a tired hero explains it to a wall covered in notes and red string, cinematic`,
  (topic) => `A meme about ${topic}: a raccoon caught in the act, security camera still, grainy, night vision`,
  (topic) => `A meme about ${topic} as a nature documentary: a rare specimen in its habitat, telephoto lens`,
  (topic) => `A meme about ${topic}: a very small dog in a huge meeting room presents a chart on it, wide angle`,
  (topic) => `A meme about ${topic} as a vintage motivational poster that does not motivate, muted print colours`,
  (topic) => `A meme about ${topic}: grandmother solves it in a second, everyone else gapes, warm kitchen light`,
]

function promptsAbout(topic: string, count: number): string[] {
  return scenes.slice(0, count).map((scene) => scene(topic))
}

export const memes: Recipe<Input> = {
  name: 'memes',
  provider: 'replicate',
  input: fields,
  example: {
    input: { topic: 'deadlines', count: 2 },
    output: ['https://replicate.delivery/out-0.webp'],
  },
  totalSteps: ({ prompts }) => prompts.length,

  async request({ prompts }, { step, seed, candidates }) {
    const prompt = prompts[step - 1]
    if (!prompt) throw new Error(`there is no prompt for step ${step}`)
    return {
      // An official model: it is run by its name, without a version.
      model: 'black-forest-labs/flux-schnell',
      input: { prompt, seed, num_outputs: candidates, aspect_ratio: '1:1', output_format: 'webp' },
    }
  },

  outputUrls: allUrls,
  candidates: { max: 4 },
  accept: ['image/webp', 'image/png', 'image/jpeg'],
  maxBytes: 15_000_000,
  price: { of: () => 3_000, source: 'https://replicate.com/black-forest-labs/flux-schnell', date: '2026-05-25' },
  gate: 'auto',
  exclusive: 'user',
  // The model itself takes two; the rest is its queue, and the copy.
  stepSeconds: 6,
  timing: {
    firstCheckSeconds: 2,
    minCheckSeconds: 2,
    maxCheckSeconds: 15,
    watchSeconds: 1_800,
    slowCheckSeconds: 900,
    limitSeconds: 1_800,
    gateSeconds: 7 * 24 * 3_600,
    unconfirmedSeconds: 3_600,
  },
}
