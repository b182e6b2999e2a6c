// What the simulated Replicate holds between requests, and how it is told to behave. The endpoints share it; index.ts
// makes and resets it.

import { z } from 'zod'
import { createFaultQueue, type FaultQueue } from '../faults.ts'
import type { InputFile } from './input-files.ts'
import { settle } from './output.ts'
import { type Prediction, viewAt } from './prediction.ts'
import { createOutbox, type Outbox } from './webhooks.ts'

export const settingsSchema = z.strictObject({
  seconds_per_step: z.number().min(0),
  retention_seconds: z.number().min(0),
  /** Creates a minute before 429; null is no limit. Replicate's own is 600. */
  rate_limit_per_minute: z.int().min(1).nullable(),
  /** Off: outputs are a blank pixel, inputs aren't fetched. */
  drawing: z.boolean(),
  /** Off: no webhook is ever sent. */
  webhooks: z.boolean(),
})
export type Settings = z.output<typeof settingsSchema>

export const settingsChangeSchema = settingsSchema.partial()
export type SettingsChange = z.output<typeof settingsChangeSchema>

export interface Options {
  readonly baseUrl: string
  /** The one token that is accepted; any will do without it. */
  readonly token: string | undefined
  readonly webhookSecret: string
  readonly now: () => Date
  readonly newId: () => string
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly fetchInput: (url: string) => Promise<Response>
  readonly settings: Settings
}

export interface State {
  readonly options: Options
  readonly faults: FaultQueue
  readonly outbox: Outbox
  settings: Settings
  /** In the order of creation, and by id. */
  readonly predictions: Prediction[]
  readonly byId: Map<string, Prediction>
  /** What was uploaded for inputs. */
  readonly files: Map<string, InputFile>
  readonly requests: { create: number; get: number; list: number; cancel: number; file: number }
  /** Instants of the creates of the last minute, kept while a rate limit is set. */
  recentCreates: number[]
  /** How many of the oldest predictions have had their files dropped. */
  purged: number
}

export function createState(options: Options): State {
  const faults = createFaultQueue()
  const outbox = createOutbox({
    faults,
    secret: options.webhookSecret,
    newId: options.newId,
    isOn: () => state.settings.webhooks,
    settle: (prediction, at) => settle(state, prediction, at),
    view: (prediction, at) => view(state, prediction, at),
  })
  const state: State = {
    ...{ options, faults, outbox },
    settings: { ...options.settings },
    predictions: [],
    byId: new Map(),
    files: new Map(),
    requests: { create: 0, get: 0, list: 0, cancel: 0, file: 0 },
    recentCreates: [],
    purged: 0,
  }
  return state
}

export function keep(state: State, prediction: Prediction): void {
  state.predictions.push(prediction)
  state.byId.set(prediction.id, prediction)
}

export function view(state: State, prediction: Prediction, now: number) {
  const { options, settings } = state
  return viewAt(prediction, now, { baseUrl: options.baseUrl, retentionSeconds: settings.retention_seconds })
}
