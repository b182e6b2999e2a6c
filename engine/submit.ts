// Sends one step's create. This is the only place from which money is spent: one POST for a claimed attempt, never a second.
// Passes call it; engine/erase.ts builds the same request to know what an erased attempt is looked for by.
import { canBeCalledBack } from '../core/config.ts'
import {
  decideHindered,
  decideSubmission,
  faultRetrySeconds,
  type Hindrance,
  type SubmissionOutcome,
  shorten,
  unconfigured,
} from '../core/decide.ts'
import { AppError } from '../core/errors.ts'
import type { GenerationRequest, Provider, Submission, SubmitOptions } from '../core/provider.ts'
import { attemptSeed, candidatesOf, type Recipe, type StepContext } from '../core/recipe.ts'
import {
  askedOf,
  chosenFile,
  type OpenAttempt,
  requireOpenAttempt,
  resultKey,
  storedAttempt,
  type Task,
} from '../core/task.ts'
import { readWaitsSince } from '../db/statements/reads.ts'
import { TooLate } from '../providers/connection.ts'
import { StoreFault } from '../storage/store.ts'
import { clockOf, type Deps, requireRecipe } from './deps.ts'
import { fileReference, linkFor, NotStored, webhookUrl } from './signed-urls.ts'

/** The fate of the attempt's create. Never throws: what goes wrong before the POST, in it, or after it differs by a payment. */
export async function submitStep(
  deps: Deps,
  task: Task & { claimed_at: Date },
  sendBy: Date,
): Promise<SubmissionOutcome> {
  const open = requireOpenAttempt(task)
  const about = { task: task.id, step: open.step, attempt: open.attempt }
  let recipe: Recipe
  try {
    recipe = requireRecipe(deps, task)
  } catch (error) {
    deps.log.error({ err: error, ...about }, 'nothing was sent')
    return { kind: 'unsent', retry_in: faultRetrySeconds }
  }
  const provider = deps.providers.get(recipe.provider)
  if (!provider) {
    deps.log.error({ ...about, provider: recipe.provider }, 'nothing was sent: its key is not set')
    return tryUntilLimit(deps, task, recipe, unconfigured(recipe.provider))
  }
  let request: GenerationRequest
  let options: SubmitOptions
  try {
    request = await buildRequest(deps, recipe, task, open)
    options = submitOptions(deps, recipe, open, request.model)
  } catch (error) {
    deps.log.error({ err: error, ...about }, 'the request could not be built')
    // A blob store that is out of sorts says nothing of the request.
    if (error instanceof StoreFault || error instanceof AppError) return { kind: 'unsent', retry_in: faultRetrySeconds }
    const fault: Hindrance = { code: 'request_invalid', reason: (error as Error).message }
    if (error instanceof NotStored) return tryUntilLimit(deps, task, recipe, fault)
    return { kind: 'rejected', ...fault, reason: shorten(fault.reason) }
  }
  // Asked when its turn at the provider has come: however long it waited, a create of a claim that may have run out isn't sent.
  const mayBegin = () => clockOf(deps) <= sendBy
  const submission = await sendOnce(deps, provider, request, { ...options, mayBegin }, open)
  if (submission === 'unsent') return { kind: 'unsent', retry_in: 0 }
  if (submission.kind !== 'created') {
    const said = submission.kind === 'unknown' ? 'it is not known whether it was created' : 'not created'
    deps.log.warn({ ...about, kind: submission.kind, reason: shorten(submission.reason) }, said)
  }
  return decideSubmission(submission, recipe)
}

/** Since when it waits is asked only here. Where that can't be read, it waits on. */
async function tryUntilLimit(
  deps: Deps,
  task: Task & { claimed_at: Date },
  recipe: Recipe,
  hindrance: Hindrance,
): Promise<SubmissionOutcome> {
  try {
    const waitsSince = (await readWaitsSince(deps.db, task.id)) ?? task.created_at
    return decideHindered(hindrance, waitsSince, recipe, task.claimed_at)
  } catch (error) {
    deps.log.error({ err: error, task: task.id }, 'since when the step waits could not be read')
    return { kind: 'unsent', retry_in: faultRetrySeconds }
  }
}

function submitOptions(deps: Deps, recipe: Recipe, open: OpenAttempt, model: string): SubmitOptions {
  const cancelAfterSeconds = recipe.timing.limitSeconds
  if (!canBeCalledBack(deps.config)) return { cancelAfterSeconds }
  return { cancelAfterSeconds, webhookUrl: webhookUrl(deps, recipe.provider, { ...open, recipe: recipe.name, model }) }
}

async function sendOnce(
  deps: Deps,
  provider: Provider,
  request: GenerationRequest,
  options: SubmitOptions,
  open: OpenAttempt,
): Promise<Submission | 'unsent'> {
  try {
    return await provider.submit(request, options)
  } catch (error) {
    if (error instanceof TooLate) return 'unsent'
    deps.log.error({ err: error, task: open.id, step: open.step }, 'submission broke off')
    return { kind: 'unknown', reason: (error as Error).message }
  }
}

/** The step's request; building it again for the same attempt gives the same markers, so that it can be found in a list. */
export async function buildRequest(
  deps: Deps,
  recipe: Recipe,
  task: Task,
  open: OpenAttempt,
  link: StepContext['link'] = (reference, options) => linkFor(deps, reference, open.claim_token, options),
): Promise<GenerationRequest> {
  const { step, claim_token } = open
  const before = step > 1 ? storedAttempt(task, step - 1) : undefined
  const file = chosenFile(task, step - 1) - 1
  const { change, candidates } = askedOf(task, step)
  const changed = change === undefined ? undefined : recipe.applyChange?.(task.input, step, change)
  const input = changed ?? task.input
  return recipe.request(input, {
    step,
    previous: before && fileReference(resultKey(task.id, before.step, before.prediction_id, file)),
    link,
    seed: attemptSeed(claim_token),
    candidates: candidatesOf(recipe, input, step, candidates),
  })
}
