// The simulated fal's requests as JSON and back, so that a simulator that is started again still knows what was submitted.
// Images aren't kept: they are drawn from the input again. Faults and settings aren't either.

import { z } from 'zod'
import { findModel } from './models.ts'
import type { QueuedRequest } from './request.ts'
import { keep, type State } from './state.ts'

const failure = z.object({
  status: z.number(),
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string(), type: z.string() })),
  ]),
  errorType: z.string().optional(),
  isTold: z.boolean(),
  isStartTimeout: z.boolean().default(false),
})

const request = z.object({
  id: z.string(),
  gatewayId: z.string(),
  endpoint: z.string(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.string().nullable(),
  isStored: z.boolean(),
  isNoRetry: z.boolean(),
  createdAt: z.number(),
  runs: z.array(z.object({ startsAt: z.number(), endsAt: z.number() })),
  endsAt: z.number(),
  failure: failure.nullable(),
  withheld: z.enum(['data_removed', 'no_output']).nullable(),
  weightsBytes: z.number(),
  canceledByUser: z.boolean(),
})

export const savedSchema = z.object({
  savedAt: z.number(),
  requests: z.array(request),
  counts: z.record(z.string(), z.number()),
})
export type Saved = z.output<typeof savedSchema>

/** What is older than any task that still waits for it isn't kept. */
const keptMs = 7 * 86_400_000

export function save(state: State): unknown {
  const savedAt = state.options.now().getTime()
  const recent = state.requests.filter(({ createdAt }) => createdAt > savedAt - keptMs)
  const requests = recent.map(({ model, pictures: _, reading: __, drawing: ___, ...kept }) => ({
    ...kept,
    endpoint: model.endpoint,
  }))
  return { savedAt, requests, counts: state.counts }
}

export function restore(state: State, saved: Saved): void {
  Object.assign(state.counts, saved.counts)
  for (const { endpoint, ...kept } of saved.requests) {
    const model = findModel(endpoint)
    if (model === undefined) continue
    const restored: QueuedRequest = { ...kept, model, pictures: [], reading: null, drawing: null }
    keep(state, restored)
    // What ended meanwhile is reported now; a webhook that comes twice is nothing new to its receiver.
    if (restored.endsAt > saved.savedAt) state.outbox.schedule(restored)
  }
}
