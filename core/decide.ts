// Decides what an answer of the provider means for the open attempt. Nothing here reads or writes: passes and the webhook endpoint ask, and the
// statements of db/ write what was decided, if the attempt is still open.

import { costOf } from './price.ts'
import type { Created, Observation, Search, Submission } from './provider.ts'
import type { Recipe } from './recipe.ts'
import type { ProviderUrls, Task, TaskErrorCode } from './task.ts'
import { readOutputAddress } from './web-address.ts'

/**
 * A provider's words as they are shown, stored and logged: one line's worth, and addresses without what follows their path, which may
 * be the signature or the marker of a link that the provider quotes.
 */
export function shorten(reason: string): string {
  const words = reason.replaceAll(/(https?:\/\/[^\s"'?#]+)[?#][^\s"']*/g, '$1')
  return words.length > 500 ? `${words.slice(0, 499)}…` : words
}

/** Between two 404s of one prediction: three in a row then span minutes. */
export const missSeconds = 60
/** So many in a row mean that it is gone. */
export const missesAllowed = 3
/** After an answer that leaves a create's fate open, the first search; by then a webhook has often said it already. */
const searchSeconds = 10
/** So long before the provider erases the inputs that carry the marker, "no" proves nothing any more. */
const erasureMarginSeconds = 10 * 60

/** How long a copy may take before another pass starts it again; it ends within one function's life. */
export const storingLeaseSeconds = 60
/** Between two tries to copy an output: a quarter of the time already tried, within these. */
const copyRetrySeconds = { least: 10, most: 120 }
/** So long an output is tried to be copied in any case, however near the attempt's limit it came. */
const copySeconds = 3_600

/** The fate of an attempt's create, as far as it is known. Durations are in seconds from now. */
export type SubmissionOutcome =
  /** The provider has it. Adopted by the open attempt, or recorded as a stray if no step wants it any more, at its `cost` if it is over. */
  | { kind: 'created'; prediction_id: string; urls: ProviderUrls; check_in: number; cost?: number | undefined }
  /** Nothing was created, and the provider asks to wait: the attempt is given back, the provider paused for everybody. */
  | { kind: 'throttled'; provider: string; reason: string; retry_in: number }
  /** The create was not sent, for want of time or by a fault of ours before it: the attempt is given back. */
  | { kind: 'unsent'; retry_in: number }
  /** Nothing was created, and the same request never will be. */
  | { kind: 'rejected'; code: TaskErrorCode; reason: string }
  /** The create may have been accepted: it is searched for, never sent again. */
  | { kind: 'unknown'; search_in: number }
  /** The provider's list said no after the grace time: this attempt doesn't exist, a new one may begin. */
  | { kind: 'absent' }
  /** It couldn't be found out within the recipe's time: a person decides. */
  | { kind: 'unsettled'; code: TaskErrorCode; reason: string }

/** What our own create came to. */
export function decideSubmission(submission: Submission, recipe: Recipe): SubmissionOutcome {
  switch (submission.kind) {
    case 'created':
      return created(submission, recipe)
    case 'throttled':
      return {
        kind: 'throttled',
        provider: recipe.provider,
        reason: shorten(submission.reason),
        retry_in: submission.retryAfterSeconds,
      }
    case 'rejected':
      return { kind: 'rejected', code: 'provider_rejected', reason: shorten(submission.reason) }
    case 'unknown':
      return { kind: 'unknown', search_in: searchSeconds }
  }
}

/** After a fault of ours before the POST: not at once again, and not for long. */
export const faultRetrySeconds = 30

/** Why a create can't be sent now, and how its task ends where that lasts. */
export interface Hindrance {
  code: TaskErrorCode
  reason: string
}

export const unconfigured = (provider: string): Hindrance => ({
  code: 'provider_not_configured',
  reason: `Nothing was sent: ${provider} is not configured here, and was not for as long as this step may take.`,
})

/** What hinders a create may pass: it is tried again, until the step has waited for as long as an attempt may take. */
export function decideHindered(
  { code, reason }: Hindrance,
  waitsSince: Date,
  recipe: Recipe,
  now: Date,
): SubmissionOutcome {
  if (secondsSince(waitsSince, now) < recipe.timing.limitSeconds) return { kind: 'unsent', retry_in: faultRetrySeconds }
  return { kind: 'rejected', code, reason: shorten(reason) }
}

function created(prediction: Created, recipe: Recipe): SubmissionOutcome {
  return {
    kind: 'created',
    prediction_id: prediction.prediction_id,
    urls: prediction.urls,
    check_in: recipe.timing.firstCheckSeconds,
  }
}

/**
 * An attempt is searched for so often before "none" is believed. The grace time alone doesn't do: a database's clock that jumps ahead ends it, and
 * the claim before it, at once, and the holder, whose own clock shows nothing, may still send. A jump brings one search forward; the others still lie
 * 20 seconds or more apart (db/statements/claim.ts). By a right clock the sixth falls due as the grace time ends.
 */
export const searchesNeeded = 6

export interface SearchTerms {
  /** From the attempt's start, before "the list doesn't have it" is believed: a create may be slow to arrive and to be listed. */
  graceSeconds: number
  /** How long the list shows inputs. */
  inputsKeptSeconds: number
}

/** What the search for an unconfirmed submission came to. Undefined: not yet, search again later. */
export function decideSearch(
  search: Search,
  task: Pick<Task, 'submitted_at' | 'searches'>,
  recipe: Recipe,
  now: Date,
  { graceSeconds, inputsKeptSeconds }: SearchTerms,
): SubmissionOutcome | undefined {
  const age = secondsSince(task.submitted_at, now)
  const found = search.kind === 'found' ? search.predictions[0] : undefined
  if (found) return created(found, recipe)
  // Only a list that is complete can say no. `unsure` and `unreachable` wait, for a find, a webhook or the time below.
  const isBelieved = age >= graceSeconds && task.searches >= searchesNeeded
  if (search.kind === 'none' && isBelieved && age < inputsKeptSeconds - erasureMarginSeconds) return { kind: 'absent' }
  if (age < recipe.timing.unconfirmedSeconds) return undefined
  return {
    kind: 'unsettled',
    code: 'submission_unconfirmed',
    reason:
      'It could not be found out whether the provider accepted this step, so it was not sent again. Redo it if you accept that it may be paid twice.',
  }
}

/** What a check of a prediction, or the copy of its output, changes. */
export type CheckOutcome =
  /** Succeeded: these output URLs are to be copied. `cost`: what the provider's figures say that it was, in micros. */
  | { kind: 'succeeded'; output: string[]; cost?: number | undefined }
  /** Over without a result, or given up (`leave`: it may still run at the provider, and is canceled there). */
  | { kind: 'failed'; code: TaskErrorCode; reason: string; leave?: boolean; cost?: number | undefined }
  /** 404. The third in a row, spaced by `retry_in`, fails the task as `prediction_lost` (or `code`). */
  | { kind: 'missing'; retry_in: number; reason: string; code?: TaskErrorCode }
  /** An answer after 404s or silence: they weren't in a row. */
  | { kind: 'answered' }
  /** No answer: noted, so that an operator sees since when, and why. */
  | { kind: 'unanswered'; reason: string }
  /**
   * Not now: a copy that failed or wasn't done, or a check that was not made, is due again in `retry_in` seconds. `reason` is a fault of
   * ours that keeps the output from being stored: noted, so that an operator sees it.
   */
  | { kind: 'postponed'; retry_in: number; reason?: string }

/** What a check of a running prediction came to. Undefined: nothing new, and nothing to write. */
export function decideCheck(
  observation: Observation,
  task: Pick<Task, 'submitted_at' | 'deadline_at' | 'misses' | 'unanswered'>,
  recipe: Recipe,
  now: Date,
): CheckOutcome | undefined {
  switch (observation.kind) {
    case 'succeeded':
      return { ...decideOutput(observation.output, recipe), ...costed(observation, recipe) }
    case 'failed':
      return { ...failedOf(observation), ...costed(observation, recipe) }
    case 'missing':
      return { kind: 'missing', retry_in: missSeconds, reason: 'The provider no longer knows this prediction.' }
    case 'running':
      if (secondsSince(task.deadline_at, now) >= 0) return timedOut
      return task.misses > 0 || task.unanswered > 0 ? { kind: 'answered' } : undefined
    case 'unreachable':
      // Silence is not failure, but a provider silent for as long again as the whole limit is given up.
      return secondsSince(task.deadline_at, now) >= recipe.timing.limitSeconds
        ? timedOut
        : { kind: 'unanswered', reason: shorten(observation.reason) }
  }
}

/** Only where the provider has told. */
function costed({ metrics }: Extract<Observation, { kind: 'succeeded' | 'failed' }>, recipe: Recipe) {
  const cost = costOf(recipe, metrics)
  return cost === undefined ? {} : { cost }
}

const failedOf = ({ code, reason }: Extract<Observation, { kind: 'failed' }>) =>
  ({ kind: 'failed', code, reason: shorten(reason) }) as const

const timedOut: CheckOutcome = {
  kind: 'failed',
  code: 'timed_out',
  reason: 'The provider did not finish in time. Redo the step to try again.',
  leave: true,
}

/**
 * Which files a finished prediction left, or that it left none. A recipe that can't read the output couldn't read it later either: what it
 * throws must not keep the task from its end.
 */
export function decideOutput(output: unknown, recipe: Recipe): Extract<CheckOutcome, { kind: 'succeeded' | 'failed' }> {
  let addresses: (string | undefined)[]
  try {
    addresses = recipe.outputUrls(output).map(readOutputAddress)
  } catch (error) {
    return unusable(`The recipe could not read the provider's result: ${(error as Error).message}`)
  }
  const readable = addresses.filter((address) => address !== undefined)
  if (readable.length > 0 && readable.length === addresses.length) return { kind: 'succeeded', output: readable }
  return unusable('The provider finished without a file as result.')
}

const unusable = (reason: string) => ({ kind: 'failed', code: 'result_unusable', reason: shorten(reason) }) as const

/** An output that is being copied. A webhook doesn't know the row's instants: what it can't copy is left to a pass. */
export interface Copying {
  storing_since?: Date | null
  deadline_at?: Date | null
}

/**
 * What a copy that failed, or found no time to end, changes. `observation` is what the provider says of the prediction now, if it was asked.
 * Only its own word that the data is gone ends the task before both the attempt's limit and a fair time to copy are over. Where the fault
 * is ours (`storeFault`), nothing else ends it: the result is paid for, and can be copied once the store works again.
 */
export function decideCopy(
  observation: Observation | undefined,
  { storing_since = null, deadline_at = null }: Copying,
  now: Date,
  storeFault?: string,
): CheckOutcome {
  if (observation?.kind === 'failed') return failedOf(observation)
  if (observation?.kind === 'missing') {
    const reason = 'The provider deleted the result before it could be copied.'
    return { kind: 'missing', code: 'result_lost', retry_in: missSeconds, reason }
  }
  const age = secondsSince(storing_since, now)
  if (storeFault === undefined && age >= copySeconds && secondsSince(deadline_at, now) >= 0) {
    return { kind: 'failed', code: 'result_lost', reason: 'The result could not be copied from the provider in time.' }
  }
  const { least, most } = copyRetrySeconds
  const retry_in = Math.round(Math.min(most, Math.max(least, age / 4)))
  return { kind: 'postponed', retry_in, ...(storeFault !== undefined && { reason: shorten(storeFault) }) }
}

function secondsSince(instant: Date | null, now: Date): number {
  return instant ? (now.getTime() - instant.getTime()) / 1000 : Number.NEGATIVE_INFINITY
}
