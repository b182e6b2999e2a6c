// What a simulated provider holds between requests, and what its protocol brings to the life cycle that all of them share.

import { z } from 'zod'
import { createFaultQueue, type FaultOn, type FaultQueue } from '../faults.ts'
import type { Model, ModelFault } from '../models/model.ts'
import type { Ending, Job, WebhookEvent } from './job.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { settle } from './output.ts'

export const settingsSchema = z.strictObject({
  seconds_per_step: z.number().min(0),
  seconds_per_training: z.number().min(0),
  /** The size of trained weights; real ones are around 90 MB. */
  weights_bytes: z.int().min(1024),
  /** Creates a minute before 429; null is no limit. Replicate's own is 600. */
  rate_limit_per_minute: z.int().min(1).nullable(),
  /** Off: outputs are blank, inputs aren't fetched. */
  drawing: z.boolean(),
  /** Off: no webhook is ever sent. */
  webhooks: z.boolean(),
})
type Settings = z.output<typeof settingsSchema>

export interface Delivery {
  readonly event: WebhookEvent
  readonly attempt: number
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** The types that differ from provider to provider. */
export interface Kind {
  own: object
  settings: Settings
  delivery: Delivery
  /** What requests are counted as. */
  counted: string
  status: string
  /** Of the till's entries, beside what all have. */
  entry: object
}

/** The errors that each provider puts in words of its own. */
interface Answers {
  notFound(what?: string): Response
  rateLimited(retryAfter: number, inHeader?: boolean): Response
  noCredit(): Response
  rejected(): Response
  serverError(status: number): Response
}

export interface Protocol<K extends Kind> {
  readonly answers: Answers
  readonly counted: readonly K['counted'][]
  readonly statuses: readonly K['status'][]
  readonly settings: z.ZodType<K['settings']>
  /** How `own` is read back from the state file. */
  readonly own: z.ZodType<K['own']>
  /** Its words for an input that can't be downloaded, before the address. */
  readonly cannotFetch: string
  /** True where inputs are read when a job begins, and not at its end. */
  readonly readsAtStart: boolean
  /** What was uploaded to the provider itself is at hand. */
  readUpload?(state: State<K>, url: string): Response | undefined
  /** How long after its end a job's webhook is tried again. */
  readonly lastAttemptMs: number
  findModel(name: string, version: string | null): Model | undefined
  fileName(number: number, extension: string): string
  statusAt(job: Job<K['own']>, now: number): K['status']
  isPaid(job: Job<K['own']>, now: number): boolean
  isRemoved(state: State<K>, job: Job<K['own']>, now: number): boolean
  /** The model couldn't use its input. */
  fail(state: State<K>, job: Job<K['own']>, fault: ModelFault): void
  events(job: Job<K['own']>): readonly WebhookEvent[]
  /** Whether an event is reported, now that the ending is final. */
  isReported(job: Job<K['own']>, event: WebhookEvent): boolean
  delivery(state: State<K>, due: Due<K>): K['delivery']
  entry(job: Job<K['own']>, ending: Ending | null): K['entry']
}

/** A webhook that is to be written now. */
export interface Due<K extends Kind> {
  readonly job: Job<K['own']>
  readonly event: WebhookEvent
  readonly eventAt: number
  readonly attempt: number
  readonly fault: FaultOn<'webhook'> | undefined
  readonly now: number
}

export interface Options<K extends Kind> {
  readonly baseUrl: string
  readonly now: () => Date
  readonly newId: () => string
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly fetchInput: (url: string) => Promise<Response>
  readonly settings: K['settings']
}

/** What was uploaded for inputs. */
export interface Upload {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
  readonly metadata: unknown
  readonly createdAt: number
}

export interface State<K extends Kind> {
  readonly protocol: Protocol<K>
  readonly options: Options<K>
  readonly faults: FaultQueue
  readonly outbox: Outbox<K>
  settings: K['settings']
  /** In the order of creation, and by id. */
  readonly jobs: Job<K['own']>[]
  readonly byId: Map<string, Job<K['own']>>
  readonly uploads: Map<string, Upload>
  readonly requests: Record<K['counted'], number>
  /** Instants of the creates of the last minute, kept while a rate limit is set. */
  recentCreates: number[]
  /** How many of the oldest jobs have had their files dropped. */
  purged: number
}

export function createState<K extends Kind>(protocol: Protocol<K>, options: Options<K>): State<K> {
  const state: State<K> = {
    ...{ protocol, options },
    faults: createFaultQueue(),
    outbox: createOutbox({
      isOn: () => state.settings.webhooks,
      state: () => state,
      settle: (job, at) => settle(state, job, at),
    }),
    settings: { ...options.settings },
    jobs: [],
    byId: new Map(),
    uploads: new Map(),
    requests: Object.fromEntries(protocol.counted.map((name) => [name, 0])) as Record<K['counted'], number>,
    recentCreates: [],
    purged: 0,
  }
  return state
}

export const clockOf = <K extends Kind>({ options }: State<K>) => options.now().getTime()

export function keep<K extends Kind>(state: State<K>, job: Job<K['own']>): void {
  state.jobs.push(job)
  state.byId.set(job.id, job)
}
