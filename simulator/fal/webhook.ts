// A request's one webhook, signed, as fal sends it when the request has ended.

import type { Due } from '../jobs/state.ts'
import type { Delivery, FalKind, QueuedRequest, State } from './protocol.ts'
import { answerOf, summaryOf } from './result.ts'
import { digestOf, type SigningKeys } from './signature.ts'

const staleSeconds = 600
const userId = 'simulated-user'

export function deliveryOf(state: State, due: Due<FalKind>, keys: SigningKeys): Delivery {
  const { job, attempt, fault, now } = due
  const { id, webhook, own } = job
  const body = JSON.stringify({
    request_id: id,
    gateway_request_id: own.gatewayId,
    ...reportOf(state, job, fault?.fault === 'payload_error'),
  })
  const named = fault?.fault === 'mismatched_id' ? `${id}-other` : id
  const timestamp = String(Math.floor(now / 1000) - (fault?.fault === 'stale_timestamp' ? staleSeconds : 0))
  // A key of another simulator's, as it were.
  const key = fault?.fault === 'bad_signature' ? -1 : state.settings.signing_key
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'fal/1.0 (simulator)',
    'x-fal-webhook-request-id': named,
    'x-fal-webhook-user-id': userId,
    'x-fal-webhook-timestamp': timestamp,
    'x-fal-webhook-signature': keys.signature(key, [named, userId, timestamp, digestOf(body)]),
  }
  return { requestId: id, event: 'completed', attempt, url: webhook ?? '', headers, body }
}

function reportOf(state: State, request: QueuedRequest, isWithheld: boolean) {
  const { body, output } = answerOf(state, request)
  if (output === null) return { status: 'ERROR', error: summaryOf(request), payload: body }
  if (isWithheld) return { status: 'OK', payload: null, payload_error: 'Response payload is not JSON serializable.' }
  return { status: 'OK', payload: output }
}
