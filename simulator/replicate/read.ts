// GET one prediction, GET the list, POST cancel: the cheap requests, and what can go wrong with them.

import { ConnectionFault, hang } from '../connection.ts'
import type { FaultOn } from '../faults.ts'
import { badRequest, json, notFound, rateLimited, serverError } from './answers.ts'
import { settle } from './output.ts'
import { cancel, isOver, type Prediction } from './prediction.ts'
import { type State, view } from './state.ts'

const subjectOf = (prediction: Prediction | undefined) =>
  prediction === undefined ? {} : { model: prediction.model.name, input: prediction.input }

export async function getPrediction(state: State, request: Request, id: string): Promise<Response> {
  state.requests.get += 1
  const prediction = state.byId.get(id)
  const fault = state.faults.take('get', subjectOf(prediction))
  const refusal = await refuse(fault, request.signal)
  if (refusal !== undefined) return refusal
  if (prediction === undefined) return notFound()
  return show(state, prediction, fault)
}

export async function cancelPrediction(state: State, request: Request, id: string): Promise<Response> {
  state.requests.cancel += 1
  const prediction = state.byId.get(id)
  const fault = state.faults.take('cancel', subjectOf(prediction))
  const refusal = await refuse(fault, request.signal)
  if (refusal !== undefined) return refusal
  if (prediction === undefined) return notFound()
  const now = state.options.now().getTime()
  if (fault?.fault !== 'ignored' && !isOver(prediction, now)) {
    cancel(prediction, now)
    state.outbox.reschedule(prediction)
  }
  if (fault?.fault === 'reset_after') throw new ConnectionFault('after')
  if (fault?.fault === 'error_after') return serverError(fault.status)
  return show(state, prediction, fault)
}

type ReadFault = FaultOn<'get' | 'list' | 'cancel'>

/** The faults that all three share; none of them has an effect. */
async function refuse(fault: ReadFault | undefined, signal: AbortSignal): Promise<Response | undefined> {
  switch (fault?.fault) {
    case 'error':
      return serverError(fault.status)
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

async function show(state: State, prediction: Prediction, fault: ReadFault | undefined): Promise<Response> {
  const now = state.options.now().getTime()
  await settle(state, prediction, now)
  const { webhook, events } = prediction
  const echo = webhook === null ? {} : { webhook, webhook_events_filter: events }
  return json({ ...view(state, prediction, now), ...echo, ...wordOf(fault) })
}

const wordOf = (fault: ReadFault | undefined) => (fault?.fault === 'unknown_status' ? { status: fault.word } : {})

const pageSize = 100

/** Newest first; `next` is the whole address of the following page. Items carry no webhook. */
export async function listPredictions(state: State, request: Request): Promise<Response> {
  state.requests.list += 1
  const fault = state.faults.take('list')
  const refusal = await refuse(fault, request.signal)
  if (refusal !== undefined) return refusal
  const query = new URL(request.url).searchParams
  const after = instant(query.get('created_after'), Number.NEGATIVE_INFINITY)
  const before = instant(query.get('created_before'), Number.POSITIVE_INFINITY)
  const cursor = query.get('cursor')
  const start = cursor === null ? state.predictions.length : Number(cursor)
  if (Number.isNaN(after) || Number.isNaN(before) || !Number.isInteger(start)) return badRequest('Invalid filter')

  const now = state.options.now().getTime()
  const hiddenSince = fault?.fault === 'lag' ? now - fault.seconds * 1000 : Number.POSITIVE_INFINITY
  const page: Prediction[] = []
  let at = start
  while (at > 0 && page.length < pageSize && fault?.fault !== 'empty') {
    at -= 1
    const prediction = state.predictions[at]
    if (prediction === undefined || prediction.createdAt < after) break
    if (prediction.createdAt < before && prediction.createdAt <= hiddenSince) page.push(prediction)
  }
  await Promise.all(page.map((prediction) => settle(state, prediction, now)))
  const results = page.map((prediction) => ({ ...view(state, prediction, now), ...wordOf(fault) }))
  const more = page.length === pageSize && (state.predictions[at - 1]?.createdAt ?? Number.NEGATIVE_INFINITY) >= after
  return json({ previous: null, next: more ? nextPage(state, query, at) : null, results })
}

const instant = (text: string | null, otherwise: number) => (text === null ? otherwise : Date.parse(text))

function nextPage(state: State, query: URLSearchParams, cursor: number): string {
  const next = new URLSearchParams(query)
  next.set('cursor', String(cursor))
  return `${state.options.baseUrl}/v1/predictions?${next}`
}
