// The one request that costs money, as far as all providers have it in common: refused, created and never told, told in part, told late.

import { brokenBody, ConnectionFault, hang } from '../connection.ts'
import type { FaultOn } from '../faults.ts'
import type { Model } from '../models/model.ts'
import { type Job, type Plan, plan } from './job.ts'
import { clockOf, type Kind, keep, type State } from './state.ts'

interface Creation<K extends Kind> {
  readonly request: Request
  readonly model: Model
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  /** Adds to the plan what the protocol's own headers and outcomes make of it. */
  own(
    planned: Plan,
    outcome: FaultOn<'outcome'> | undefined,
    createdAt: number,
  ): { plan: Plan; own: K['own']; id?: string }
  /** The answer that tells of it. */
  answer(job: Job<K['own']>): Promise<Response>
}

export async function createJob<K extends Kind>(state: State<K>, creation: Creation<K>): Promise<Response> {
  const { request, model, input } = creation
  const now = clockOf(state)
  const fault = state.faults.take('create', { model: model.name, input })
  const refusal = (await refuse(state, fault, request.signal)) ?? limitRate(state, now)
  if (refusal !== undefined) return refusal
  const job = record(state, creation, now)
  if (fault?.fault === 'reset_after') throw new ConnectionFault('after')
  if (fault?.fault === 'hang_after') return hang(request.signal)
  if (fault?.fault === 'error_after') return state.protocol.answers.serverError(fault.status)
  if (fault?.fault === 'slow') await state.options.sleep(fault.delay_ms, request.signal)
  const response = await creation.answer(job)
  return fault?.fault === 'truncated' ? truncate(response, fault.reset) : response
}

/** The faults that create nothing. */
async function refuse<K extends Kind>(
  { protocol: { answers } }: State<K>,
  fault: FaultOn<'create'> | undefined,
  signal: AbortSignal,
): Promise<Response | undefined> {
  switch (fault?.fault) {
    case 'reset_before':
      throw new ConnectionFault('before')
    case 'hang_before':
      return hang(signal)
    case 'error_before':
      return answers.serverError(fault.status)
    case 'rate_limited':
      return answers.rateLimited(fault.retry_after, fault.header)
    case 'no_credit':
      return answers.noCredit()
    case 'rejected':
      return answers.rejected()
    default:
      return undefined
  }
}

function limitRate<K extends Kind>(state: State<K>, now: number): Response | undefined {
  const limit = state.settings.rate_limit_per_minute
  if (limit === null) return undefined
  state.recentCreates = state.recentCreates.filter((at) => at > now - 60_000)
  const oldest = state.recentCreates[state.recentCreates.length - limit]
  if (oldest !== undefined)
    return state.protocol.answers.rateLimited(Math.max(1, Math.ceil((oldest + 60_000 - now) / 1000)))
  state.recentCreates.push(now)
  return undefined
}

function record<K extends Kind>(state: State<K>, creation: Creation<K>, now: number): Job<K['own']> {
  const { model, input, webhook } = creation
  const { settings, options, faults } = state
  const outcome = faults.take('outcome', { model: model.name, input })
  const seconds = model.isTraining ? settings.seconds_per_training : settings.seconds_per_step
  const { plan: planned, own, id } = creation.own(plan(now, seconds, outcome), outcome, now)
  const job: Job<K['own']> = {
    ...{ id: id ?? options.newId(), model, input, webhook, own },
    ...planned,
    createdAt: now,
    weightsBytes: settings.weights_bytes,
    canceledByUser: false,
    files: [],
    reading: null,
    drawing: null,
  }
  keep(state, job)
  state.outbox.schedule(job)
  dropOldFiles(state, now)
  return job
}

function dropOldFiles<K extends Kind>(state: State<K>, now: number): void {
  for (let oldest = state.jobs[state.purged]; oldest; oldest = state.jobs[state.purged]) {
    if (!state.protocol.isRemoved(state, oldest, now)) return
    oldest.files = []
    state.purged += 1
  }
}

/** A body that ends early though in order, or that breaks off. */
export async function truncate(response: Response, reset: boolean): Promise<Response> {
  const bytes = await response.bytes()
  const headers = new Headers(response.headers)
  const length = reset ? bytes.length : Math.ceil(bytes.length / 2)
  headers.set('content-length', String(length))
  return new Response(reset ? brokenBody(bytes) : bytes.subarray(0, length), { status: response.status, headers })
}

/** Undefined where the body is no JSON. */
export async function readJson(request: Request): Promise<unknown> {
  const text = await request.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
