// POST /v1/predictions and /v1/models/{owner}/{name}/predictions: the one request that costs money.
// Its faults are those of a paid create: refused, created and never told, told in part, told late.

import { z } from 'zod'
import { brokenBody, ConnectionFault, hang } from '../connection.ts'
import type { FaultOn } from '../faults.ts'
import {
  badRequest,
  invalidInput,
  invalidVersion,
  json,
  noCredit,
  rateLimited,
  rejected,
  serverError,
  unknownModel,
} from './answers.ts'
import { findByVersion, findOfficial, type Model } from './models.ts'
import { settle } from './output.ts'
import { isOver, isRemoved, type Prediction, plan } from './prediction.ts'
import { keep, type State, view } from './state.ts'

const body = z.strictObject({
  version: z.string().optional(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/ }).optional(),
  webhook_events_filter: z.array(z.enum(['start', 'output', 'logs', 'completed'])).optional(),
  stream: z.boolean().optional(),
})

/** `official` is the model's name where the path names it; otherwise the body names a version. */
export async function createPrediction(state: State, request: Request, official?: string): Promise<Response> {
  const now = state.options.now().getTime()
  state.requests.create += 1
  const raw = await readJson(request)
  if (raw === undefined) return badRequest('The request body is not JSON')
  const parsed = body.safeParse(raw)
  if (!parsed.success) return invalidInput(parsed.error, '')
  const model = official === undefined ? findByVersion(parsed.data.version ?? '') : findOfficial(official)
  if (model === undefined) return official === undefined ? invalidVersion() : unknownModel(official)
  const input = model.input.safeParse(parsed.data.input)
  if (!input.success) return invalidInput(input.error, 'input')
  const cancelAfter = parseCancelAfter(request.headers.get('cancel-after'))
  if (cancelAfter === 'invalid') return badRequest('Cancel-After must be between 5s and 24h, for example 1m30s')

  const fault = state.faults.take('create', { model: model.name, input: parsed.data.input })
  const refusal = (await refuse(fault, request.signal)) ?? limitRate(state, now)
  if (refusal !== undefined) return refusal
  const prediction = record(state, { model, data: parsed.data, now, cancelAfter })
  return answer(state, prediction, { request, fault })
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Integer seconds, or hours, minutes and seconds as in `1m30s`. */
function parseCancelAfter(header: string | null): number | undefined | 'invalid' {
  if (header === null) return undefined
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(header.trim())
  if (parts === null) return 'invalid'
  const [hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0))
  const total = hours * 3600 + minutes * 60 + seconds
  return total >= 5 && total <= 86_400 ? total : 'invalid'
}

/** The faults that create nothing. */
async function refuse(fault: FaultOn<'create'> | undefined, signal: AbortSignal): Promise<Response | undefined> {
  switch (fault?.fault) {
    case 'reset_before':
      throw new ConnectionFault('before')
    case 'hang_before':
      return hang(signal)
    case 'error_before':
      return serverError(fault.status)
    case 'rate_limited':
      return rateLimited(fault.retry_after, fault.header)
    case 'no_credit':
      return noCredit()
    case 'rejected':
      return rejected()
    default:
      return undefined
  }
}

function limitRate(state: State, now: number): Response | undefined {
  const limit = state.settings.rate_limit_per_minute
  if (limit === null) return undefined
  state.recentCreates = state.recentCreates.filter((at) => at > now - 60_000)
  const oldest = state.recentCreates[state.recentCreates.length - limit]
  if (oldest !== undefined) return rateLimited(Math.max(1, Math.ceil((oldest + 60_000 - now) / 1000)))
  state.recentCreates.push(now)
  return undefined
}

interface Creation {
  readonly model: Model
  readonly data: z.output<typeof body>
  readonly now: number
  readonly cancelAfter: number | undefined
}

function record(state: State, { model, data, now, cancelAfter }: Creation): Prediction {
  const outcome = state.faults.take('outcome', { model: model.name, input: data.input })
  const prediction: Prediction = {
    id: state.options.newId(),
    model,
    input: data.input,
    webhook: data.webhook ?? null,
    events: data.webhook_events_filter ?? ['output', 'completed'],
    createdAt: now,
    ...plan({ createdAt: now, seconds: state.settings.seconds_per_step, cancelAfterSeconds: cancelAfter, outcome }),
    canceledByUser: false,
    pictures: [],
    drawing: null,
  }
  keep(state, prediction)
  state.outbox.schedule(prediction)
  dropOldFiles(state, now)
  return prediction
}

function dropOldFiles(state: State, now: number): void {
  for (let oldest = state.predictions[state.purged]; oldest; oldest = state.predictions[state.purged]) {
    if (!isRemoved(oldest, now, state.settings.retention_seconds)) return
    oldest.pictures = []
    state.purged += 1
  }
}

interface Answering {
  readonly request: Request
  readonly fault: FaultOn<'create'> | undefined
}

async function answer(state: State, prediction: Prediction, { request, fault }: Answering): Promise<Response> {
  if (fault?.fault === 'reset_after') throw new ConnectionFault('after')
  if (fault?.fault === 'hang_after') return hang(request.signal)
  if (fault?.fault === 'error_after') return serverError(fault.status)
  if (fault?.fault === 'slow') await state.options.sleep(fault.delay_ms, request.signal)
  const waited = await waitFor(state, prediction, request)
  const now = state.options.now().getTime()
  await settle(state, prediction, now)
  const status = waited && !isOver(prediction, now) ? 202 : 201
  const { webhook, events } = prediction
  const echo = webhook === null ? {} : { webhook, webhook_events_filter: events }
  const shown = view(state, prediction, now)
  const headers = { location: shown.urls.get }
  const response = json({ ...shown, ...echo }, status, headers)
  return fault?.fault === 'truncated' ? truncate(response, fault.reset) : response
}

/** `Prefer: wait` or `wait=n`: holds the answer until the prediction is over, a minute at most. */
async function waitFor(state: State, prediction: Prediction, request: Request): Promise<boolean> {
  const preference = /\bwait(?:=(\d+))?/.exec(request.headers.get('prefer') ?? '')
  if (preference === null) return false
  const seconds = Math.min(60, Math.max(1, Number(preference[1] ?? 60)))
  const clock = () => state.options.now().getTime()
  const limit = clock() + seconds * 1000
  const left = () => Math.min(prediction.endsAt, limit) - clock()
  // A timer may end a millisecond before the clock is there, and the official client takes any answer but `starting` as final.
  while (left() > 0) await state.options.sleep(left(), request.signal)
  return true
}

async function truncate(response: Response, reset: boolean): Promise<Response> {
  const bytes = await response.bytes()
  const headers = new Headers(response.headers)
  const length = reset ? bytes.length : Math.ceil(bytes.length / 2)
  headers.set('content-length', String(length))
  return new Response(reset ? brokenBody(bytes) : bytes.subarray(0, length), { status: response.status, headers })
}
