// How a request is shown: in the queue's own answers, and in the account's list.

import { isOver, startOf } from '../jobs/job.ts'
import { type QueuedRequest, type State, statusAt } from './protocol.ts'
import { answerOf, toldError } from './result.ts'

/** The addresses carry owner and app alone, whatever the endpoint's path. */
export function queueView({ options, settings }: State, { id, model, own }: QueuedRequest) {
  const app = model.name.split('/').slice(0, 2).join('/')
  const url = `${options.baseUrl}/queue/${app}/requests/${id}`
  return {
    request_id: id,
    gateway_request_id: own.gatewayId,
    response_url: settings.response_suffix ? `${url}/response` : url,
    status_url: `${url}/status`,
    cancel_url: `${url}/cancel`,
  }
}

export function statusView(state: State, request: QueuedRequest, now: number) {
  const status = statusAt(request, now)
  const last = request.runs.at(-1)
  return {
    status,
    ...queueView(state, request),
    ...(status === 'IN_QUEUE' && { queue_position: 0 }),
    ...(status !== 'IN_QUEUE' && { logs: null }),
    ...(status === 'COMPLETED' && {
      metrics: last ? { inference_time: (request.endsAt - last.startsAt) / 1000 } : {},
      ...toldError(request, now),
    }),
  }
}

const iso = (instant: number) => new Date(instant).toISOString()

export function listView(state: State, request: QueuedRequest, now: number, withPayloads: boolean) {
  const { id, model, createdAt, endsAt, input, own } = request
  const startsAt = startOf(request)
  const answer = isOver(request, now) ? answerOf(state, request) : undefined
  return {
    request_id: id,
    endpoint_id: model.name,
    sent_at: iso(createdAt),
    started_at: startsAt <= now ? iso(startsAt) : null,
    ...(answer && {
      ended_at: iso(endsAt),
      status_code: answer.status,
      duration: startsAt <= now ? (endsAt - startsAt) / 1000 : 0,
    }),
    ...(withPayloads && own.isStored && !own.isDeleted && { json_input: input, json_output: answer?.body ?? null }),
  }
}
