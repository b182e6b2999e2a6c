// What Replicate's protocol brings to the life cycle of jobs/: its words for where a prediction stands, what it keeps and charges, and
// how it signs webhooks.

import { z } from 'zod'
import { isOver, type Job, runSeconds, startOf } from '../jobs/job.ts'
import * as jobs from '../jobs/state.ts'
import type { KnownModels } from '../models/known.ts'
import { noCredit, notFound, rateLimited, rejected, serverError } from './answers.ts'
import { readUploaded } from './input-files.ts'
import { sign } from './signature.ts'
import { view } from './view.ts'

const settings = jobs.settingsSchema.extend({ retention_seconds: z.number().min(0) })
export const settingsChangeSchema = settings.partial()

const events = ['start', 'output', 'completed'] as const
const own = z.object({
  events: z.array(z.enum([...events, 'logs'])),
  deadline: z.number().nullable(),
  error: z.string().nullable(),
})

export interface Delivery extends jobs.Delivery {
  readonly messageId: string
  readonly predictionId: string
}

const statuses = ['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted'] as const
const counted = ['create', 'get', 'list', 'cancel', 'file'] as const

export interface ReplicateKind extends jobs.Kind {
  own: z.output<typeof own>
  settings: z.output<typeof settings>
  delivery: Delivery
  counted: (typeof counted)[number]
  status: (typeof statuses)[number]
  /** How long it ran; null where it didn't, or isn't over. */
  entry: { readonly predict_seconds: number | null }
}

export type State = jobs.State<ReplicateKind>
export type Prediction = Job<ReplicateKind['own']>

export function statusAt(prediction: Prediction, now: number): ReplicateKind['status'] {
  if (isOver(prediction, now)) return prediction.ending
  return now >= startOf(prediction) ? 'processing' : 'starting'
}

export function isRemoved({ settings }: State, prediction: Prediction, now: number): boolean {
  if (!isOver(prediction, now)) return false
  return prediction.withheld === 'data_removed' || now >= prediction.createdAt + settings.retention_seconds * 1000
}

export const protocolOf = (secret: string, models: KnownModels): jobs.Protocol<ReplicateKind> => ({
  answers: { notFound: () => notFound(), rateLimited, noCredit, rejected, serverError },
  ...{ counted, statuses, own, settings, statusAt, isRemoved },
  cannotFetch: 'Could not fetch the input image',
  readsAtStart: false,
  readUpload: readUploaded,
  lastAttemptMs: 60_000,
  findModel: (name, version) => (version === null ? models.byName(name) : models.byVersion(version)),
  fileName: (number, extension) => `output-${number}.${extension}`,
  // Whatever ran at all is charged for.
  isPaid: (prediction, now) => now >= startOf(prediction),
  fail(_, prediction, { message }) {
    prediction.own.error = message
  },
  events: ({ own }) => events.filter((event) => own.events.includes(event)),
  // Whether `completed` is sent for `aborted` isn't documented, so nobody may rely on it: it isn't sent.
  isReported: ({ files, ending }, event) =>
    event === 'output' ? files.length > 0 : event === 'start' || ending !== 'aborted',
  delivery: (state, due) => deliveryOf(state, due, secret),
  entry: (prediction, ending) => ({
    predict_seconds: ending !== null && prediction.runs.length > 0 ? runSeconds(prediction) : null,
  }),
})

const staleSeconds = 600
const wrongSecret = 'whsec_bm90IHRoZSByaWdodCBzZWNyZXQ='

function deliveryOf(state: State, due: jobs.Due<ReplicateKind>, secret: string): Delivery {
  const { job, event, eventAt, attempt, fault, now } = due
  const { webhook, own } = job
  // The same in every repetition.
  const messageId = `msg_${job.id}_${event}`
  const body = JSON.stringify({ ...view(state, job, eventAt), webhook, webhook_events_filter: own.events })
  const timestampSeconds = Math.floor(now / 1000) - (fault?.fault === 'stale_timestamp' ? staleSeconds : 0)
  const key = fault?.fault === 'bad_signature' ? wrongSecret : secret
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Replicate/1.0 (simulator)',
    'webhook-id': messageId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': sign({ secret: key, id: messageId, timestampSeconds, body }),
  }
  return { messageId, predictionId: job.id, event, attempt, url: webhook ?? '', headers, body }
}
