// A simulated prediction: its plan is made once, at creation, and what it shows is a function of the clock alone.
// Nothing here waits or is woken: replicate.ts asks for the view at an instant. Instants are milliseconds.

import type { Picture } from '../draw.ts'
import type { FaultOn } from '../faults.ts'
import type { Model } from './models.ts'

type Ending = 'succeeded' | 'failed' | 'canceled' | 'aborted'
export type Status = 'starting' | 'processing' | Ending
export type WebhookEvent = 'start' | 'output' | 'logs' | 'completed'

export interface Prediction {
  readonly id: string
  readonly model: Model
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  readonly events: readonly WebhookEvent[]
  readonly createdAt: number
  readonly deadline: number | null
  /** Infinity when it ended before it began. */
  startsAt: number
  endsAt: number
  ending: Ending
  error: string | null
  /** What the outcome withholds though it succeeded. */
  readonly withheld: 'data_removed' | 'no_output' | null
  canceledByUser: boolean
  pictures: readonly Picture[]
  /** Set once the output is being drawn; resolves when the ending is final. */
  drawing: Promise<void> | null
}

export interface Plan {
  readonly createdAt: number
  readonly seconds: number
  readonly cancelAfterSeconds: number | undefined
  readonly outcome: FaultOn<'outcome'> | undefined
}

// The share of a prediction's time that it spends waiting for a machine.
const waitingShare = 0.25

/** When it starts, when it ends and how, as far as that is known at creation. */
export function plan({ createdAt, seconds, cancelAfterSeconds, outcome }: Plan) {
  const duration = (outcome?.seconds ?? seconds) * 1000
  const deadline = cancelAfterSeconds === undefined ? null : createdAt + cancelAfterSeconds * 1000
  const kind = outcome?.fault
  const ending: Ending = kind === 'failed' || kind === 'canceled' || kind === 'aborted' ? kind : 'succeeded'
  const startsAt = ending === 'aborted' ? Number.POSITIVE_INFINITY : createdAt + duration * waitingShare
  const error = outcome !== undefined && ending === 'failed' ? outcome.error : null
  const withheld = kind === 'data_removed' || kind === 'no_output' ? kind : null
  const planned = { deadline, startsAt, endsAt: createdAt + duration, ending, error, withheld }
  if (deadline === null || deadline >= planned.endsAt) return planned
  // Replicate tells apart whether the deadline passed before the start, which costs nothing, or after it.
  return deadline <= startsAt
    ? { ...planned, startsAt: Number.POSITIVE_INFINITY, endsAt: deadline, ending: 'aborted' as const, error: null }
    : { ...planned, endsAt: deadline, ending: 'canceled' as const, error: null }
}

export function statusAt(prediction: Prediction, now: number): Status {
  if (now >= prediction.endsAt) return prediction.ending
  return now >= prediction.startsAt ? 'processing' : 'starting'
}

export const isOver = (prediction: Prediction, now: number) => now >= prediction.endsAt

/** Ends it now; one that is over stays as it ended. */
export function cancel(prediction: Prediction, now: number): void {
  if (isOver(prediction, now)) return
  if (now < prediction.startsAt) prediction.startsAt = Number.POSITIVE_INFINITY
  prediction.endsAt = now
  prediction.ending = 'canceled'
  prediction.error = null
  prediction.canceledByUser = true
}

/** Whether Replicate would charge for it: whatever ran at all. */
export const isPaid = (prediction: Prediction, now: number) => now >= prediction.startsAt

export function isRemoved(prediction: Prediction, now: number, retentionSeconds: number): boolean {
  if (!isOver(prediction, now)) return false
  return prediction.withheld === 'data_removed' || now >= prediction.createdAt + retentionSeconds * 1000
}

export interface ViewOptions {
  readonly baseUrl: string
  readonly retentionSeconds: number
}

const iso = (instant: number) => new Date(instant).toISOString()

/** The prediction object as the API shows it; lists leave the webhook out. */
export function viewAt(prediction: Prediction, now: number, { baseUrl, retentionSeconds }: ViewOptions) {
  const { id, model, createdAt, startsAt, endsAt } = prediction
  const status = statusAt(prediction, now)
  const over = isOver(prediction, now)
  const started = now >= startsAt
  const removed = isRemoved(prediction, now, retentionSeconds)
  const runMs = Math.max(0, endsAt - startsAt)
  return {
    id,
    model: model.name,
    version: model.version ?? 'hidden',
    input: removed ? null : prediction.input,
    output: status === 'succeeded' && !removed ? outputOf(prediction, baseUrl) : null,
    error: over ? prediction.error : null,
    logs: removed ? null : logsOf(prediction, started, over),
    status,
    source: 'api',
    data_removed: removed,
    ...(prediction.deadline !== null && { deadline: iso(prediction.deadline) }),
    metrics: over && started ? { predict_time: runMs / 1000, total_time: (endsAt - createdAt) / 1000 } : {},
    created_at: iso(createdAt),
    started_at: started ? iso(startsAt) : null,
    completed_at: over ? iso(endsAt) : null,
    urls: {
      get: `${baseUrl}/v1/predictions/${id}`,
      cancel: `${baseUrl}/v1/predictions/${id}/cancel`,
      web: `${baseUrl}/p/${id}`,
    },
  }
}

function outputOf({ id, model, pictures }: Prediction, baseUrl: string): string | string[] | null {
  const urls = pictures.map(({ extension }, n) => `${baseUrl}/files/${id}/output-${n}.${extension}`)
  return model.many && urls.length > 0 ? urls : (urls[0] ?? null)
}

function logsOf({ error, input: { seed } }: Prediction, started: boolean, over: boolean): string {
  if (!started) return ''
  const end = over ? `\n${error ?? '100%|██████████| 30/30'}` : ''
  return `Using seed: ${String(seed ?? 'random')}\n 50%|█████     | 15/30${end}`
}
