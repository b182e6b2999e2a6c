// fal: requests put into its queue with one raw POST, looked at, canceled, and searched for in the account's list.
// Facts are from fal's HTTP reference (queue, common parameters, request errors, webhooks, platform API).
import type {
  Cancellation,
  Created,
  GenerationRequest,
  LostAttempt,
  Prediction,
  ProviderErasure,
  Search,
  Submission,
  SubmitOptions,
} from '../../core/provider.ts'
import { HttpFailure } from '../connection.ts'
import { type HttpResponse, parseJson } from '../http.ts'
import { readCancel, readCreate } from '../outcome.ts'
import type { OpenedProvider } from '../spec.ts'
import { builtUrls, caller, type FalCall, type FalOptions, returnedUrls } from './address.ts'
import { readBill } from './bill.ts'
import { bodyOf, check, readStatus, reasonOf } from './result.ts'
import { openKeys, readWebhook } from './webhook.ts'

export function openFal(options: FalOptions): OpenedProvider {
  const call = caller(options)
  const keys = openKeys(options)
  return {
    submit: (request, how) => submit(options, call, request, how),
    check: (prediction) => check(call, prediction),
    cancel: (prediction) => cancel(call, prediction),
    erase: (id) => erase(options, call, id),
    readBill: (ids, since) => readBill(options, call, ids, since),
    search: (attempt) => search(options, call, attempt),
    readWebhook: (headers, rawBody, now, model) =>
      readWebhook(keys, options.queueUrl, { headers, rawBody, now, model }),
  }
}

/** As long as a copy of an output is tried for, and a day more: where our own store is away, nothing that was paid for is lost. */
const outputSeconds = 2 * 24 * 3_600

/** One POST, whatever happens: fal has no idempotency key, so a second one could be a second payment. */
function submit(
  options: FalOptions,
  call: FalCall,
  { model, input, runOnce }: GenerationRequest,
  { webhookUrl, cancelAfterSeconds, mayBegin }: SubmitOptions,
): Promise<Submission> {
  const query = webhookUrl ? `?${new URLSearchParams({ fal_webhook: webhookUrl })}` : ''
  const headers = {
    // Its files are copied within minutes; without it they stay public for ever (fal's docs, "Data retention & storage").
    'x-fal-object-lifecycle-preference': JSON.stringify({ expiration_duration_seconds: outputSeconds }),
    // Only until it starts: how long it may run is the model's own affair.
    'x-fal-request-timeout': String(cancelAfterSeconds),
    ...(runOnce && { 'x-fal-no-retry': '1' }),
  }
  return readCreate(call('POST', `${options.queueUrl}/${model}${query}`, { body: input, headers, mayBegin }), {
    read: (response) => readAccepted(options, model, response),
    waitOf,
    reasonOf,
  })
}

function readAccepted(options: FalOptions, model: string, response: HttpResponse): Created | undefined {
  const body = bodyOf(response)
  const id = body['request_id']
  if (typeof id !== 'string' || id === '') return undefined
  return { prediction_id: id, urls: returnedUrls(options, model, body) }
}

/** What concerns every task, and ends when somebody has put it right, is waited for. Undefined: this request is at fault. */
function waitOf(response: HttpResponse): number | undefined {
  const { status } = response
  if (status === 429) return 10
  // An account without credit is locked: fal answers 403 then, and also to a model that the key may not use.
  if (status === 402 || (status === 403 && /locked|balance/i.test(reasonOf(response)))) return 300
  return status === 401 ? 60 : undefined
}

/** Over when fal says so: an accepted cancel is only a wish, and the request may still complete. */
function cancel(call: FalCall, { urls }: Prediction): Promise<Cancellation> {
  const isOver = (response: HttpResponse) => bodyOf(response)['status'] === 'ALREADY_COMPLETED'
  return readCancel(call('PUT', urls.cancel), { isOver, reasonOf }, () => readStatus(call, urls.get))
}

/** Its request's JSON and its output files; not files of the input, which are ours. Takes a key with admin scope. */
async function erase({ apiUrl }: FalOptions, call: FalCall, id: string): Promise<ProviderErasure> {
  try {
    const response = await call('DELETE', `${apiUrl}/models/requests/${encodeURIComponent(id)}/payloads`)
    const { status } = response
    if (status < 300 || status === 404 || status === 410) return { kind: 'gone' }
    const reason = `fal answers ${status}: ${reasonOf(response)}`
    return { kind: status === 429 || status >= 500 ? 'unreachable' : 'refused', reason }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return { kind: 'unreachable', reason: error.message }
  }
}

/** fal doesn't say which of a request's instants the filter means, and clocks differ; the marker decides anyway. */
const skewMs = 10 * 60_000
/** 100 requests a page. */
const maxPages = 30
/** A list that takes longer is not read on: others in the pass wait for their news to be written. */
const searchMs = 10_000

interface Listed {
  request_id?: unknown
  sent_at?: unknown
  json_input?: unknown
}

/** Pages through the endpoint's requests for inputs that carry the marker. Unfinished ones may not be listed: never a "no". */
async function search({ apiUrl, queueUrl }: FalOptions, call: FalCall, attempt: LostAttempt): Promise<Search> {
  const { model } = attempt.request
  const start = new Date(attempt.submittedAt.getTime() - skewMs).toISOString()
  const found = new Map<string, Created & { sentAt: string }>()
  const orFound = (otherwise: Search) => (found.size > 0 ? oldestFirst([...found.values()]) : otherwise)
  const started = performance.now()
  let cursor: string | undefined
  try {
    for (let page = 0; page < maxPages && performance.now() - started <= searchMs; page += 1) {
      const filter = { endpoint_id: model, start, expand: 'payloads', limit: '100', ...(cursor && { cursor }) }
      const response = await call('GET', `${apiUrl}/models/requests/by-endpoint?${new URLSearchParams(filter)}`)
      const { items, next_cursor } = bodyOf(response) as { items?: Listed[]; next_cursor?: unknown }
      if (response.status !== 200 || !Array.isArray(items)) {
        return orFound({ kind: 'unreachable', reason: reasonOf(response) })
      }
      for (const { request_id: id, sent_at, json_input } of items) {
        if (typeof id !== 'string' || !attempt.isMarked(inputOf(json_input))) continue
        found.set(id, { prediction_id: id, urls: builtUrls(queueUrl, model, id), sentAt: String(sent_at) })
      }
      if (typeof next_cursor !== 'string' || next_cursor === '') break
      cursor = next_cursor
    }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    return orFound({ kind: 'unreachable', reason: error.message })
  }
  return orFound({ kind: 'unsure', reason: "fal's list may leave out requests that aren't over" })
}

/** The list comes newest first; the first to be sent is the one to adopt, the others are doubles. */
function oldestFirst(found: (Created & { sentAt: string })[]): Search {
  const sorted = found.toReversed().sort((one, other) => one.sentAt.localeCompare(other.sentAt))
  return { kind: 'found', predictions: sorted.map(({ sentAt: _, ...created }) => created) }
}

/** An object, or the text of one. */
function inputOf(listed: unknown): Record<string, unknown> {
  return bodyOf({ body: typeof listed === 'string' ? parseJson(listed) : listed })
}
