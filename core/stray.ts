// When a prediction that nobody wants is canceled, and when no more is tried. Pure; passes call it, `db/statements/record-strays.ts` writes what it says.
import { missSeconds } from './decide.ts'
import { costOf } from './price.ts'
import type { Cancellation } from './provider.ts'
import type { Recipe } from './recipe.ts'
import type { Stray } from './task.ts'

/** What a try to cancel a stray came to. */
export interface StrayFate {
  prediction_id: string
  over: boolean
  /** The provider doesn't know it. The third such answer means that it is over. */
  missing?: boolean
  /** Over for us alone: that it is canceled was never confirmed. */
  given_up?: boolean
  /** Until the next try. */
  retry_in: number
  /** Of one that is over: what the provider's figures say that it was, in micros. */
  cost?: number
}

const leastSeconds = 20
const mostSeconds = 3_600
/** The longest limit of a prediction, a day, is then past for a day: it is over, or nobody can end it by us. */
const patienceSeconds = 2 * 24 * 3_600

/** Before this a try would come too early; 0 where it is due. */
export function waitOf(stray: Stray, now: Date): number {
  return stray.retry_at ? Math.max(0, secondsBetween(now, new Date(stray.retry_at))) : 0
}

/** The time between tries doubles: it is the time since the first, within bounds. */
export function decideStray(canceled: Cancellation, stray: Stray, now: Date, recipe?: Recipe): StrayFate {
  const { prediction_id } = stray
  if (canceled.kind === 'over') {
    const cost = recipe && costOf(recipe, canceled.metrics)
    return { prediction_id, over: true, retry_in: 0, ...(cost !== undefined && { cost }) }
  }
  const age = stray.tried_at ? secondsBetween(new Date(stray.tried_at), now) : 0
  if (age >= patienceSeconds) return { prediction_id, over: true, given_up: true, retry_in: 0 }
  const retry_in = Math.min(mostSeconds, Math.max(leastSeconds, age))
  if (canceled.kind !== 'missing') return { prediction_id, over: false, retry_in }
  return { prediction_id, over: false, missing: true, retry_in: Math.max(missSeconds, retry_in) }
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000
}
