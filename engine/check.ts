// Asks the provider about one claimed task: is its prediction over, was its create accepted. Passes call it.
import { type CheckOutcome, decideCheck, decideSearch, type SubmissionOutcome, shorten } from '../core/decide.ts'
import { erasedUser, type Stub, stubOf } from '../core/erasure.ts'
import type { Search } from '../core/provider.ts'
import type { Recipe } from '../core/recipe.ts'
import { requireOpenAttempt } from '../core/task.ts'
import type { Claimed } from '../db/statements/claimed.ts'
import { askProvider, type Deps, requireProvider, requireRecipe } from './deps.ts'
import { isInputOf } from './signed-urls.ts'
import { buildRequest } from './submit.ts'

/** What the provider's answer about a running prediction changes, if anything. */
export async function checkPrediction(deps: Deps, task: Claimed): Promise<CheckOutcome | undefined> {
  const recipe = requireRecipe(deps, task)
  const observation = await askProvider(deps, recipe, { id: task.prediction_id ?? '', urls: task.provider_urls ?? {} })
  const warning =
    observation.kind === 'unreachable' ? observation.reason : 'warning' in observation && observation.warning
  if (warning) {
    const about = { task: task.id, step: task.current_step, prediction: task.prediction_id }
    deps.log.warn({ ...about, reason: shorten(warning) }, 'nothing was learned of the prediction')
  }
  return decideCheck(observation, task, recipe, task.claimed_at)
}

/** Looks for an unconfirmed submission in the provider's list. All that carry the attempt's marker are returned. */
export async function searchSubmission(deps: Deps, task: Claimed): Promise<SubmissionOutcome[]> {
  const recipe = requireRecipe(deps, task)
  // A search that can't even be made must not keep the task from its end at the limit.
  const search = await searchList(deps, recipe, task).catch((error: Error): Search => {
    deps.log.error({ err: error, task: task.id, step: task.current_step }, 'the submission could not be searched for')
    return { kind: 'unreachable', reason: error.message }
  })
  if ('reason' in search) {
    const about = { task: task.id, step: task.current_step, reason: shorten(search.reason) }
    // Being unsure is how some lists are; a list that can't be read should be known of.
    deps.log[search.kind === 'unsure' ? 'debug' : 'warn'](about, 'the submission was not found')
  }
  const outcome = decideSearch(search, task, recipe, task.claimed_at, {
    graceSeconds: deps.config.SUBMIT_GRACE_SECONDS,
    inputsKeptSeconds: deps.providers.get(recipe.provider)?.inputsKeptSeconds ?? 0,
  })
  if (outcome?.kind !== 'created' || search.kind !== 'found') return outcome ? [outcome] : []
  return search.predictions.map((prediction) => ({ ...outcome, ...prediction }))
}

async function searchList(deps: Deps, recipe: Recipe, task: Claimed): Promise<Search> {
  const provider = requireProvider(deps, recipe)
  const open = requireOpenAttempt(task)
  const stub = task.user_id === erasedUser ? requireStub(task) : undefined
  const request = stub ? { model: stub.model, input: {} } : await buildRequest(deps, recipe, task, open)
  const isMarked = (input: Record<string, unknown>) => isInputOf(input, open.claim_token)
  const search = await provider.search({ submittedAt: task.submitted_at ?? task.claimed_at, request, isMarked })
  // What carries no marker can't be recognised, so that nothing was found says nothing.
  if (search.kind !== 'none' || (stub ? stub.marked : isMarked(request.input))) return search
  return { kind: 'unsure', reason: 'the request carries no marker of its attempt' }
}

/** What is left of an erased task's input. */
function requireStub({ input }: Claimed): Stub {
  const stub = stubOf(input)
  if (stub) return stub
  throw new Error('what the attempt asked for was erased')
}
