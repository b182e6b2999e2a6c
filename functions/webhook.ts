// POST /api/webhook/{provider}: a provider reports on one attempt. It only makes faster what passes do anyway: the
// attempt is adopted if our own answer was lost, a failure is written, and a result is copied and shown.

import { endsWithin } from '../core/deadline.ts'
import { type CheckOutcome, decideCheck, type SubmissionOutcome } from '../core/decide.ts'
import { AppError } from '../core/errors.ts'
import type { Provider, Report } from '../core/provider.ts'
import type { OpenAttempt } from '../core/task.ts'
import type { Statement } from '../db/driver/batches.ts'
import { noteGone } from '../db/statements/erasures.ts'
import { recordChecks, recordStored } from '../db/statements/record-results.ts'
import { recordSubmissions } from '../db/statements/record-submissions.ts'
import type { Moved, OfAttempt } from '../db/statements/sql.ts'
import { readIsAnothers } from '../db/statements/webhooks.ts'
import { capsOf } from '../engine/claim.ts'
import { clockOf, type Deps, type Endpoint, type EndpointContext, requireRecipe } from '../engine/deps.ts'
import { finishErasures } from '../engine/erase.ts'
import { type CausedBy, causedBy, raiseAnyway } from '../engine/journal.ts'
import { isInputOf, type Reported, requireAttempt } from '../engine/signed-urls.ts'
import { storeOutput } from '../engine/store-output.ts'
import { triggerPass } from '../engine/trigger.ts'
import { noteAccepted, noteRefused } from '../engine/webhook-notes.ts'
import { json, readText, requireMethod } from './http/request.ts'

/** Providers are answered within a second; most results are copied and shown by then. */
const answerMs = 700
/** A report holds the whole prediction, with the input as it was sent and perhaps a training's log. */
const reportBounds = { depth: 64, values: 100_000 }

/** A verified report, and the attempt that its address names. */
interface ReportedAttempt {
  deps: Deps
  context: EndpointContext
  provider: Provider
  attempt: Reported
  report: Report
  /** What the prediction has cost, where it is over and its provider tells. */
  cost?: number | undefined
}

type Succeeded = Extract<CheckOutcome, { kind: 'succeeded' }>

export const webhook: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const provider = providerOfPath(request, deps)
  const reported: ReportedAttempt = { deps, context, provider, ...(await verify(request, deps, context, provider)) }
  const { report, attempt } = reported
  const { observation } = report
  if (observation.kind === 'running') {
    await adopt(reported)
    if (report.withheld) await checkNow(reported)
  } else {
    const unknownRow = { submitted_at: null, deadline_at: null, misses: 0, unanswered: 0 }
    const outcome = decideCheck(
      observation,
      unknownRow,
      requireRecipe(deps, { ...attempt, provider: provider.name }),
      clockOf(deps),
    )
    if (outcome?.kind === 'failed') await write({ ...reported, cost: outcome.cost }, recordChecks, outcome)
    if (outcome?.kind === 'succeeded') await storeInTime({ ...reported, cost: outcome.cost }, outcome)
  }
  return json({ message: 'Thank you' })
}

async function verify(request: Request, deps: Deps, context: EndpointContext, provider: Provider) {
  try {
    // First, because it needs no one else: a stranger's call ends here, and has no key fetched for it.
    const attempt = requireAttempt(request, deps, provider.name)
    const body = await readText(request, reportBounds)
    const report = await provider.readWebhook(request.headers, body, clockOf(deps), attempt.model)
    return { attempt, report }
  } catch (error) {
    // An address without our seal is no provider's: a stranger's, or the doctor's.
    const isSealed = new URL(request.url).searchParams.has('mac')
    if (error instanceof AppError && isSealed) noteRefused(deps, context, provider.name, error.message)
    throw error
  }
}

/** The circumstances of a statement that a webhook makes. */
const causeOf = ({ deps, context, provider }: ReportedAttempt): CausedBy => ({
  ...causedBy(deps, 'webhook', context),
  ...noteAccepted(deps, provider.name),
})

function providerOfPath(request: Request, deps: Deps): Provider {
  const name = new URL(request.url).pathname.replace(/\/$/, '').split('/').at(-1) ?? ''
  const provider = deps.providers.get(name)
  if (!provider) throw new AppError('not_found', `There is no provider ${name} here.`)
  return provider
}

/**
 * Shows the result, which tells the row all there is, before the answer if it can. Nobody reports it again: what takes longer,
 * or fails, may die on its way, so the attempt is at least told its prediction before the answer, and checks do the rest.
 */
async function storeInTime(reported: ReportedAttempt, succeeded: Succeeded): Promise<void> {
  const { deps, context, attempt } = reported
  const stored = store(reported, succeeded).then(
    () => true,
    (error) => {
      deps.log.error({ err: error, task: attempt.id }, 'webhook result was not stored')
      return false
    },
  )
  context.waitUntil(stored)
  const isDone = (await endsWithin(answerMs, stored, deps.wait)) && (await stored)
  if (!isDone) await adopt(reported)
}

/**
 * Tells the open attempt its prediction, if it doesn't know it yet. A prediction that no step wants is recorded instead and
 * canceled right after. True when the attempt took it.
 */
async function adopt(reported: ReportedAttempt): Promise<boolean> {
  const { deps, context, provider, attempt, report, cost } = reported
  const { prediction_id, urls } = report
  const check_in = requireRecipe(deps, { ...attempt, provider: provider.name }).timing.firstCheckSeconds
  await raiseAnyway(deps)
  const told: OfAttempt<SubmissionOutcome>[] = [
    { ...attemptOf(attempt), kind: 'created', prediction_id, urls, check_in, cost },
  ]
  const [moved] = await recordSubmissions(deps.db, told, causeOf(reported))
  if (moved?.did === 'strayed') triggerPass(deps, context, { by: 'webhook', taskId: attempt.id })
  return moved?.did === 'created'
}

/** Writes what became of the attempt's prediction; what that has made due is begun after the answer. False: it moved nothing. */
async function write<Outcome>(
  reported: ReportedAttempt,
  record: Statement<OfAttempt<Outcome & { prediction_id: string }>, Moved>,
  outcome: Outcome,
): Promise<boolean> {
  const { deps, attempt, report } = reported
  const told = [{ ...attemptOf(attempt), ...outcome, prediction_id: report.prediction_id }]
  const tell = () => record(deps.db, told, causeOf(reported))
  await raiseAnyway(deps)
  let [moved] = await tell()
  // Nothing moved: it is repeated, or nobody wants it, or it has to be named before the copy's delay can be noted.
  if (!moved && (await adopt(reported))) moved = (await tell())[0]
  if (moved && moved.status !== 'processing') goOn(reported, moved)
  return moved !== undefined
}

/** With a cap, the slot that is free now is somebody's who may have waited longer. */
function goOn({ deps, context, attempt }: ReportedAttempt, { status }: Moved): void {
  if (capsOf(deps.config).length > 0) triggerPass(deps, context, { by: 'webhook' })
  else if (status === 'pending') triggerPass(deps, context, { by: 'webhook', taskId: attempt.id })
}

/** The task's own pass asks the provider, by the addresses that the row knows, instead of waiting for the next check. */
async function checkNow(reported: ReportedAttempt): Promise<void> {
  const { deps, context, attempt, report } = reported
  const told = [{ ...attemptOf(attempt), kind: 'postponed' as const, retry_in: 0, prediction_id: report.prediction_id }]
  const [moved] = await recordChecks(deps.db, told, causeOf(reported))
  if (moved) triggerPass(deps, context, { by: 'webhook', taskId: attempt.id })
}

/** Copies the output and shows the step done. If this process dies on the way, a check of the prediction starts it again. */
async function store(reported: ReportedAttempt, { output, cost }: Succeeded): Promise<void> {
  const { deps, provider, attempt, report } = reported
  const { prediction_id, urls } = report
  if (await isMisplaced(reported)) {
    deps.log.warn(
      { task: attempt.id, prediction: prediction_id },
      "a report names another task's prediction: nothing was copied",
    )
    return
  }
  const from = { recipe: attempt.recipe, provider: provider.name, prediction_id, urls }
  const copy = { ...attemptOf(attempt), ...from, output }
  const copied = await storeOutput(deps, copy)
  const moved = await (copied.kind === 'stored'
    ? write(reported, recordStored, { ...copied, cost })
    : write(reported, recordChecks, copied.kind === 'failed' ? { ...copied, cost } : copied))
  // A task that was erased meanwhile, or long before, leaves nothing behind.
  if (!moved && (await noteGone(deps.db, { id: attempt.id, now: deps.now?.() }))) await finishErasures(deps)
}

/** Whether another task waits for the prediction. An input that this attempt has sent says no, and nobody is asked. */
async function isMisplaced({ deps, provider, attempt, report }: ReportedAttempt): Promise<boolean> {
  if (report.input && isInputOf(report.input, attempt.claim_token)) return false
  const { prediction_id } = report
  return readIsAnothers(deps.db, { id: attempt.id, provider: provider.name, prediction_id })
}

const attemptOf = ({ id, step, attempt, claim_token }: Reported): OpenAttempt => ({ id, step, attempt, claim_token })
