// Makes the output of a prediction that has succeeded: fetches its input, draws, and so decides whether it did succeed.
// Every endpoint that shows a prediction, and every webhook, awaits settle() before.

import pLimit from 'p-limit'
import { blank, type Picture } from '../draw.ts'
import { readUploaded } from './input-files.ts'
import { type LoadImage, ModelError } from './models.ts'
import { isOver, isRemoved, type Prediction } from './prediction.ts'
import type { State } from './state.ts'

// Drawing is work for the processor alone, so more at once would only slow each other down.
const drawInTurn = pLimit(2)

/** Draws the output of one that has succeeded by `now`, once. Nothing to do for any other. */
export async function settle(state: State, prediction: Prediction, now: number): Promise<void> {
  if (prediction.ending !== 'succeeded' || prediction.withheld !== null || !isOver(prediction, now)) return
  if (isRemoved(prediction, now, state.settings.retention_seconds)) return
  prediction.drawing ??= draw(state, prediction)
  await prediction.drawing
}

async function draw(state: State, prediction: Prediction): Promise<void> {
  const { model, input } = prediction
  if (!state.settings.drawing) {
    const { num_outputs } = input
    prediction.pictures = Array<Picture>(typeof num_outputs === 'number' ? num_outputs : 1).fill(blank)
    return
  }
  const load: LoadImage = (url) =>
    loadImage(url, async (address) => readUploaded(state, address) ?? state.options.fetchInput(address))
  try {
    prediction.pictures = await drawInTurn(() => model.draw(input, load))
  } catch (error) {
    // As at Replicate, what breaks inside the model is told in the prediction's own words.
    prediction.ending = 'failed'
    prediction.error = error instanceof Error ? error.message : String(error)
  }
}

async function loadImage(url: string, fetchInput: (url: string) => Promise<Response>): Promise<Uint8Array> {
  let response: Response
  try {
    response = await (url.startsWith('data:') ? fetch(url) : fetchInput(url))
  } catch (cause) {
    throw new ModelError(`Could not fetch the input image ${short(url)}`, { cause })
  }
  if (!response.ok) throw new ModelError(`Could not fetch the input image ${short(url)}: HTTP ${response.status}`)
  const type = response.headers.get('content-type') ?? 'image/'
  if (/^(text|application\/json)/.test(type))
    throw new ModelError(`cannot identify image file: ${short(url)} is ${type}`)
  return response.bytes()
}

const short = (url: string) => (url.length > 80 ? `${url.slice(0, 77)}…` : url)
