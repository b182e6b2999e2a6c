// A simulated provider's jobs as JSON and back, so that a simulator that is started again still knows what was created. Drawn files are
// kept, because the inputs that they were drawn from may be gone; weights are made again, faults and settings aren't kept.

import { z } from 'zod'
import type { Job } from './job.ts'
import { clockOf, type Kind, keep, type State } from './state.ts'

const bytes = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')))

const job = z.object({
  id: z.string(),
  model: z.string(),
  version: z.string().nullable(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.string().nullable(),
  createdAt: z.number(),
  weightsBytes: z.number(),
  runs: z.array(z.object({ startsAt: z.number(), endsAt: z.number() })),
  endsAt: z.number(),
  ending: z.enum(['succeeded', 'failed', 'canceled', 'aborted']),
  withheld: z.enum(['data_removed', 'no_output']).nullable(),
  canceledByUser: z.boolean(),
  files: z.array(
    z.object({ name: z.string().optional(), bytes, size: z.number(), type: z.string(), extension: z.string() }),
  ),
  own: z.unknown(),
})

const upload = z.object({
  ...{ id: z.string(), name: z.string(), type: z.string(), bytes, metadata: z.unknown(), createdAt: z.number() },
})

const savedSchema = z.object({
  savedAt: z.number(),
  jobs: z.array(job),
  uploads: z.array(upload),
  requests: z.record(z.string(), z.number()),
})

/** What is older than any task that still waits for it isn't kept. */
const keptMs = 7 * 86_400_000

const asText = (raw: Uint8Array) => Buffer.from(raw).toString('base64')

export function save<K extends Kind>(state: State<K>): unknown {
  const savedAt = clockOf(state)
  const jobs = state.jobs
    .filter(({ createdAt }) => createdAt > savedAt - keptMs)
    .map(({ model, files, reading: _, drawing: __, ...kept }) => ({
      ...kept,
      model: model.name,
      version: model.version,
      files: model.isTraining ? [] : files.map((made) => ({ ...made, bytes: asText(made.bytes ?? new Uint8Array()) })),
    }))
  const uploads = [...state.uploads.values()].map((kept) => ({ ...kept, bytes: asText(kept.bytes) }))
  return { savedAt, jobs, uploads, requests: state.requests }
}

/** Throws a ZodError where it is of another version. */
export function restore<K extends Kind>(state: State<K>, given: unknown): void {
  const saved = savedSchema.parse(given)
  const owns = saved.jobs.map(({ own }) => state.protocol.own.parse(own))
  Object.assign(state.requests, saved.requests)
  for (const kept of saved.uploads) state.uploads.set(kept.id, { ...kept, metadata: kept.metadata })
  for (const [n, { model: name, version, ...kept }] of saved.jobs.entries()) {
    const model = state.protocol.findModel(name, version)
    const own = owns[n]
    if (model === undefined || own === undefined) continue
    const drawing = kept.files.length > 0 ? Promise.resolve() : null
    const restored: Job<K['own']> = { ...kept, model, own, reading: drawing, drawing }
    keep(state, restored)
    // What ended meanwhile is reported now; a webhook that comes twice is nothing new to its receiver.
    if (restored.endsAt > saved.savedAt) state.outbox.schedule(restored)
  }
}
