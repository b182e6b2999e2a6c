// Replicate: predictions created with one raw POST, looked at, canceled, and found again in the account's list.
// Facts are from Replicate's HTTP reference (create a prediction, lifecycle, rate limits, data retention).

import { AppError } from '../../core/errors.ts'
import type {
  Cancellation,
  GenerationRequest,
  Observation,
  Prediction,
  Provider,
  Report,
  Submission,
  SubmitOptions,
} from '../../core/provider.ts'
import { HttpFailure } from '../connection.ts'
import { type HttpResponse, parseJson, retryAfterOf } from '../http.ts'
import { verifySignature } from '../signature.ts'
import { wordsOf } from '../words.ts'
import { type Call, caller, type ReplicateOptions, type ReplicatePrediction, readCreated, reasonOf } from './call.ts'
import { listRunning, search, sharePages } from './list.ts'

const terminal = new Set(['succeeded', 'failed', 'canceled', 'aborted'])

export function openReplicate(options: ReplicateOptions): Provider {
  const call = caller(options)
  const list = sharePages(call)
  return {
    name: 'replicate',
    submit: (request, how) => submit(call, request, how),
    check: (prediction) => check(call, prediction),
    cancel: (prediction) => cancel(call, prediction),
    search: (attempt) => search(list, options.baseUrl, attempt),
    listRunning: (predictions) => listRunning(list, options.baseUrl, predictions),
    readWebhook: async (headers, rawBody, now) => readWebhook(options.webhookSecret, headers, rawBody, now),
  }
}

/** One POST, whatever happens: Replicate has no idempotency key, so a second one could be a second payment. */
async function submit(call: Call, request: GenerationRequest, how: SubmitOptions): Promise<Submission> {
  const path = request.version ? '/predictions' : `/models/${request.model}/predictions`
  const body = {
    ...(request.version && { version: request.version }),
    input: request.input,
    // `start` names the prediction within seconds, should our own answer get lost.
    ...(how.webhookUrl && { webhook: how.webhookUrl, webhook_events_filter: ['start', 'completed'] }),
  }
  try {
    const headers = { 'cancel-after': `${how.cancelAfterSeconds}s` }
    return readSubmission(await call('POST', path, { body, headers, mayBegin: how.mayBegin }))
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    if (error.sent) return { kind: 'unknown', reason: error.message }
    return { kind: 'throttled', reason: error.message, retryAfterSeconds: 10 }
  }
}

function readSubmission(response: HttpResponse): Submission {
  const { status } = response
  if (status >= 200 && status < 300) {
    const created = readCreated(response.body)
    return created ? { kind: 'created', ...created } : { kind: 'unknown', reason: `${status} without a prediction id` }
  }
  // 408 is a proxy that gave up waiting: the create behind it may still have happened.
  if (status >= 500 || status === 408 || status < 400) return { kind: 'unknown', reason: reasonOf(response) }
  // Low credit and a wrong token concern every task, and end when somebody has put them right: wait, don't fail.
  const wait = { 401: 60, 402: 300, 429: 10 }[status]
  if (wait === undefined) return { kind: 'rejected', reason: reasonOf(response) }
  return { kind: 'throttled', reason: reasonOf(response), retryAfterSeconds: retryAfterOf(response) ?? wait }
}

async function check(call: Call, prediction: Prediction): Promise<Observation> {
  try {
    const response = await call('GET', `/predictions/${encodeURIComponent(prediction.id)}`)
    if (response.status === 404) return { kind: 'missing' }
    if (response.status !== 200) return { kind: 'unreachable', reason: reasonOf(response) }
    return readPrediction(response.body)
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return { kind: 'unreachable', reason: error.message }
  }
}

/** What a prediction object says, from a GET or from a verified webhook alike. */
export function readPrediction(body: unknown): Observation {
  const prediction = (body ?? {}) as Partial<ReplicatePrediction>
  switch (prediction.status) {
    case 'starting':
    case 'processing':
      return { kind: 'running' }
    case 'succeeded':
      if (prediction.data_removed) {
        return {
          kind: 'failed',
          code: 'result_lost',
          reason: 'Replicate deleted the result before it could be copied.',
        }
      }
      return { kind: 'succeeded', output: prediction.output }
    case 'failed':
      return {
        kind: 'failed',
        code: 'provider_failed',
        reason: wordsOf(prediction.error) || 'Replicate gives no reason.',
      }
    case 'canceled':
    case 'aborted':
      return {
        kind: 'failed',
        code: 'provider_canceled',
        reason: `The prediction was ${prediction.status} at Replicate.`,
      }
    default:
      return { kind: 'running', warning: `unknown status ${JSON.stringify(prediction.status)?.slice(0, 100)}` }
  }
}

function readWebhook(secret: string | undefined, headers: Headers, rawBody: string, now: Date): Report {
  if (!secret) throw new AppError('not_configured', 'REPLICATE_WEBHOOK_SECRET is not set (whsec_…).')
  verifySignature(headers, rawBody, secret, now)
  const body = parseJson(rawBody)
  const created = readCreated(body)
  if (!created) throw new AppError('invalid_request', 'The webhook names no prediction.')
  return { ...created, observation: readPrediction(body) }
}

/** Over when Replicate says so. An answer that doesn't is followed by a look, because it documents none for finished ones. */
async function cancel(call: Call, prediction: Prediction): Promise<Cancellation> {
  try {
    const response = await call('POST', `/predictions/${encodeURIComponent(prediction.id)}/cancel`)
    const { status } = (response.body ?? {}) as Partial<ReplicatePrediction>
    if (response.status === 404) return { kind: 'missing' }
    if (status && terminal.has(status)) return { kind: 'over' }
    if (response.status === 429 || response.status >= 500) return { kind: 'unreachable', reason: reasonOf(response) }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return { kind: 'unreachable', reason: error.message }
  }
  const seen = await check(call, prediction)
  if (seen.kind === 'unreachable' || seen.kind === 'missing') return seen
  return seen.kind === 'running' ? { kind: 'asked' } : { kind: 'over' }
}
