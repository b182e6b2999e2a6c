// What a provider's report changes: called by the webhook room alone, for the attempt that its address names.
// Each writes by the statements that passes use, behind the same fence; an attempt that knows no prediction yet is told it.
import type { SubmissionOutcome } from '../core/decide.ts'
import type { Report } from '../core/provider.ts'
import type { Held } from '../core/task.ts'
import type { Statement } from '../db/driver/batches.ts'
import { recordLooks, recordStored } from '../db/statements/record-results.ts'
import { recordSubmissions } from '../db/statements/record-submissions.ts'
import type { Moved, Told } from '../db/statements/sql.ts'
import { passAfterAnswer } from '../functions/http/task-answer.ts'
import { capsOf } from './claim.ts'
import type { Deps, RoomContext } from './deps.ts'
import { causedBy } from './journal.ts'
import { recipeOf } from './require-recipe.ts'
import { copyOutput } from './store-output.ts'
import { raiseAnyway } from './wake.ts'
import type { Reported } from './webhook-url.ts'

/** A verified report, and the attempt that its address names. */
export interface Heard {
  deps: Deps
  context: RoomContext
  attempt: Reported
  report: Report
}

/**
 * Tells the open attempt its prediction, if it doesn't know it yet. A prediction that no step wants is recorded instead and
 * canceled right after. True when the attempt took it.
 */
export async function adopt({ deps, context, attempt, report }: Heard): Promise<boolean> {
  const { prediction_id, urls } = report
  const check_in = recipeOf(deps, attempt).timing.firstCheckSeconds
  await raiseAnyway(deps)
  const told: Told<SubmissionOutcome>[] = [{ ...heldOf(attempt), kind: 'created', prediction_id, urls, check_in }]
  const [moved] = await recordSubmissions(deps.db, told, causedBy(deps, 'webhook', context))
  if (moved?.did === 'strayed') passAfterAnswer(deps, context, { by: 'webhook', taskId: attempt.id })
  return moved?.did === 'created'
}

/** Writes what became of the attempt's prediction; what that has made due is begun after the answer. */
export async function write<Outcome>(
  heard: Heard,
  record: Statement<Told<Outcome & { prediction_id: string }>, Moved>,
  outcome: Outcome,
): Promise<void> {
  const { deps, context, attempt, report } = heard
  const told = [{ ...heldOf(attempt), ...outcome, prediction_id: report.prediction_id }]
  const tell = () => record(deps.db, told, causedBy(deps, 'webhook', context))
  await raiseAnyway(deps)
  let [moved] = await tell()
  // Nothing moved: it is repeated, or nobody wants it, or it has to be named before the copy's delay can be noted.
  if (!moved && (await adopt(heard))) moved = (await tell())[0]
  if (moved && moved.status !== 'processing') goOn(heard, moved)
}

/** With a cap, the slot that is free now is somebody's who may have waited longer. */
function goOn({ deps, context, attempt }: Heard, { status }: Moved): void {
  if (capsOf(deps.config).length > 0) passAfterAnswer(deps, context, { by: 'webhook' })
  else if (status === 'pending') passAfterAnswer(deps, context, { by: 'webhook', taskId: attempt.id })
}

/** The task's own pass asks the provider, by the addresses that the row knows, instead of waiting for the next look. */
export async function lookNow(heard: Heard): Promise<void> {
  const { deps, context, attempt, report } = heard
  const told = [{ ...heldOf(attempt), kind: 'postponed' as const, retry_in: 0, prediction_id: report.prediction_id }]
  const [moved] = await recordLooks(deps.db, told, causedBy(deps, 'webhook', context))
  if (moved) passAfterAnswer(deps, context, { by: 'webhook', taskId: attempt.id })
}

/** Copies the output and shows the step done. If this process dies on the way, a look at the prediction starts it again. */
export async function store(heard: Heard, output: string[]): Promise<void> {
  const { deps, attempt, report } = heard
  const { prediction_id, urls } = report
  const copied = await copyOutput(deps, { ...heldOf(attempt), recipe: attempt.recipe, prediction_id, urls, output })
  if (copied.kind === 'stored') await write(heard, recordStored, copied)
  else await write(heard, recordLooks, copied)
}

const heldOf = ({ id, step, attempt, claim_token }: Reported): Held => ({ id, step, attempt, claim_token })
