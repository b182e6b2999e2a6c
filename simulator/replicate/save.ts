// The simulated Replicate's predictions as JSON and back, so that a simulator that is started again still knows what was created.
// Finished pictures are kept, because the inputs that they were drawn from may be gone; faults and settings aren't.

import { z } from 'zod'
import { findByVersion, findOfficial } from './models.ts'
import type { Prediction } from './prediction.ts'
import { keep, type State } from './state.ts'

/** Infinity ("never began") isn't JSON. */
const instant = z
  .number()
  .nullable()
  .transform((at) => at ?? Number.POSITIVE_INFINITY)

const picture = z.object({
  bytes: z.base64().transform((text) => Buffer.from(text, 'base64')),
  type: z.enum(['image/png', 'image/jpeg', 'image/webp']),
  extension: z.enum(['png', 'jpg', 'webp']),
})

const prediction = z.object({
  id: z.string(),
  model: z.string(),
  version: z.string().nullable(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.string().nullable(),
  events: z.array(z.enum(['start', 'output', 'logs', 'completed'])),
  createdAt: z.number(),
  deadline: z.number().nullable(),
  startsAt: instant,
  endsAt: z.number(),
  ending: z.enum(['succeeded', 'failed', 'canceled', 'aborted']),
  error: z.string().nullable(),
  withheld: z.enum(['data_removed', 'no_output']).nullable(),
  canceledByUser: z.boolean(),
  pictures: z.array(picture),
})

const inputFile = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  bytes: z.base64().transform((text) => Buffer.from(text, 'base64')),
  metadata: z.unknown(),
  createdAt: z.number(),
})

export const savedSchema = z.object({
  savedAt: z.number(),
  predictions: z.array(prediction),
  files: z.array(inputFile).default([]),
  requests: z.record(z.string(), z.number()),
})
export type Saved = z.output<typeof savedSchema>

/** What is older than any task that still waits for it isn't kept. */
const keptMs = 7 * 86_400_000

export function save(state: State): unknown {
  const savedAt = state.options.now().getTime()
  const recent = state.predictions.filter(({ createdAt }) => createdAt > savedAt - keptMs)
  const predictions = recent.map(({ model, pictures, drawing: _, ...kept }) => ({
    ...kept,
    model: model.name,
    version: model.version,
    pictures: pictures.map((drawn) => ({ ...drawn, bytes: Buffer.from(drawn.bytes).toString('base64') })),
  }))
  const files = [...state.files.values()].map(({ bytes, ...file }) => ({
    ...file,
    bytes: Buffer.from(bytes).toString('base64'),
  }))
  return { savedAt, predictions, files, requests: state.requests }
}

export function restore(state: State, saved: Saved): void {
  Object.assign(state.requests, saved.requests)
  for (const file of saved.files) state.files.set(file.id, { ...file, metadata: file.metadata })
  for (const { model: name, version, ...kept } of saved.predictions) {
    const model = version === null ? findOfficial(name) : findByVersion(version)
    if (model === undefined) continue
    const isDrawn = kept.pictures.length > 0
    const restored: Prediction = { ...kept, model, drawing: isDrawn ? Promise.resolve() : null }
    keep(state, restored)
    // What ended meanwhile is reported now; a webhook that comes twice is nothing new to its receiver.
    if (restored.endsAt > saved.savedAt) state.outbox.schedule(restored)
  }
}
