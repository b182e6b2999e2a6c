// Replicate: predictions created with one raw POST, looked at, canceled, and found again in the account's list.
// Facts are from Replicate's HTTP reference (create a prediction, lifecycle, rate limits, data retention).

import { AppError } from '../core/errors.ts'
import type {
  Cancellation,
  Created,
  GenerationRequest,
  LostAttempt,
  Observation,
  Prediction,
  Provider,
  Report,
  Search,
  Submission,
  SubmitOptions,
} from '../core/provider.ts'
import { type Http, HttpFailure, type HttpResponse, parseJson, retryAfterOf } from './http.ts'
import { verifySignature } from './signature.ts'

export interface ReplicateOptions {
  http: Http
  token: string
  baseUrl: string
  submitTimeoutMs: number
  checkTimeoutMs: number
  webhookSecret: string | undefined
}

/** The fields we read of a prediction; statuses and further fields may grow, so everything is checked where it is used. */
export interface ReplicatePrediction {
  id: string
  status: string
  output?: unknown
  error?: unknown
  data_removed?: boolean
  created_at?: string
  version?: string
  model?: string
  input?: Record<string, unknown> | null
  urls?: { get?: string; cancel?: string }
}

const terminal = new Set(['succeeded', 'failed', 'canceled', 'aborted'])

export function openReplicate(options: ReplicateOptions): Provider {
  const call = caller(options)
  return {
    name: 'replicate',
    submit: (request, how) => submit(call, request, how),
    check: (prediction) => check(call, prediction),
    cancel: (prediction) => cancel(call, prediction),
    search: (attempt) => search(call, options.baseUrl, attempt),
    readWebhook: async (headers, rawBody, now) => readWebhook(options.webhookSecret, headers, rawBody, now),
  }
}

type Call = (
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<HttpResponse>

function caller({ http, token, baseUrl, submitTimeoutMs, checkTimeoutMs }: ReplicateOptions): Call {
  return (method, path, body, headers) =>
    http.send({
      method,
      url: path.startsWith('/') ? baseUrl + path : path,
      headers: { authorization: `Bearer ${token}`, ...headers },
      timeoutMs: body ? submitTimeoutMs : checkTimeoutMs,
      ...(body !== undefined && { body }),
    })
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
    return readSubmission(await call('POST', path, body, { 'cancel-after': `${how.cancelAfterSeconds}s` }))
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    if (error.sent) return { kind: 'unknown', reason: error.message }
    return { kind: 'refused', reason: error.message, retryAfterSeconds: 10 }
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
  return { kind: 'refused', reason: reasonOf(response), retryAfterSeconds: retryAfterOf(response) ?? wait }
}

function readCreated(body: unknown): Created | undefined {
  const { id, urls } = (body ?? {}) as Partial<ReplicatePrediction>
  if (typeof id !== 'string' || id === '') return undefined
  return {
    prediction_id: id,
    urls: { ...(urls?.get && { get: urls.get }), ...(urls?.cancel && { cancel: urls.cancel }) },
  }
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
        reason: String(prediction.error ?? 'Replicate gives no reason.'),
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

/** Clocks differ; the marker decides, so looking some minutes further back costs little. */
const skewMs = 5 * 60_000
/** 100 predictions a page. An account with more in the window gets no "none" from us. */
const maxPages = 30
/** Nor does a list that takes longer than this: others in the pass wait for their news to be written. */
const searchMs = 10_000

/**
 * Pages through the account's list from the attempt on, newest first, for inputs that carry the attempt's marker. Found
 * ones are given oldest first: of doubles, the later is the one to be canceled.
 */
async function search(call: Call, baseUrl: string, attempt: LostAttempt): Promise<Search> {
  const after = new Date(attempt.submittedAt.getTime() - skewMs).toISOString()
  const found: Created[] = []
  const orFound = (reason: string): Search =>
    found.length > 0 ? { kind: 'found', predictions: found } : { kind: 'unreachable', reason }
  const started = performance.now()
  let url: string | undefined = `/predictions?created_after=${encodeURIComponent(after)}`
  try {
    for (let page = 0; url; page += 1) {
      if (page === maxPages || performance.now() - started > searchMs) return orFound('the list is too long')
      const response: HttpResponse = await call('GET', url)
      const { results, next } = (response.body ?? {}) as { results?: ReplicatePrediction[]; next?: string | null }
      if (response.status !== 200 || !Array.isArray(results)) return orFound(reasonOf(response))
      for (const listed of results) {
        if (listed.input && attempt.isMarked(listed.input)) found.unshift(readCreated(listed) as Created)
        else if (isErased(listed, attempt)) return orFound('inputs in the list are erased already')
      }
      url = next ? sameOrigin(next, baseUrl) : undefined
    }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return orFound(error.message)
  }
  return found.length > 0 ? { kind: 'found', predictions: found } : { kind: 'none' }
}

/** Replicate erases inputs after an hour: such a prediction of the same model could be the one that is searched for. */
function isErased(listed: ReplicatePrediction, { request }: LostAttempt): boolean {
  const sameModel = request.version ? listed.version === request.version : listed.model === request.model
  return sameModel && (listed.data_removed === true || !listed.input || Object.keys(listed.input).length === 0)
}

/** The token goes to Replicate's own origin only, wherever a page says that the list goes on. */
function sameOrigin(next: string, baseUrl: string): string {
  const url = new URL(next, baseUrl)
  if (url.origin !== new URL(baseUrl).origin)
    throw new Error(`Replicate's list goes on at a foreign origin: ${url.origin}`)
  return url.href
}

function reasonOf(response: HttpResponse): string {
  const { title, detail } = (response.body ?? {}) as { title?: unknown; detail?: unknown }
  const words = [title, detail].filter((word) => typeof word === 'string').join(': ')
  return `Replicate answered ${response.status}${words && `: ${words}`}`
}
