// GET status and result, PUT cancel, GET the account's list: the requests that cost nothing.

import { truncate } from '../jobs/create.ts'
import { isOver } from '../jobs/job.ts'
import { settle } from '../jobs/output.ts'
import { cancelJob, readJob, refuseRead, wordOf } from '../jobs/read.ts'
import { clockOf } from '../jobs/state.ts'
import { json, notFound } from './answers.ts'
import type { QueuedRequest, State } from './protocol.ts'
import { answerOf } from './result.ts'
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
  return found?.model.name.startsWith(`${app}/`) || found?.model.name === app ? found : undefined
}

const askedOf = (state: State, asked: Asked) => ({ signal: asked.request.signal, job: find(state, asked) })

export function getStatus(state: State, asked: Asked): Promise<Response> {
  return readJob(state, { ...askedOf(state, asked), on: 'get', counted: 'status' }, (found, fault, now) => {
    const headers = { 'x-fal-request-id': found.own.gatewayId }
    return json({ ...statusView(state, found, now), ...wordOf(fault) }, isOver(found, now) ? 200 : 202, headers)
  })
}

export function getResult(state: State, asked: Asked): Promise<Response> {
  return readJob(state, { ...askedOf(state, asked), on: 'result', counted: 'result' }, (found, fault, now) => {
    if (!isOver(found, now)) return json({ detail: 'Request is still in progress' }, 400)
    if (found.withheld === 'data_removed' || found.own.isDeleted) return notFound('Response')
    const { status, body, headers } = answerOf(state, found)
    const response = json(body, status, headers)
    return fault?.fault === 'truncated' ? truncate(response, false) : response
  })
}

export function cancelRequest(state: State, asked: Asked): Promise<Response> {
  return readJob(state, { ...askedOf(state, asked), on: 'cancel', counted: 'cancel' }, (found, fault, now) => {
    if (isOver(found, now)) return json({ status: 'ALREADY_COMPLETED' }, 400)
    const unseen = cancelJob(state, found, fault, now)
    return unseen ?? json({ status: 'CANCELLATION_REQUESTED', ...wordOf(fault) }, 202)
  })
}

const dayMs = 86_400_000

/** The account's requests to some endpoints, those that ended last first. */
export async function listRequests(state: State, request: Request): Promise<Response> {
  state.requests.list += 1
  const fault = state.faults.take('list')
  const refusal = await refuseRead(state, fault, request.signal)
  if (refusal !== undefined) return refusal
  const query = new URL(request.url).searchParams
  const now = clockOf(state)
  const start = instant(query.get('start'), now - dayMs)
  const end = instant(query.get('end'), Number.POSITIVE_INFINITY)
  const limit = Number(query.get('limit') ?? 50)
  const from = Number(query.get('cursor') ?? 0)
  const endpoints = query.getAll('endpoint_id').flatMap((value) => value.split(','))
  if ([start, end, limit, from].some(Number.isNaN) || endpoints.length === 0 || limit < 1 || limit > 100) {
    return json({ error: { type: 'validation_error', message: 'Invalid query' } }, 400)
  }
  const shown = state.jobs.filter(
    ({ model, createdAt }) => endpoints.includes(model.name) && createdAt >= start && createdAt < end,
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
