// What the engine asks of a provider. `providers/` implements it for Replicate and fal; nothing else knows their HTTP.
import type { ProviderUrls, TaskErrorCode } from './task.ts'

/** One generation, as a recipe builds it. `model` is the provider's own name for what runs. */
export interface GenerationRequest {
  model: string
  version?: string
  input: Record<string, unknown>
  /** Work of hours: where the provider would run it again by itself after a fault, the fault shall be seen instead. */
  runOnce?: boolean
}

export interface SubmitOptions {
  /** Where the provider reports; absent when this deployment can't be reached by it. */
  webhookUrl?: string
  /** The provider is asked to give up by itself after this long, queue time included. */
  cancelAfterSeconds: number
  /** Asked right before the POST; false: nothing is sent, and submit throws. */
  mayBegin?: () => boolean
}

export interface Created {
  prediction_id: string
  urls: ProviderUrls
}

/** The three fates of a create. `unknown` is never re-sent: it may have been accepted, and paid. */
export type Submission =
  | ({ kind: 'created' } & Created)
  | { kind: 'throttled'; reason: string; retryAfterSeconds: number } // nothing created; the provider asks everybody to wait
  | { kind: 'rejected'; reason: string } // nothing created; the same request would be refused again
  | { kind: 'unknown'; reason: string }

/** What a provider measured of a prediction that is over. */
export interface Metrics {
  /** How long it ran, without its time in the queue. */
  predict_seconds?: number
  /** How many pictures it made. */
  outputs?: number
}

/** What a check of a prediction tells. Only `succeeded` and `failed` end a step; silence is not failure. */
export type Observation =
  | { kind: 'running'; warning?: string }
  | { kind: 'succeeded'; output: unknown; metrics?: Metrics }
  | { kind: 'failed'; code: TaskErrorCode; reason: string; metrics?: Metrics }
  | { kind: 'missing' } // 404: counts, and only several in a row mean lost
  | { kind: 'unreachable'; reason: string }

/** `over`: the provider's job runs no more (or never will), with what it measured; otherwise the cancel is tried again. */
export type Cancellation =
  | { kind: 'over'; metrics?: Metrics }
  | { kind: 'missing' }
  | { kind: 'asked' }
  | { kind: 'unreachable'; reason: string }

/** What a provider says when it is asked to delete a prediction's data. `refused`: it won't, however often it is asked. */
export type ProviderErasure =
  | { kind: 'gone' }
  | { kind: 'refused'; reason: string }
  | { kind: 'unreachable'; reason: string }

/** What a provider says that it has charged. */
export type Bill =
  /** In millionths of a dollar, by prediction; null: charged, by a sum that can't be right. One that is missing was not charged, or isn't yet. */
  | { kind: 'told'; charged: ReadonlyMap<string, number | null> }
  /** It won't tell, however often it is asked. */
  | { kind: 'refused'; reason: string }
  | { kind: 'unreachable'; reason: string }

export interface Prediction {
  id: string
  urls: ProviderUrls
}

/** An attempt whose prediction is looked for in the provider's own list. */
export interface LostAttempt {
  submittedAt: Date
  request: GenerationRequest
  /** True for the input of a listed prediction that carries the attempt's marker. */
  isMarked(input: Record<string, unknown>): boolean
}

export type Search =
  | { kind: 'found'; predictions: Created[] }
  | { kind: 'none' }
  | { kind: 'unsure'; reason: string } // not in the list, which proves nothing: the list may lack it though it exists
  | { kind: 'unreachable'; reason: string }

/** Predictions that are checked together; none of them is older than `since`. */
export interface ListedSince {
  since: Date
  ids: ReadonlySet<string>
}

/** A list may lag behind, or break off (`warning`): who isn't in `running` is to be asked for itself. */
export interface Listed {
  running: ReadonlySet<string>
  warning?: string
}

/** What a provider's webhook says of one prediction. */
export interface Report extends Created {
  observation: Observation
  /** It is over, but its output was left out of the report: the provider is to be asked at once. */
  withheld?: boolean
  /** As it was sent, where the report shows it: it may carry the attempt's marker. */
  input?: Record<string, unknown>
}

export interface Provider {
  name: string
  /** How long its list shows inputs, which carry attempts' markers. Undefined: its list proves nothing. */
  inputsKeptSeconds?: number | undefined
  submit(request: GenerationRequest, options: SubmitOptions): Promise<Submission>
  check(prediction: Prediction): Promise<Observation>
  cancel(prediction: Prediction): Promise<Cancellation>
  search(attempt: LostAttempt): Promise<Search>
  /** Deletes what it keeps of a prediction that is over; for a provider that lets its users do so. */
  erase?(id: string): Promise<ProviderErasure>
  /** What it has charged for these predictions, none of which ended before `since`; for a provider that tells it by prediction. */
  readBill?(ids: readonly string[], since: Date): Promise<Bill>
  /** Those of many predictions that its list shows as not over; for a provider that lists many in one request. */
  listRunning?(predictions: ListedSince): Promise<Listed>
  /**
   * Verifies a webhook's signature over its raw body. Throws `bad_signature`, `not_configured` without a secret, or
   * `unavailable` when it can't be verified now. `model` is what the attempt asked for: with it the report has addresses
   * even where the provider's own words have none.
   */
  readWebhook(headers: Headers, rawBody: string, now: Date, model?: string): Promise<Report>
}
