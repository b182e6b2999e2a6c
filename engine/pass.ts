// One bounded pass: claims what is due, sends what is to be sent, asks the provider about the rest, writes it all back.
// engine/trigger.ts runs it, for pings and after an endpoint's answer, and the operator's command does. core/history.ts lists the causes.
// A round costs the same few statements for 1 task and for 200: one claim, and one write for each kind of outcome.
import pLimit from 'p-limit'
import type { SubmissionOutcome } from '../core/decide.ts'
import type { Cause } from '../core/history.ts'
import { type OpenAttempt, requireOpenAttempt } from '../core/task.ts'
import type { Claimed } from '../db/statements/claimed.ts'
import type { Moved } from '../db/statements/sql.ts'
import { cancelStrays } from './cancel-strays.ts'
import { checkPrediction, searchSubmission } from './check.ts'
import { listRunningTasks } from './check-many.ts'
import { capsOf, claim } from './claim.ts'
import { deliver } from './deliver.ts'
import type { Deps } from './deps.ts'
import { erasingMs, finishErasures } from './erase.ts'
import { alertOverdue, type CausedBy, causedBy, readMemory } from './journal.ts'
import { emptyResult, type PassOptions, type PassResult } from './pass-result.ts'
import { type Copy, storeOutput } from './store-output.ts'
import { submitStep } from './submit.ts'
import { noOutcomes, type Outcomes, type Written, writeWhile } from './write-outcomes.ts'

export async function runPass(deps: Deps, options: PassOptions): Promise<PassResult> {
  const { by, context, result = emptyResult() } = options
  const cause = () => causedBy(deps, by, context)
  const started = performance.now()
  const isLate = () => performance.now() - started > (options.seconds ?? deps.config.PASS_SECONDS) * 1000
  const endBy = started + (options.endSeconds ?? endSeconds) * 1000
  /** When this pass began to claim. */
  let dueBy: Date | undefined
  let delivering: Promise<unknown> | undefined
  let erasuresDue = false
  for (let { claimed } = options; ; claimed = undefined) {
    const { tasks, sendBy, isCut, ...also } = claimed ?? (await claim(deps, cause(), { taskId: options.taskId, dueBy }))
    result.nextDueAt = also.nextDueAt
    if (also.overdueSeconds !== undefined) alertOverdue(deps, context, also.overdueSeconds)
    if (also.areEventsDue) delivering ??= deliverBeside(deps, options, result)
    erasuresDue ||= also.erasuresDue === true
    if (tasks.length === 0) break
    dueBy ??= tasks[0]?.claimed_at
    result.idle = false
    const again = await runRound(deps, cause, tasks, { isLate, sendBy, endBy }, result)
    if (isLate() || !(again || isCut || tasks.length === deps.config.PASS_BATCH)) break
  }
  await delivering
  if (erasuresDue) await goOnErasing(deps, endBy)
  log(deps, by, result, performance.now() - started)
  return result
}

/** What earlier passes and requests have left to be told. Tasks don't wait for it. */
async function deliverBeside(deps: Deps, { seconds }: PassOptions, result: PassResult): Promise<void> {
  result.idle = false
  try {
    await deliver(deps, { seconds: seconds ?? deps.config.PASS_SECONDS })
  } catch (error) {
    deps.log.error({ err: error }, 'events are left for a later pass')
  }
}

/** What fails here is noted still, and must not hide what the pass has done. */
async function goOnErasing(deps: Deps, endBy: number): Promise<void> {
  try {
    await finishErasures(deps, Math.min(performance.now() + erasingMs, endBy))
  } catch (error) {
    deps.log.error({ err: error }, 'erasures were left for a later pass')
  }
}

/** What a round may still begin. */
interface Limits {
  isLate(): boolean
  /** No create is sent after this: its claim might run out before its answer comes. */
  sendBy: Date
  /** On the clock of `performance.now()`: what is copied until then can still be written within the function's life. */
  endBy: number
}

interface Learning extends Limits {
  /** Providers that have asked everybody to wait, in this round: they are asked nothing more. */
  throttled: Set<string>
  /** Tasks whose prediction its provider's list has shown as running. */
  running: ReadonlySet<string>
}

/** A function lives 60 s, and what a pass has learned must be written within them. */
const endSeconds = 50
/** Each holds three or four parts of 8 MiB while it runs; a function has a gigabyte. */
const copiesAtOnce = 16

/** True when the round itself has made something due at once. */
async function runRound(
  deps: Deps,
  cause: () => CausedBy,
  tasks: Claimed[],
  limits: Limits,
  result: PassResult,
): Promise<boolean> {
  const limit = pLimit(deps.config.HTTP_CONCURRENCY)
  const limitCopies = pLimit(copiesAtOnce)
  const outcomes = noOutcomes()
  const learning = { ...limits, throttled: new Set<string>(), running: await listRunningTasks(deps, tasks) }
  const learnAll = () =>
    limit.map(tasks, (task) => learn(deps, task, learning, outcomes).catch((error) => reportFault(deps, task, error)))
  const copyAll = (copies: Copy[]) =>
    limitCopies.map(copies, (task) =>
      copy(deps, task, limits, outcomes).catch((error) => reportFault(deps, task, error)),
    )

  // What an earlier round left is copied beside: searches that take a whole pass, each time, would else cost it its hour at the provider.
  const work = Promise.all([learnAll(), copyAll(copiesLeft(tasks))])
  const learned = await writeWhile(work, deps, cause, outcomes)
  const moves = [...learned.moves]
  const found = copiesFound(tasks, learned)
  if (found.length > 0) moves.push(...(await writeWhile(copyAll(found), deps, cause, outcomes)).moves)
  count(result, tasks, moves)
  // With a cap, whatever left its slot has made room for another.
  const freed = capsOf(deps.config).length > 0 && moves.length > 0
  return freed || moves.some((move) => move.did === 'strayed' || (move.did === 'stored' && move.status === 'pending'))
}

/** Whatever goes wrong with one task must not keep the others' outcomes from being written. It becomes due again by itself. */
function reportFault(deps: Deps, { id }: { id: string }, error: unknown): void {
  deps.log.error({ err: error, task: id }, 'task was left for a later pass')
}

async function learn(deps: Deps, task: Claimed, learning: Learning, outcomes: Outcomes): Promise<void> {
  const { isLate, sendBy, throttled, running } = learning
  if (task.work === 'submit') {
    const isUnsent = isLate() || throttled.has(task.provider)
    const outcome: SubmissionOutcome = isUnsent ? { kind: 'unsent', retry_in: 0 } : await submitStep(deps, task, sendBy)
    if (outcome.kind === 'throttled') throttled.add(outcome.provider)
    outcomes.submissions.push({ ...requireOpenAttempt(task), ...outcome })
  }
  // The claim has put off the next check, by an hour perhaps: one that was not made is due still.
  if (isLate() && task.phase === 'running' && !running.has(task.id)) {
    outcomes.checks.push({ ...requireOwn(task), kind: 'postponed', retry_in: 0 })
  }
  if (isLate() || task.work === 'expired') return
  if (task.strays.some((stray) => !stray.over)) outcomes.strays.push(...(await cancelStrays(deps, task)))
  if (task.work === 'submit') return
  if (task.phase === 'unconfirmed') {
    const [outcome, ...doubles] = await searchSubmission(deps, task)
    if (outcome) outcomes.submissions.push({ ...requireOpenAttempt(task), ...outcome })
    outcomes.doubles.push(...doubles.map((double) => ({ ...requireOpenAttempt(task), ...double })))
  }
  if (task.phase === 'running' && !running.has(task.id)) {
    const outcome = await checkPrediction(deps, task)
    if (outcome) outcomes.checks.push({ ...requireOwn(task), ...outcome })
  }
}

/** Outputs that were left in storing. Their rows have been so since their last move. */
const copiesLeft = (tasks: Claimed[]): Copy[] =>
  tasks.flatMap((task) => (task.output ? copyOf(task, task.output, task.updated_at) : []))

/** Outputs that this round has found. */
function copiesFound(tasks: Claimed[], { checks, moves }: Written): Copy[] {
  const won = new Set(moves.filter((move) => move.did === 'succeeded').map((move) => move.id))
  const outputs = new Map(checks.flatMap((check) => (check.kind === 'succeeded' ? [[check.id, check.output]] : [])))
  return tasks.flatMap((task) => {
    const output = won.has(task.id) ? outputs.get(task.id) : undefined
    return output ? copyOf(task, output, task.claimed_at) : []
  })
}

function copyOf(task: Claimed, output: string[], storing_since: Date): Copy {
  const { recipe, provider, provider_urls, deadline_at } = task
  const hasNextStep = task.current_step < task.total_steps
  return {
    ...requireOwn(task),
    recipe,
    provider,
    urls: provider_urls ?? {},
    output,
    hasNextStep,
    deadline_at,
    storing_since,
  }
}

async function copy(deps: Deps, task: Copy, { isLate, endBy }: Limits, outcomes: Outcomes): Promise<void> {
  const copied = isLate() ? ({ kind: 'postponed', retry_in: 0 } as const) : await storeOutput(deps, task, endBy)
  const { id, step, attempt, claim_token, prediction_id } = task
  const own = { id, step, attempt, claim_token, prediction_id }
  if (copied.kind === 'stored') outcomes.stored.push({ ...own, ...copied })
  else outcomes.checks.push({ ...own, ...copied })
}

function requireOwn(task: Claimed): OpenAttempt & { prediction_id: string } {
  if (!task.prediction_id) throw new Error(`task ${task.id} has no prediction (phase ${task.phase})`)
  return { ...requireOpenAttempt(task), prediction_id: task.prediction_id }
}

function count(result: PassResult, tasks: Claimed[], moves: Moved[]): void {
  const did = (name: string) => moves.filter((move) => move.did === name).length
  const became = (status: string) => moves.filter((move) => move.did === 'stored' && move.status === status).length
  // An attempt whose create's answer was lost was submitted by an earlier pass; its prediction was only found.
  const searched = new Set(tasks.filter(({ phase }) => phase === 'unconfirmed').map(({ id }) => id))
  const found = moves.filter((move) => move.did === 'created' && searched.has(move.id)).length
  result.submitted += did('created') - found
  result.found += found
  result.rejected += did('rejected')
  result.unconfirmed += did('unknown')
  result.checked += tasks.filter((task) => task.work === 'check' && task.phase !== 'unconfirmed').length
  result.completed += became('completed')
  result.waiting += became('waiting_continue')
  result.failed += did('failed') + did('rejected') + did('unsettled')
}

/** A pass that found nothing to do is logged at debug. */
function log(deps: Deps, by: Cause, { nextDueAt: _, ...counts }: PassResult, ms: number): void {
  deps.log[counts.idle ? 'debug' : 'info']({ by, ...counts, ms: Math.round(ms), ...readMemory() }, 'pass')
}
