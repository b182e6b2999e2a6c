// What a pass is told, and what it answers. Apart from pass.ts, so that triggers know both before they load the pass's code.
import type { Cause } from '../core/history.ts'
import type { Claim } from './claim.ts'
import type { EndpointContext } from './deps.ts'

export interface PassOptions {
  /** What triggered it. */
  by: Cause
  context: EndpointContext
  taskId?: string | undefined
  /** What the caller's own statement has claimed already: the first round. */
  claimed?: Claim | undefined
  /** Begins nothing after this long; PASS_SECONDS otherwise. */
  seconds?: number | undefined
  /** Copies have ended after this long. */
  endSeconds?: number | undefined
  /** Counts go here as they happen, for a caller that answers before the pass is over. */
  result?: PassResult
}

export interface Counts {
  submitted: number
  /** Predictions of earlier creates whose answer was lost. */
  found: number
  rejected: number
  unconfirmed: number
  checked: number
  completed: number
  waiting: number
  failed: number
}

export interface PassResult extends Counts {
  /** Nothing was due. */
  idle: boolean
  /** Nothing was due: when something will be, if ever. */
  nextDueAt: Date | null
}

export const emptyResult = (): PassResult => ({
  submitted: 0,
  found: 0,
  rejected: 0,
  unconfirmed: 0,
  checked: 0,
  completed: 0,
  waiting: 0,
  failed: 0,
  idle: true,
  nextDueAt: null,
})
