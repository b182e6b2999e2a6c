// Asks the provider about one claimed task: is the prediction over, was the create accepted, are strays canceled.
import { decideLook, decideSearch, type LookOutcome, type SubmissionOutcome, shorten } from '../core/decide.ts'
import type { Cancellation, Provider, Search } from '../core/provider.ts'
import { attemptSeed, type Recipe } from '../core/recipe.ts'
import { decideStray, waitOf } from '../core/stray.ts'
import { requireHeld, type Stray } from '../core/task.ts'
import type { Claimed } from '../db/statements/claim.ts'
import type { StrayOutcome } from '../db/statements/record-strays.ts'
import type { Deps } from './deps.ts'
import { providerOf, recipeOf } from './require-recipe.ts'
import { carriesMarker } from './signed-urls.ts'
import { buildRequest } from './submit.ts'

/** What a look at a running prediction changes, if anything. */
export async function lookAtPrediction(deps: Deps, task: Claimed): Promise<LookOutcome | undefined> {
  const recipe = recipeOf(deps, task)
  const observation = await providerOf(deps, recipe).check({
    id: task.prediction_id ?? '',
    urls: task.provider_urls ?? {},
  })
  const warning =
    observation.kind === 'unreachable' ? observation.reason : 'warning' in observation && observation.warning
  if (warning) {
    const about = { task: task.id, step: task.current_step, prediction: task.prediction_id }
    deps.log.warn({ ...about, reason: shorten(warning) }, 'no news')
  }
  return decideLook(observation, task, recipe, task.claimed_at)
}

/** Looks for an unconfirmed submission in the provider's list. All that carry the attempt's marker are returned. */
export async function searchSubmission(deps: Deps, task: Claimed): Promise<SubmissionOutcome[]> {
  const recipe = recipeOf(deps, task)
  // A search that can't even be made must not keep the task from its end at the limit.
  const provider = providerOf(deps, recipe)
  const search = await searchList(deps, provider, recipe, task).catch((error: Error): Search => {
    deps.log.error({ err: error, task: task.id, step: task.current_step }, 'the submission could not be searched for')
    return { kind: 'unreachable', reason: error.message }
  })
  if ('reason' in search) {
    const about = { task: task.id, step: task.current_step, reason: shorten(search.reason) }
    // Being unsure is how some lists are; a list that can't be read should be known of.
    deps.log[search.kind === 'unsure' ? 'debug' : 'warn'](about, 'the submission was not found')
  }
  const outcome = decideSearch(search, task, recipe, task.claimed_at, {
    grace: deps.config.SUBMIT_GRACE_SECONDS,
    inputsKept: provider.inputsKeptSeconds,
  })
  if (outcome?.kind !== 'created' || search.kind !== 'found') return outcome ? [outcome] : []
  return search.predictions.map((prediction) => ({ ...outcome, ...prediction }))
}

async function searchList(deps: Deps, provider: Provider, recipe: Recipe, task: Claimed): Promise<Search> {
  const held = requireHeld(task)
  const seed = attemptSeed(held.claim_token)
  const request = await buildRequest(deps, recipe, task, held)
  // Our own links carry the token; where an input has none of them (or none could be given), the seed is the attempt's.
  const isMarked = (input: Record<string, unknown>) =>
    carriesMarker(input, held.claim_token) || (input['seed'] !== undefined && input['seed'] === seed)
  const search = await provider.search({ submittedAt: task.submitted_at ?? task.claimed_at, request, isMarked })
  // What carries no marker can't be recognised, so that nothing was found says nothing.
  if (search.kind !== 'none' || isMarked(request.input)) return search
  return { kind: 'unsure', reason: 'the request carries no marker of its attempt' }
}

/** Cancels the task's strays that aren't over yet, each when its time has come. */
export async function cancelStrays(deps: Deps, task: Claimed): Promise<StrayOutcome[]> {
  const open = task.strays.filter((stray) => !stray.over)
  const wait = (stray: Stray) => waitOf(stray, task.claimed_at)
  // A task under way has looks of its own; one that rests comes back for the next try.
  if (task.phase && open.every((stray) => wait(stray) > 0)) return []
  return Promise.all(
    open.map(async (stray) => {
      const { prediction_id } = stray
      if (wait(stray) > 0) return { id: task.id, prediction_id, over: false, retry_in: wait(stray) }
      const canceled = await cancelOne(deps, task, stray)
      const outcome = decideStray(canceled, stray, task.claimed_at)
      const about = { task: task.id, prediction: prediction_id, ...canceled }
      if (outcome.given_up) deps.log.error(about, 'a stray is given up: that it is canceled was never confirmed')
      else deps.log.info(about, 'canceling a stray')
      return { id: task.id, ...outcome }
    }),
  )
}

/** A cancel that can't even be asked for, as without the provider's key, is one more try that failed. */
async function cancelOne(deps: Deps, task: Claimed, { prediction_id: id, urls }: Stray): Promise<Cancellation> {
  try {
    const canceled = await providerOf(deps, recipeOf(deps, task)).cancel({ id, urls })
    return 'reason' in canceled ? { ...canceled, reason: shorten(canceled.reason) } : canceled
  } catch (error) {
    deps.log.error({ err: error, task: task.id, prediction: id }, 'a stray could not be canceled')
    return { kind: 'unreachable', reason: shorten((error as Error).message) }
  }
}
