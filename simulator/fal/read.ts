// GET status and result, PUT cancel, GET the account's list: the requests that cost nothing, and what can go wrong with them.

import { ConnectionFault, hang } from '../connection.ts'
import type { FaultOn } from '../faults.ts'
import { gatewayError, json, notFound, rateLimited } from './answers.ts'
import { settle } from './output.ts'
import { cancel, isOver, type QueuedRequest } from './request.ts'
import { answerOf } from './result.ts'
import type { State } from './state.ts'
import { truncate } from './submit.ts'
import { listView, statusView } from './views.ts'

export interface Asked {
  readonly request: Request
  /** Owner and app, as the address names them. */
  readonly app: string
  readonly id: string
}

/** A request is found under its own app alone. */
function find(state: State, { app, id }: Asked): QueuedRequest | undefined {
  const found = state.byId.get(id)
  return found?.model.endpoint.startsWith(`${app}/`) || found?.model.endpoint === app ? found : undefined
}

const subjectOf = (found: QueuedRequest | undefined) =>
  found === undefined ? {} : { model: found.model.endpoint, input: found.input }

export async function getStatus(state: State, asked: Asked): Promise<Response> {
  state.counts.status += 1
  const found = find(state, asked)
  const fault = state.faults.take('get', subjectOf(found))
  const refusal = await refuse(fault, asked.request.signal)
  if (refusal !== undefined) return refusal
  if (found === undefined) return notFound()
  const now = state.options.now().getTime()
  await settle(state, found, now)
  const word = fault?.fault === 'unknown_status' ? { status: fault.word } : {}
  const headers = { 'x-fal-request-id': found.gatewayId }
  return json({ ...statusView(state, found, now), ...word }, isOver(found, now) ? 200 : 202, headers)
}

export async function getResult(state: State, asked: Asked): Promise<Response> {
  state.counts.result += 1
  const found = find(state, asked)
  const fault = state.faults.take('result', subjectOf(found))
  const refusal = await refuse(fault, asked.request.signal)
  if (refusal !== undefined) return refusal
  if (found === undefined) return notFound()
  const now = state.options.now().getTime()
  await settle(state, found, now)
  if (!isOver(found, now)) return json({ detail: 'Request is still in progress' }, 400)
  if (found.withheld === 'data_removed') return notFound('Response')
  const { status, body, headers } = answerOf(found, state.options.baseUrl)
  const response = json(body, status, headers)
  return fault?.fault === 'truncated' ? truncate(response, false) : response
}

export async function cancelRequest(state: State, asked: Asked): Promise<Response> {
  state.counts.cancel += 1
  const found = find(state, asked)
  const fault = state.faults.take('cancel', subjectOf(found))
  const refusal = await refuse(fault, asked.request.signal)
  if (refusal !== undefined) return refusal
  if (found === undefined) return notFound()
  const now = state.options.now().getTime()
  await settle(state, found, now)
  if (isOver(found, now)) return json({ status: 'ALREADY_COMPLETED' }, 400)
  // `ignored`: accepted, but the job doesn't heed the signal and completes.
  if (fault?.fault !== 'ignored') cancel(found, now)
  if (fault?.fault === 'reset_after') throw new ConnectionFault('after')
  if (fault?.fault === 'error_after') return gatewayError(fault.status)
  const status = fault?.fault === 'unknown_status' ? fault.word : 'CANCELLATION_REQUESTED'
  return json({ status }, 202)
}

type ReadFault = FaultOn<'get' | 'result' | 'list' | 'cancel'>

/** The faults that all four share; none of them has an effect. */
async function refuse(fault: ReadFault | undefined, signal: AbortSignal): Promise<Response | undefined> {
  switch (fault?.fault) {
    case 'error':
      return gatewayError(fault.status)
    case 'not_found':
      return notFound()
    case 'rate_limited':
      return rateLimited(fault.retry_after, fault.header)
    case 'reset':
      throw new ConnectionFault('before')
    case 'hang':
      return hang(signal)
    default:
      return undefined
  }
}

const dayMs = 86_400_000

/** The account's requests to some endpoints, those that ended last first. */
export async function listRequests(state: State, request: Request): Promise<Response> {
  state.counts.list += 1
  const fault = state.faults.take('list')
  const refusal = await refuse(fault, request.signal)
  if (refusal !== undefined) return refusal
  const query = new URL(request.url).searchParams
  const now = state.options.now().getTime()
  const start = instant(query.get('start'), now - dayMs)
  const end = instant(query.get('end'), Number.POSITIVE_INFINITY)
  const limit = Number(query.get('limit') ?? 50)
  const from = Number(query.get('cursor') ?? 0)
  const endpoints = query.getAll('endpoint_id').flatMap((value) => value.split(','))
  if ([start, end, limit, from].some(Number.isNaN) || endpoints.length === 0 || limit < 1 || limit > 100) {
    return json({ error: { type: 'validation_error', message: 'Invalid query' } }, 400)
  }
  const shown = state.requests.filter(
    ({ model, createdAt }) => endpoints.includes(model.endpoint) && createdAt >= start && createdAt < end,
  )
  await Promise.all(shown.map((listed) => settle(state, listed, now)))
  const hiddenSince = fault?.fault === 'lag' ? now - fault.seconds * 1000 : now
  const listed = shown
    .toReversed()
    .filter((one) => one.endsAt <= hiddenSince || (state.settings.list_unfinished && one.createdAt <= hiddenSince))
    .filter(() => fault?.fault !== 'empty')
    .sort((one, other) => other.endsAt - one.endsAt)
  const isMore = from + limit < listed.length
  const withPayloads = query.getAll('expand').includes('payloads')
  return json({
    items: listed.slice(from, from + limit).map((one) => listView(state, one, now, withPayloads)),
    next_cursor: isMore ? String(from + limit) : null,
    has_more: isMore,
  })
}

const instant = (text: string | null, otherwise: number) => (text === null ? otherwise : Date.parse(text))
