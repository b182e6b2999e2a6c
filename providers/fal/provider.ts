// fal: requests put into its queue with one raw POST, checked, canceled, and searched for in the account's list.
// Facts are from fal's HTTP reference (queue, common parameters, request errors, webhooks, platform API).
import type {
  Cancellation,
  Created,
  GenerationRequest,
  Prediction,
  ProviderErasure,
  Submission,
  SubmitOptions,
} from '../../core/provider.ts'
import type { HttpResponse } from '../connection.ts'
import { readAnswer, readCancel, readCreate } from '../outcome.ts'
import type { OpenedProvider } from '../spec.ts'
import { caller, type FalCall, type FalOptions, returnedUrls } from './address.ts'
import { readBill } from './bill.ts'
import { search } from './list.ts'
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
function erase({ apiUrl }: FalOptions, call: FalCall, id: string): Promise<ProviderErasure> {
  const answer = call('DELETE', `${apiUrl}/models/requests/${encodeURIComponent(id)}/payloads`)
  return readAnswer<ProviderErasure>(answer, (response) => {
    const { status } = response
    if (status < 300 || status === 404 || status === 410) return { kind: 'gone' }
    return { kind: status === 429 || status >= 500 ? 'unreachable' : 'refused', reason: reasonOf(response) }
  })
}
