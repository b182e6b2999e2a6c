// POST /v1/predictions and /v1/models/{owner}/{name}/predictions: the one request that costs money.

import { z } from 'zod'
import type { FaultOn } from '../faults.ts'
import { createJob, readJson } from '../jobs/create.ts'
import { isOver, type Plan, startOf } from '../jobs/job.ts'
import { settle } from '../jobs/output.ts'
import { clockOf } from '../jobs/state.ts'
import type { KnownModels } from '../models/known.ts'
import { badRequest, invalidBody, invalidInput, invalidVersion, json, unknownModel } from './answers.ts'
import { findByVersion } from './models.ts'
import type { Prediction, State } from './protocol.ts'
import { viewWithWebhook } from './view.ts'

const body = z.strictObject({
  version: z.string().optional(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/ }).optional(),
  webhook_events_filter: z.array(z.enum(['start', 'output', 'logs', 'completed'])).optional(),
  stream: z.boolean().optional(),
})

/** `official` is the model's name where the path names it; otherwise the body names a version. */
export async function createPrediction(
  state: State,
  models: KnownModels,
  request: Request,
  official?: string,
): Promise<Response> {
  state.requests.create += 1
  const raw = await readJson(request)
  if (raw === undefined) return badRequest('The request body is not JSON')
  const parsed = body.safeParse(raw)
  if (!parsed.success) return invalidBody(parsed.error)
  const { input, version = '', webhook = null, webhook_events_filter: events = ['output', 'completed'] } = parsed.data
  const model = official === undefined ? findByVersion(models, version) : models.byName(official)
  if (model === undefined) return official === undefined ? invalidVersion() : unknownModel(official)
  const faults = model.validate(input)
  if (faults.length > 0) return invalidInput(faults, 'input')
  const cancelAfter = parseCancelAfter(request.headers.get('cancel-after'))
  if (cancelAfter === 'invalid') return badRequest('Cancel-After must be between 5s and 24h, for example 1m30s')
  return createJob(state, {
    ...{ request, model, input, webhook },
    own: (planned, outcome, createdAt) => {
      const deadline = cancelAfter === undefined ? null : createdAt + cancelAfter * 1000
      const plan = withinDeadline(withoutAborted(planned), deadline)
      return { plan, own: { events, deadline, error: errorOf(plan, outcome) } }
    },
    answer: (prediction) => answer(state, prediction, request),
  })
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

/** Aborted means that it never began. */
const withoutAborted = (plan: Plan): Plan => (plan.ending === 'aborted' ? { ...plan, runs: [] } : plan)

/** Replicate tells apart whether the deadline passed before the start, which costs nothing, or after it. */
function withinDeadline(plan: Plan, deadline: number | null): Plan {
  if (deadline === null || deadline >= plan.endsAt) return plan
  return deadline <= startOf(plan)
    ? { ...plan, runs: [], endsAt: deadline, ending: 'aborted' }
    : { ...plan, endsAt: deadline, ending: 'canceled' }
}

const errorOf = ({ ending }: Plan, outcome: FaultOn<'outcome'> | undefined) =>
  ending === 'failed' ? (outcome?.error ?? null) : null

async function answer(state: State, prediction: Prediction, request: Request): Promise<Response> {
  const waited = await waitFor(state, prediction, request)
  const now = clockOf(state)
  await settle(state, prediction, now)
  const shown = viewWithWebhook(state, prediction, now)
  return json(shown, waited && !isOver(prediction, now) ? 202 : 201, { location: shown.urls.get })
}

/** `Prefer: wait` or `wait=n`: holds the answer until the prediction is over, a minute at most. */
async function waitFor(state: State, prediction: Prediction, request: Request): Promise<boolean> {
  const preference = /\bwait(?:=(\d+))?/.exec(request.headers.get('prefer') ?? '')
  if (preference === null) return false
  const seconds = Math.min(60, Math.max(1, Number(preference[1] ?? 60)))
  const limit = clockOf(state) + seconds * 1000
  const left = () => Math.min(prediction.endsAt, limit) - clockOf(state)
  // A timer may end a millisecond before the clock is there, and the official client takes any answer but `starting` as final.
  while (left() > 0) await state.options.sleep(left(), request.signal)
  return true
}
