// GET one prediction, GET the list, POST cancel: the requests that cost nothing.

import type { FaultOn } from '../faults.ts'
import { settle } from '../jobs/output.ts'
import { cancelJob, readJob, refuseRead, wordOf } from '../jobs/read.ts'
import { clockOf } from '../jobs/state.ts'
import { badRequest, json } from './answers.ts'
import type { Prediction, State } from './protocol.ts'
import { view, viewWithWebhook } from './view.ts'

const show = (state: State, prediction: Prediction, fault: FaultOn<'get' | 'cancel'> | undefined, now: number) =>
  json({ ...viewWithWebhook(state, prediction, now), ...wordOf(fault) })

export function getPrediction(state: State, { signal }: Request, id: string): Promise<Response> {
  const job = state.byId.get(id)
  return readJob(state, { signal, on: 'get', counted: 'get', job }, (prediction, fault, now) =>
    show(state, prediction, fault, now),
  )
}

export function cancelPrediction(state: State, { signal }: Request, id: string): Promise<Response> {
  const job = state.byId.get(id)
  return readJob(
    state,
    { signal, on: 'cancel', counted: 'cancel', job },
    (prediction, fault, now) => cancelJob(state, prediction, fault, now) ?? show(state, prediction, fault, now),
  )
}

const pageSize = 100

/** Newest first; `next` is the whole address of the following page. Items carry no webhook. */
export async function listPredictions(state: State, request: Request): Promise<Response> {
  state.requests.list += 1
  const fault = state.faults.take('list')
  const refusal = await refuseRead(state, fault, request.signal)
  if (refusal !== undefined) return refusal
  const query = new URL(request.url).searchParams
  const after = instant(query.get('created_after'), Number.NEGATIVE_INFINITY)
  const before = instant(query.get('created_before'), Number.POSITIVE_INFINITY)
  const cursor = query.get('cursor')
  const start = cursor === null ? state.jobs.length : Number(cursor)
  if (Number.isNaN(after) || Number.isNaN(before) || !Number.isInteger(start)) return badRequest('Invalid filter')

  const now = clockOf(state)
  const hiddenSince = fault?.fault === 'lag' ? now - fault.seconds * 1000 : Number.POSITIVE_INFINITY
  const page: Prediction[] = []
  let at = start
  while (at > 0 && page.length < pageSize && fault?.fault !== 'empty') {
    at -= 1
    const prediction = state.jobs[at]
    if (prediction === undefined || prediction.createdAt < after) break
    if (prediction.createdAt < before && prediction.createdAt <= hiddenSince) page.push(prediction)
  }
  await Promise.all(page.map((prediction) => settle(state, prediction, now)))
  const results = page.map((prediction) => ({ ...view(state, prediction, now), ...wordOf(fault) }))
  const more = page.length === pageSize && (state.jobs[at - 1]?.createdAt ?? Number.NEGATIVE_INFINITY) >= after
  return json({ previous: null, next: more ? nextPage(state, query, at) : null, results })
}

const instant = (text: string | null, otherwise: number) => (text === null ? otherwise : Date.parse(text))

function nextPage(state: State, query: URLSearchParams, cursor: number): string {
  const next = new URLSearchParams(query)
  next.set('cursor', String(cursor))
  return `${state.options.baseUrl}/v1/predictions?${next}`
}
