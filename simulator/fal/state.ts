// What the simulated fal holds between requests, and how it is told to behave. The endpoints share it; index.ts makes and
// resets it.

import { z } from 'zod'
import { createFaultQueue, type FaultQueue } from '../faults.ts'
import { settle } from './output.ts'
import type { QueuedRequest } from './request.ts'
import { answerOf } from './result.ts'
import type { SigningKeys } from './signature.ts'
import { createOutbox, type Outbox } from './webhooks.ts'

export const settingsSchema = z.strictObject({
  seconds_per_step: z.number().min(0),
  seconds_per_training: z.number().min(0),
  /** The size of trained weights; real ones are around 90 MB. */
  weights_bytes: z.int().min(1024),
  /** Submissions a minute before 429; null is no limit. */
  rate_limit_per_minute: z.int().min(1).nullable(),
  /** Off: images are a blank pixel, inputs aren't fetched. */
  drawing: z.boolean(),
  /** Off: no webhook is ever sent. */
  webhooks: z.boolean(),
  /** Whether the account's list shows requests before they are over. It isn't documented, so nobody may rely on it. */
  list_unfinished: z.boolean(),
  /** Whether `response_url` ends in /response: both forms have been seen. */
  response_suffix: z.boolean(),
  /** The number of the key that signs. It and the one before are published; raising it by two is a hard rotation. */
  signing_key: z.int().min(0),
})
export type Settings = z.output<typeof settingsSchema>

export const settingsChangeSchema = settingsSchema.partial()
export type SettingsChange = z.output<typeof settingsChangeSchema>

export interface Options {
  readonly baseUrl: string
  /** The one key that is accepted; any will do without it. */
  readonly key: string | undefined
  readonly now: () => Date
  readonly newId: () => string
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly fetchInput: (url: string) => Promise<Response>
  readonly keys: SigningKeys
  readonly settings: Settings
}

export interface State {
  readonly options: Options
  readonly faults: FaultQueue
  readonly outbox: Outbox
  settings: Settings
  /** In the order of submission, and by id. */
  readonly requests: QueuedRequest[]
  readonly byId: Map<string, QueuedRequest>
  readonly counts: {
    create: number
    status: number
    result: number
    list: number
    cancel: number
    file: number
    jwks: number
  }
  /** Instants of the submissions of the last minute, kept while a rate limit is set. */
  recentCreates: number[]
}

export function createState(options: Options): State {
  const faults = createFaultQueue()
  const outbox = createOutbox({
    faults,
    keys: options.keys,
    signingKey: () => state.settings.signing_key,
    isOn: () => state.settings.webhooks,
    settle: (request, at) => settle(state, request, at),
    answer: (request) => answerOf(request, options.baseUrl),
  })
  const state: State = {
    ...{ options, faults, outbox },
    settings: { ...options.settings },
    requests: [],
    byId: new Map(),
    counts: { create: 0, status: 0, result: 0, list: 0, cancel: 0, file: 0, jwks: 0 },
    recentCreates: [],
  }
  return state
}

export function keep(state: State, request: QueuedRequest): void {
  state.requests.push(request)
  state.byId.set(request.id, request)
}
