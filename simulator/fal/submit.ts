// POST /queue/{endpoint}: the one request that costs money. Its faults are those of a paid create: refused, accepted and never
// told, told in part, told late.

import type { z } from 'zod'
import { brokenBody, ConnectionFault, hang } from '../connection.ts'
import type { FaultOn } from '../faults.ts'
import { gatewayError, invalid, json, locked, notFound, rateLimited } from './answers.ts'
import { findModel, type Model } from './models.ts'
import { plan, type QueuedRequest } from './request.ts'
import { keep, type State } from './state.ts'
import { queueView } from './views.ts'

export async function submitRequest(state: State, request: Request, endpoint: string): Promise<Response> {
  const now = state.options.now().getTime()
  state.counts.create += 1
  const model = findModel(endpoint)
  if (model === undefined)
    return notFound(`Application "${endpoint}" (add it to simulator/fal/models.ts, docs/simulator.md):`)
  const input = await readJson(request)
  // The queue takes any object: what is wrong with it is for the model to say, in its result.
  if (input === undefined) return invalid([{ loc: ['body'], msg: 'JSON decode error', type: 'json_invalid' }])

  const fault = state.faults.take('create', { model: model.endpoint, input })
  const refusal = (await refuse(fault, request.signal)) ?? limitRate(state, now)
  if (refusal !== undefined) return refusal
  const accepted = accept(state, request, { model, input, now })
  return answer(state, accepted, { signal: request.signal, fault })
}

async function readJson(request: Request): Promise<Record<string, unknown> | undefined> {
  const text = await request.text()
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined
  } catch {
    return undefined
  }
}

/** The faults that accept nothing. */
async function refuse(fault: FaultOn<'create'> | undefined, signal: AbortSignal): Promise<Response | undefined> {
  switch (fault?.fault) {
    case 'reset_before':
      throw new ConnectionFault('before')
    case 'hang_before':
      return hang(signal)
    case 'error_before':
      return gatewayError(fault.status)
    case 'rate_limited':
      return rateLimited(fault.retry_after, fault.header)
    case 'no_credit':
      return locked()
    case 'rejected':
      return invalid([{ loc: ['body', 'input'], msg: 'the model refused this input', type: 'value_error' }])
    default:
      return undefined
  }
}

function limitRate(state: State, now: number): Response | undefined {
  const limit = state.settings.rate_limit_per_minute
  if (limit === null) return undefined
  state.recentCreates = state.recentCreates.filter((at) => at > now - 60_000)
  const oldest = state.recentCreates[state.recentCreates.length - limit]
  if (oldest !== undefined) return rateLimited(Math.max(1, Math.ceil((oldest + 60_000 - now) / 1000)), true)
  state.recentCreates.push(now)
  return undefined
}

interface Submission {
  readonly model: Model
  readonly input: Record<string, unknown>
  readonly now: number
}

function accept(state: State, request: Request, { model, input, now }: Submission): QueuedRequest {
  const { settings, options, faults } = state
  const outcome = faults.take('outcome', { model: model.endpoint, input })
  const isNoRetry = /^(1|true|yes)$/i.test(request.headers.get('x-fal-no-retry') ?? '')
  const startWithin = Number(request.headers.get('x-fal-request-timeout') ?? Number.NaN)
  const planned = plan({
    createdAt: now,
    seconds: model.isTraining ? settings.seconds_per_training : settings.seconds_per_step,
    startWithinSeconds: Number.isNaN(startWithin) ? undefined : startWithin,
    ...{ isNoRetry, outcome },
  })
  const checked = model.input.safeParse(input)
  const id = options.newId()
  const accepted: QueuedRequest = {
    id,
    gatewayId: planned.runs.length > 1 ? options.newId() : id,
    ...{ model, input, isNoRetry },
    webhook: new URL(request.url).searchParams.get('fal_webhook'),
    isStored: request.headers.get('x-fal-store-io') !== '0',
    createdAt: now,
    ...planned,
    ...(!checked.success && { failure: inputFailure(checked.error) }),
    weightsBytes: settings.weights_bytes,
    canceledByUser: false,
    pictures: [],
    reading: null,
    drawing: null,
  }
  keep(state, accepted)
  state.outbox.schedule(accepted)
  return accepted
}

function inputFailure(error: z.ZodError): QueuedRequest['failure'] {
  const detail = error.issues.map(({ path, message, code }) => ({
    loc: ['body', ...path.map((part) => (typeof part === 'number' ? part : String(part)))],
    msg: message,
    type: code,
  }))
  return { status: 422, detail, isTold: false }
}

interface Answering {
  readonly signal: AbortSignal
  readonly fault: FaultOn<'create'> | undefined
}

async function answer(state: State, accepted: QueuedRequest, { signal, fault }: Answering): Promise<Response> {
  if (fault?.fault === 'reset_after') throw new ConnectionFault('after')
  if (fault?.fault === 'hang_after') return hang(signal)
  if (fault?.fault === 'error_after') return gatewayError(fault.status)
  if (fault?.fault === 'slow') await state.options.sleep(fault.delay_ms, signal)
  const body = { ...queueView(state, accepted), status: 'IN_QUEUE', queue_position: 0 }
  const response = json(body, 200, { 'x-fal-request-id': accepted.id })
  return fault?.fault === 'truncated' ? truncate(response, fault.reset) : response
}

export async function truncate(response: Response, reset: boolean): Promise<Response> {
  const bytes = await response.bytes()
  const headers = new Headers(response.headers)
  const length = reset ? bytes.length : Math.ceil(bytes.length / 2)
  headers.set('content-length', String(length))
  return new Response(reset ? brokenBody(bytes) : bytes.subarray(0, length), { status: response.status, headers })
}
