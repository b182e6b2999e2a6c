// POST /queue/{endpoint}: the one request that costs money.

import type { FaultOn } from '../faults.ts'
import { createJob, readJson } from '../jobs/create.ts'
import { type Plan, startOf } from '../jobs/job.ts'
import type { KnownModels } from '../models/known.ts'
import type { InputFault } from '../models/model.ts'
import { invalid, json, notFound } from './answers.ts'
import type { Failure, State } from './protocol.ts'
import { queueView } from './views.ts'

export async function submitRequest(
  state: State,
  models: KnownModels,
  request: Request,
  endpoint: string,
): Promise<Response> {
  state.requests.create += 1
  const model = models.byName(endpoint)
  if (model === undefined)
    return notFound(
      `Application "${endpoint}" (add its schema with \`npm run add -- fal:${endpoint}\`, or a recipe whose example shows it; docs/simulator.md):`,
    )
  const input = objectOf(await readJson(request))
  // The queue takes any object: what is wrong with it is for the model to say, in its result.
  if (input === undefined) return invalid([{ loc: ['body'], msg: 'JSON decode error', type: 'json_invalid' }])
  const isNoRetry = /^(1|true|yes)$/i.test(request.headers.get('x-fal-no-retry') ?? '')
  const startWithinSeconds = Number(request.headers.get('x-fal-request-timeout') ?? Number.NaN)
  const faults = model.validate(input)
  const isStored = request.headers.get('x-fal-store-io') !== '0'
  return createJob(state, {
    ...{ request, model, input },
    webhook: new URL(request.url).searchParams.get('fal_webhook'),
    own(given, outcome, createdAt) {
      const id = state.options.newId()
      const submitted = { outcome, createdAt, isNoRetry, startWithinSeconds }
      const { plan, failure } = planned(given, submitted, faults)
      const gatewayId = plan.runs.length > 1 ? state.options.newId() : id
      return { id, plan, own: { gatewayId, isStored, isDeleted: false, isNoRetry, failure } }
    },
    async answer(accepted) {
      const body = { ...queueView(state, accepted), status: 'IN_QUEUE', queue_position: 0 }
      return json(body, 200, { 'x-fal-request-id': accepted.id })
    },
  })
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null ? { ...value } : undefined

interface Submitted {
  readonly outcome: FaultOn<'outcome'> | undefined
  readonly createdAt: number
  readonly isNoRetry: boolean
  /** NaN without a limit. */
  readonly startWithinSeconds: number
}

interface Planned {
  readonly plan: Plan
  readonly failure: Failure | null
}

function planned(
  plan: Plan,
  { outcome, createdAt, isNoRetry, startWithinSeconds }: Submitted,
  faults: readonly InputFault[],
): Planned {
  const failed = (failure: Failure, changes: Partial<Plan> = {}): Planned => ({
    plan: { ...plan, ...changes, ending: 'failed' },
    failure,
  })
  const at = (share: number) => createdAt + (plan.endsAt - createdAt) * share
  const startBy = createdAt + startWithinSeconds * 1000
  const isLate = startBy < startOf(plan)
  const broken = { startsAt: startOf(plan), endsAt: at(0.5) }
  if (faults.length > 0) return failed(inputFailure(faults), isLate ? { runs: [], endsAt: startBy } : {})
  if (isLate) return failed(startTimeout, { runs: [], endsAt: startBy })
  if (outcome?.fault !== 'rerun') return { plan, failure: failureOf(outcome) }
  if (isNoRetry) return failed(disconnected, { runs: [broken], endsAt: broken.endsAt })
  const again = { startsAt: at(0.75), endsAt: at(1.5) }
  return { plan: { ...plan, runs: [broken, again], endsAt: again.endsAt }, failure: null }
}

const startTimeout: Failure = {
  status: 504,
  detail: 'The request did not start in time',
  errorType: 'request_timeout',
  isTold: true,
  isStartTimeout: true,
}
const disconnected: Failure = {
  status: 503,
  detail: 'The runner was disconnected',
  errorType: 'runner_disconnected',
  isTold: true,
}

/** A model's own failure names fields; one of fal's machines names an error type. */
function failureOf(outcome: FaultOn<'outcome'> | undefined): Failure | null {
  if (outcome?.fault !== 'failed' && outcome?.fault !== 'result_only') return null
  const isTold = outcome.fault === 'failed'
  const status = outcome.status ?? (isTold ? 500 : 422)
  const { error, error_type: errorType } = outcome
  if (status < 500 && !errorType)
    return { status, detail: [{ loc: ['body'], msg: error, type: 'value_error' }], isTold }
  return { status, detail: error, errorType: errorType ?? 'internal_error', isTold }
}

function inputFailure(faults: readonly InputFault[]): Failure {
  const detail = faults.map(({ path, message, type }) => ({ loc: ['body', ...path], msg: message, type }))
  return { status: 422, detail, isTold: false }
}
