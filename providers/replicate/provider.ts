// Replicate: predictions created with one raw POST, checked, canceled, and found again in the account's list.
// Facts are from Replicate's HTTP reference (create a prediction, lifecycle, rate limits, data retention).

import { AppError } from '../../core/errors.ts'
import type {
  Cancellation,
  GenerationRequest,
  Metrics,
  Observation,
  Prediction,
  Report,
  Submission,
  SubmitOptions,
} from '../../core/provider.ts'
import { parseJson } from '../answer.ts'
import type { HttpResponse } from '../connection.ts'
import { readAnswer, readCancel, readCreate } from '../outcome.ts'
import { verifySignature } from '../signature.ts'
import type { OpenedProvider } from '../spec.ts'
import { wordsOf } from '../words.ts'
import { type Call, caller, type ReplicateOptions, type ReplicatePrediction, readCreated, reasonOf } from './call.ts'
import { listRunning, search, sharePages } from './list.ts'

const terminal = new Set(['succeeded', 'failed', 'canceled', 'aborted'])

export function openReplicate(options: ReplicateOptions): OpenedProvider {
  const call = caller(options)
  const list = sharePages(call)
  return {
    submit: (request, how) => submit(call, request, how),
    check: (prediction) => check(call, prediction),
    cancel: (prediction) => cancel(call, prediction),
    search: (attempt) => search(list, options.baseUrl, attempt),
    listRunning: (predictions) => listRunning(list, options.baseUrl, predictions),
    readWebhook: async (headers, rawBody, now) => readWebhook(options.webhookSecret, headers, rawBody, now),
  }
}

/** One POST, whatever happens: Replicate has no idempotency key, so a second one could be a second payment. */
function submit(call: Call, request: GenerationRequest, how: SubmitOptions): Promise<Submission> {
  const path = request.version ? '/predictions' : `/models/${request.model}/predictions`
  const body = {
    ...(request.version && { version: request.version }),
    input: request.input,
    // `start` names the prediction within seconds, should our own answer get lost.
    ...(how.webhookUrl && { webhook: how.webhookUrl, webhook_events_filter: ['start', 'completed'] }),
  }
  const headers = { 'cancel-after': `${how.cancelAfterSeconds}s` }
  return readCreate(call('POST', path, { body, headers, mayBegin: how.mayBegin }), {
    read: ({ body: prediction }) => readCreated(prediction),
    // Low credit and a wrong token concern every task, and end when somebody has put them right: wait, don't fail.
    waitOf: ({ status }) => ({ 401: 60, 402: 300, 429: 10 })[status],
    reasonOf,
  })
}

function check(call: Call, prediction: Prediction): Promise<Observation> {
  return readAnswer(call('GET', `/predictions/${encodeURIComponent(prediction.id)}`), (response): Observation => {
    if (response.status === 404) return { kind: 'missing' }
    if (response.status !== 200) return { kind: 'unreachable', reason: reasonOf(response) }
    return readPrediction(response.body)
  })
}

const predictionOf = (body: unknown) => (body ?? {}) as Partial<ReplicatePrediction>

/** What a prediction object says, from a GET or from a verified webhook alike. */
export function readPrediction(body: unknown): Observation {
  const prediction = predictionOf(body)
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
          ...metricsOf(prediction),
        }
      }
      return { kind: 'succeeded', output: prediction.output, ...metricsOf(prediction) }
    case 'failed':
      return {
        kind: 'failed',
        code: 'provider_failed',
        reason: wordsOf(prediction.error) || 'Replicate gives no reason.',
        ...metricsOf(prediction),
      }
    case 'canceled':
    case 'aborted':
      return {
        kind: 'failed',
        code: 'provider_canceled',
        reason: `The prediction was ${prediction.status} at Replicate.`,
        ...metricsOf(prediction),
      }
    default:
      return { kind: 'running', warning: `unknown status ${JSON.stringify(prediction.status)?.slice(0, 100)}` }
  }
}

/** Hardware is charged by the second of `predict_time`; image models tell how many pictures they made. */
function metricsOf({ metrics }: Partial<ReplicatePrediction>): { metrics?: Metrics } {
  const { predict_time, image_count } = (metrics ?? {}) as Record<string, unknown>
  const told = {
    ...(isAmount(predict_time) && { predict_seconds: predict_time }),
    ...(isAmount(image_count) && { outputs: image_count }),
  }
  return Object.keys(told).length > 0 ? { metrics: told } : {}
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0

function readWebhook(secret: string | undefined, headers: Headers, rawBody: string, now: Date): Report {
  if (!secret) throw new AppError('not_configured', 'REPLICATE_WEBHOOK_SECRET is not set (whsec_…).')
  verifySignature(headers, rawBody, secret, now)
  const body = parseJson(rawBody)
  const created = readCreated(body)
  if (!created) throw new AppError('invalid_request', 'The webhook names no prediction.')
  const { input } = body as Partial<ReplicatePrediction>
  return { ...created, observation: readPrediction(body), ...(input && typeof input === 'object' && { input }) }
}

function cancel(call: Call, prediction: Prediction): Promise<Cancellation> {
  const isOver = ({ body }: HttpResponse) => terminal.has(predictionOf(body).status ?? '')
  const path = `/predictions/${encodeURIComponent(prediction.id)}/cancel`
  const words = { isOver, metricsOf: ({ body }: HttpResponse) => metricsOf(predictionOf(body)), reasonOf }
  return readCancel(call('POST', path), words, () => check(call, prediction))
}
