// What fal's protocol brings to the life cycle of jobs/: its words for where a request stands, how failures answer, what is charged.

import { z } from 'zod'
import { isOver, type Job, startOf } from '../jobs/job.ts'
import * as jobs from '../jobs/state.ts'
import type { KnownModels } from '../models/known.ts'
import { gatewayError, invalid, locked, notFound, rateLimited } from './answers.ts'
import type { SigningKeys } from './signature.ts'
import { deliveryOf } from './webhook.ts'

const settings = jobs.settingsSchema.extend({
  /** Whether the account's list shows requests before they are over. It isn't documented, so nobody may rely on it. */
  list_unfinished: z.boolean(),
  /** Whether `response_url` ends in /response: both forms have been seen. */
  response_suffix: z.boolean(),
  /** Whether the key has admin scope: without it nothing is deleted, and nothing told of charges. */
  is_admin: z.boolean(),
  /** From a request's end until its charge is listed, and what is taken off it. */
  bill_after_seconds: z.number().min(0),
  /** Over 100, sums are told that cannot be right. */
  percent_discount: z.number().min(0).max(1_000),
  /** The number of the key that signs. It and the one before are published; raising it by two is a hard rotation. */
  signing_key: z.int().min(0),
})
export const settingsChangeSchema = settings.partial()

/** How a failed request answers: with the failure's own HTTP status. */
const failure = z.object({
  status: z.number(),
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string(), type: z.string() })),
  ]),
  errorType: z.string().optional(),
  /** Whether the status tells of it already, or only the result. */
  isTold: z.boolean(),
  /** The client's own limit on the time until the start ran out. */
  isStartTimeout: z.boolean().optional(),
})
export type Failure = z.output<typeof failure>

const own = z.object({
  /** Another one than the id once fal has run the request again by itself. */
  gatewayId: z.string(),
  isStored: z.boolean(),
  /** Its payloads were deleted on request. */
  isDeleted: z.boolean().default(false),
  isNoRetry: z.boolean(),
  failure: failure.nullable(),
})

export interface Delivery extends jobs.Delivery {
  readonly requestId: string
}

const statuses = ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'] as const
const counted = ['create', 'status', 'result', 'list', 'cancel', 'file', 'jwks', 'delete', 'bill'] as const

export interface FalKind extends jobs.Kind {
  own: z.output<typeof own>
  settings: z.output<typeof settings>
  delivery: Delivery
  counted: (typeof counted)[number]
  status: (typeof statuses)[number]
  entry: { readonly ending: 'succeeded' | 'failed' | 'canceled' | null; readonly no_retry: boolean }
}

export type State = jobs.State<FalKind>
export type QueuedRequest = Job<FalKind['own']>

const canceled: Failure = {
  status: 499,
  detail: 'The request was cancelled',
  errorType: 'client_cancelled',
  isTold: true,
}

/** Undefined while nothing has failed: a cancel and the life cycle's own failures leave it to be told from the ending. */
export function failureOf({ ending, own }: QueuedRequest): Failure | undefined {
  if (ending === 'succeeded') return undefined
  return ending === 'failed' ? (own.failure ?? undefined) : canceled
}

export function statusAt({ runs, endsAt }: QueuedRequest, now: number): FalKind['status'] {
  if (now >= endsAt) return 'COMPLETED'
  return runs.some((run) => now >= run.startsAt && now < run.endsAt) ? 'IN_PROGRESS' : 'IN_QUEUE'
}

export const protocolOf = (keys: SigningKeys, models: KnownModels): jobs.Protocol<FalKind> => ({
  answers: {
    notFound: (what) => notFound(what),
    rateLimited,
    noCredit: locked,
    rejected: () => invalid([{ loc: ['body', 'input'], msg: 'the model refused this input', type: 'value_error' }]),
    serverError: gatewayError,
  },
  ...{ counted, statuses, own, settings, statusAt },
  cannotFetch: 'Failed to download',
  readsAtStart: true,
  lastAttemptMs: 360_000,
  findModel: (name) => models.byName(name),
  fileName: (number, extension) => `${/^(png|jpg|webp)$/.test(extension) ? 'image' : 'output'}-${number}.${extension}`,
  // What ran is charged for, unless it failed by itself.
  isPaid(request, now) {
    if (now < startOf(request)) return false
    return request.canceledByUser || request.ending === 'succeeded' || !isOver(request, now)
  },
  // Outputs are kept for good, unless they are deleted on request.
  isRemoved: (_state, { own }) => own.isDeleted,
  // Its input turned out to be of no use a second after it began. As at fal, that shows in the result alone.
  fail(state, request, { message, field }) {
    const loc = ['body', ...(field ? [field.path] : [])]
    const detail = [{ loc, msg: message, type: field?.type ?? 'value_error' }]
    request.own.failure = { status: 422, detail, isTold: false }
    request.endsAt = Math.min(request.endsAt, startOf(request) + 1000)
    state.outbox.reschedule(request)
  },
  events: () => ['completed'],
  // Whether a canceled request is reported isn't documented, so nobody may rely on it.
  isReported: ({ canceledByUser }) => !canceledByUser,
  delivery: (state, due) => deliveryOf(state, due, keys),
  entry: ({ own }, ending) => ({ ending: ending === 'aborted' ? 'canceled' : ending, no_retry: own.isNoRetry }),
})
