// Memes: one picture a prompt, strictly one after another, without a gate; each user has one such task at a time.
import * as z from 'zod'
import { defineRecipe } from './define.ts'
import { textField } from './fields.ts'

const most = 10

const fields = z
  .strictObject({
    prompts: z.array(textField(1_000)).min(1).max(most).optional(),
    /** Instead of prompts: what all of them shall be about. */
    topic: textField(200).optional(),
    count: z.int().min(1).max(most).optional(),
    /** Each picture becomes a short clip. */
    animate: z.boolean().optional(),
  })
  .superRefine(({ prompts, topic, count }, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (!prompts && !topic) fault('prompts', 'give 1 to 10 prompts, or a topic and a count')
    if (prompts && topic) fault('topic', 'give prompts or a topic, not both')
    if (prompts && count) fault('count', 'belongs to a topic; prompts are as many as they are')
  })
  // What was written is kept as prompts: the same topic means the same pictures however this list of phrases grows.
  .transform(({ prompts, topic = '', count = 3, animate }) => ({
    prompts: prompts ?? promptsAbout(topic, count),
    ...(animate && { animate }),
  }))

/** The same as a caller writes it. */
export type MemesRequest = ({ prompts: string[] } | { topic: string; count?: number }) & { animate?: boolean }

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

/** With clips, every second step is one, of the picture before it. */
const isClip = ({ animate = false }: { animate?: boolean }, step: number): boolean => animate && step % 2 === 0
const clipSeconds = 4

export const memes = defineRecipe({
  name: 'memes',
  fields: () => fields,
  steps: ({ prompts, animate }) => prompts.length * (animate ? 2 : 1),
  output: ['image', 'video'],
  makes: (input, step) => (isClip(input, step) ? 'video' : 'image'),
  provider: 'replicate',
  // Official models: they are run by their names, without a version.
  model: (input, step) => (isClip(input, step) ? 'lightricks/ltx-2.5-fast' : 'black-forest-labs/flux-schnell'),
  marker: (input, step) => (isClip(input, step) ? 'link' : 'seed'),
  async request(input, { step, previous, link, candidates }) {
    const prompt = input.prompts[(input.animate ? Math.ceil(step / 2) : step) - 1]
    if (!prompt) throw new Error(`there is no prompt for step ${step}`)
    // The clips are upright, as phones are held.
    const aspect_ratio = input.animate ? '9:16' : '1:1'
    if (!isClip(input, step)) return { prompt, num_outputs: candidates, aspect_ratio, output_format: 'webp' }
    const image = await link(previous ?? '')
    return { prompt, image, duration: clipSeconds, resolution: '720p', aspect_ratio, generate_audio: true }
  },
  passesOn: (step) => step % 2 === 1,
  candidates: { max: 4, isOf: (input, step) => !isClip(input, step) },
  price: {
    of: (input, step) => (isClip(input, step) ? clipSeconds * 30_000 : 3_000),
    source: 'https://replicate.com/black-forest-labs/flux-schnell',
    date: '2026-05-25',
  },
  gate: 'auto',
  exclusive: 'user',
  // The model itself takes two; the rest is its queue, and the copy. A clip takes a minute.
  stepSeconds: 6,
  profile: 'image',
  timing: { watchSeconds: 1_800, slowCheckSeconds: 900, limitSeconds: 1_800 },
  example: { topic: 'deadlines', count: 2 },
  moreExamples: [{ prompts: ['a cat in a tie'], animate: true }],
  returns: { image: ['https://replicate.delivery/out-0.webp'] },
})
