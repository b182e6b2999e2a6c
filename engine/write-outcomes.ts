// Writes what a round of a pass has learned into the table: collected first, then written in one statement a kind, for 1 task and for 200.
// What is known of money spent is written early: nobody else knows it.
import { endsWithin } from '../core/deadline.ts'
import type { CheckOutcome, SubmissionOutcome } from '../core/decide.ts'
import { withoutBytes } from '../core/web-address.ts'
import type { Statement } from '../db/driver/batches.ts'
import { recordChecks, recordStored, type StoredOutcome } from '../db/statements/record-results.ts'
import { recordStrays, type StrayOutcome } from '../db/statements/record-strays.ts'
import { recordSubmissions } from '../db/statements/record-submissions.ts'
import type { Moved, OfAttempt } from '../db/statements/sql.ts'
import type { Deps } from './deps.ts'
import { type CausedBy, raiseAnyway } from './journal.ts'

export interface Outcomes {
  submissions: OfAttempt<SubmissionOutcome>[]
  /** Further predictions of one attempt (a provider's own double): recorded after the first, to be canceled. */
  doubles: OfAttempt<SubmissionOutcome>[]
  checks: OfAttempt<CheckOutcome & { prediction_id: string }>[]
  stored: OfAttempt<StoredOutcome>[]
  strays: StrayOutcome[]
}

export const noOutcomes = (): Outcomes => ({ submissions: [], doubles: [], checks: [], stored: [], strays: [] })

/** What was told, and what it moved. */
export interface Written {
  checks: Outcomes['checks']
  moves: Moved[]
}

/** Longer than answers usually take: then a round's outcomes are one statement a kind, for 1 task and for 200. */
const flushMs = 8_000

/**
 * Writes the outcomes when all work is done; and every few seconds before, so that what is known of money spent doesn't wait for
 * the slowest neighbour, nor die with it.
 */
export async function writeWhile(
  work: Promise<unknown>,
  deps: Deps,
  cause: () => CausedBy,
  outcomes: Outcomes,
): Promise<Written> {
  const written: Written = { checks: [], moves: [] }
  for (let isDone = false; !isDone; ) {
    isDone = await endsWithin(flushMs, work, deps.wait)
    const taken = { ...outcomes }
    Object.assign(outcomes, noOutcomes())
    try {
      written.moves.push(...(await writeOutcomes(deps, cause, taken)))
      written.checks.push(...taken.checks)
    } catch (error) {
      if (isDone) throw error
      deps.log.error({ err: error }, 'outcomes could not be written yet')
      putBack(outcomes, taken)
    }
  }
  return written
}

/** What is fenced may be told again, together with what comes after it. A check would count its 404 twice; it is made again. */
function putBack(outcomes: Outcomes, { submissions, doubles, stored }: Outcomes): void {
  outcomes.submissions.unshift(...submissions)
  outcomes.doubles.unshift(...doubles)
  outcomes.stored.unshift(...stored)
}

async function writeOutcomes(deps: Deps, cause: () => CausedBy, outcomes: Outcomes): Promise<Moved[]> {
  // Outcomes may make something due sooner than another pass, which saw nothing to do, has told the wake mark.
  if (Object.values(outcomes).some((told) => told.length > 0)) await raiseAnyway(deps)
  const submitted = await write(deps, cause, outcomes.submissions, recordSubmissions)
  for (const double of outcomes.doubles) submitted.push(...(await write(deps, cause, [double], recordSubmissions)))
  const checked = await write(deps, cause, outcomes.checks.map(withoutFiles), recordChecks)
  const stored = await write(deps, cause, outcomes.stored, recordStored)
  if (outcomes.strays.length > 0) await recordStrays(deps.db, outcomes.strays, cause())
  return [...submitted, ...checked, ...stored]
}

async function write<Outcome>(
  deps: Deps,
  cause: () => CausedBy,
  told: OfAttempt<Outcome>[],
  record: Statement<OfAttempt<Outcome>, Moved>,
): Promise<Moved[]> {
  return told.length === 0 ? [] : record(deps.db, told, cause())
}

/** What a provider sends inside its answer is copied by this pass, or asked for again: rows and statements stay small. */
function withoutFiles<T extends CheckOutcome>(check: T): T {
  return check.kind === 'succeeded' ? { ...check, output: check.output.map(withoutBytes) } : check
}
