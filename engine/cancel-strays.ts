// Cancels the predictions of a claimed task that no step wants any more. Passes call it.
import { shorten } from '../core/decide.ts'
import type { Cancellation } from '../core/provider.ts'
import { decideStray, waitOf } from '../core/stray.ts'
import type { Stray } from '../core/task.ts'
import type { Claimed } from '../db/statements/claimed.ts'
import type { StrayOutcome } from '../db/statements/record-strays.ts'
import { type Deps, recipeOf, requireProvider, requireRecipe } from './deps.ts'

/** Cancels the task's strays that aren't over yet, each when its time has come. */
export async function cancelStrays(deps: Deps, task: Claimed): Promise<StrayOutcome[]> {
  const open = task.strays.filter((stray) => !stray.over)
  const wait = (stray: Stray) => waitOf(stray, task.claimed_at)
  // A task under way has checks of its own; one that rests comes back for the next try.
  if (task.phase && open.every((stray) => wait(stray) > 0)) return []
  return Promise.all(
    open.map(async (stray) => {
      const { prediction_id } = stray
      if (wait(stray) > 0) return { id: task.id, prediction_id, over: false, retry_in: wait(stray) }
      const canceled = await cancelOne(deps, task, stray)
      const outcome = decideStray(canceled, stray, task.claimed_at, recipeOf(deps, task))
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
    const canceled = await requireProvider(deps, requireRecipe(deps, task)).cancel({ id, urls })
    return 'reason' in canceled ? { ...canceled, reason: shorten(canceled.reason) } : canceled
  } catch (error) {
    deps.log.error({ err: error, task: task.id, prediction: id }, 'a stray could not be canceled')
    return { kind: 'unreachable', reason: shorten((error as Error).message) }
  }
}
