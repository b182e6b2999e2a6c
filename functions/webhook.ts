// POST /api/webhook/replicate|fal: a provider reports on one attempt. It only makes faster what passes do anyway: the
// attempt is adopted if our own answer was lost, a failure is written, and a result is copied after the answer.

import { decideLook, type LookOutcome } from '../core/decide.ts'
import { AppError } from '../core/errors.ts'
import type { Provider, Report } from '../core/provider.ts'
import { recordLooks, recordStored } from '../db/results.ts'
import { recordSubmissions } from '../db/submissions.ts'
import { causedBy } from './causing.ts'
import { copyOutput } from './copy.ts'
import { clockOf, type Deps, type Room, type RoomContext } from './deps.ts'
import { json, requireMethod } from './http.ts'
import { recipeOf } from './lookup.ts'
import { passAfterAnswer } from './moving.ts'
import { capsOf } from './pass.ts'
import { raiseAnyway } from './waking.ts'
import { type Reported, requireAttempt } from './webhook-url.ts'

export const webhook: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const provider = requireProvider(request, deps)
  // First, because it needs no one else: a stranger's call ends here, and has no key fetched for it.
  const attempt = requireAttempt(request, deps, provider.name)
  const report = await provider.readWebhook(request.headers, await request.text(), clockOf(deps), attempt.model)
  const recipe = recipeOf(deps, attempt)
  const { observation } = report
  if (observation.kind === 'running') {
    await adopt(deps, context, attempt, report)
    if (report.withheld) await lookNow(deps, context, attempt, report)
  } else {
    const never = { submitted_at: null, deadline_at: null, misses: 0 }
    const outcome = decideLook(observation, never, recipe, clockOf(deps))
    if (outcome?.kind === 'failed') await writeOutcome(deps, context, attempt, report, outcome)
    if (outcome?.kind === 'succeeded') {
      // Before the answer: nobody reports it again, and the copy may die on its way.
      await adopt(deps, context, attempt, report)
      const work = store(deps, context, attempt, report, outcome.output)
      context.waitUntil(
        work.catch((error) => deps.log.error({ err: error, task: attempt.id }, 'webhook result was not stored')),
      )
    }
  }
  return json({ message: 'Thank you' })
}

function requireProvider(request: Request, deps: Deps): Provider {
  const name = new URL(request.url).pathname.replace(/\/$/, '').split('/').at(-1) ?? ''
  const provider = deps.providers.get(name)
  if (!provider) throw new AppError('not_found', `There is no provider ${name} here.`)
  return provider
}

/**
 * Tells the open attempt its prediction, if it doesn't know it yet. A prediction that no step wants is recorded instead and
 * canceled right after. True when the attempt took it.
 */
async function adopt(deps: Deps, context: RoomContext, attempt: Reported, report: Report): Promise<boolean> {
  const { prediction_id, urls } = report
  const check_in = recipeOf(deps, attempt).timing.firstCheckSeconds
  await raiseAnyway(deps)
  const told = [{ ...heldOf(attempt), kind: 'created' as const, prediction_id, urls, check_in }]
  const [moved] = await recordSubmissions(deps.db, told, causedBy(deps, 'webhook', context))
  if (moved?.did === 'strayed') passAfterAnswer(deps, context, 'webhook', attempt.id)
  return moved?.did === 'created'
}

async function writeOutcome(deps: Deps, context: RoomContext, attempt: Reported, report: Report, outcome: LookOutcome) {
  const told = [{ ...heldOf(attempt), ...outcome, prediction_id: report.prediction_id }]
  const timed = causedBy(deps, 'webhook', context)
  const moved = await recordLooks(deps.db, told, timed)
  // Nothing moved: the report came before our own answer was stored, or it is a repeated one.
  if (moved.length === 0 && (await adopt(deps, context, attempt, report))) await recordLooks(deps.db, told, timed)
}

/** The task's own pass asks the provider, by the addresses that the row knows, instead of waiting for the next look. */
async function lookNow(deps: Deps, context: RoomContext, attempt: Reported, report: Report): Promise<void> {
  const told = [{ ...heldOf(attempt), kind: 'postponed' as const, retry_in: 0, prediction_id: report.prediction_id }]
  const [moved] = await recordLooks(deps.db, told, causedBy(deps, 'webhook', context))
  if (moved) passAfterAnswer(deps, context, 'webhook', attempt.id)
}

/** Copies the output and shows the step done. If this process dies on the way, the next look starts it again. */
async function store(
  deps: Deps,
  context: RoomContext,
  attempt: Reported,
  report: Report,
  output: string[],
): Promise<void> {
  const { prediction_id, urls } = report
  const held = heldOf(attempt)
  const copied = await copyOutput(deps, { ...held, recipe: attempt.recipe, prediction_id, urls, output })
  if (copied.kind === 'failed' || copied.kind === 'postponed') {
    // A copy that isn't done goes on in a pass, now and not at the next look, which may be an hour away.
    await raiseAnyway(deps)
    return writeOutcome(deps, context, attempt, report, copied)
  }
  if (copied.kind !== 'stored') return
  const told = [{ ...held, prediction_id, ...copied }]
  const timed = causedBy(deps, 'webhook', context)
  await raiseAnyway(deps)
  const moved = await recordStored(deps.db, told, timed)
  // With a cap, the slot that is free now is somebody's who may have waited longer.
  if (capsOf(deps.config).length > 0) passAfterAnswer(deps, context, 'webhook')
  else if (moved[0]?.status === 'pending') passAfterAnswer(deps, context, 'webhook', attempt.id)
}

const heldOf = ({ id, step, attempt, claim_token }: Reported) => ({ id, step, attempt, claim_token })
