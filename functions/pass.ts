// One bounded pass: claims what is due, sends what is to be sent, asks the provider about the rest, writes it all back.
// Called by worker, checker, recover and tick for everything, and by start, continue, redo and status for their own task.
// A round costs the same few statements for 1 task and for 200: one claim, and one write for each kind of news.
import pLimit from 'p-limit'
import type { Config } from '../core/config.ts'
import type { LookOutcome, SubmissionOutcome } from '../core/decide.ts'
import type { Cause } from '../core/history.ts'
import { type Held, requireHeld } from '../core/task.ts'
import { type Claimed, claimDue } from '../db/claiming.ts'
import { recordLooks, recordStored, type StoredOutcome } from '../db/results.ts'
import type { Cap } from '../db/slots.ts'
import type { Moved, Told } from '../db/sql.ts'
import { recordStrays, type StrayOutcome } from '../db/strays.ts'
import { recordSubmissions } from '../db/submissions.ts'
import { alertOverdue } from './alert.ts'
import { type Causing, causedBy } from './causing.ts'
import { type Copy, copyOutput } from './copy.ts'
import { clockOf, type Deps, type RoomContext } from './deps.ts'
import { cancelStrays, lookAtPrediction, searchSubmission } from './look.ts'
import { readMemory } from './memory.ts'
import { submitStep } from './submit.ts'

export interface Counts {
  submitted: number
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

export interface PassOptions {
  /** What triggered it. */
  by: Cause
  context: RoomContext
  taskId?: string
  /** Counts go here as they happen, for a caller that answers before the pass is over. */
  result?: PassResult
}

export const emptyResult = (): PassResult => ({
  submitted: 0,
  rejected: 0,
  unconfirmed: 0,
  checked: 0,
  completed: 0,
  waiting: 0,
  failed: 0,
  idle: true,
  nextDueAt: null,
})

export async function runPass(deps: Deps, options: PassOptions): Promise<PassResult> {
  const { by, context, taskId, result = emptyResult() } = options
  const timed = causedBy(deps, by, context)
  const started = performance.now()
  const isLate = () => performance.now() - started > deps.config.PASS_SECONDS * 1000
  for (;;) {
    const sendBy = new Date(clockOf(deps).getTime() + sendWithinMs(deps))
    const { tasks, nextDueAt, overdueSeconds } = await claim(deps, timed, taskId)
    if (overdueSeconds !== undefined) alertOverdue(deps, context, overdueSeconds)
    if (tasks.length === 0) {
      result.nextDueAt = nextDueAt
      break
    }
    result.idle = false
    const again = await runRound(deps, timed, tasks, { isLate, sendBy }, result)
    if (isLate() || !(again || tasks.length === deps.config.PASS_BATCH)) break
  }
  log(deps, by, result, performance.now() - started)
  return result
}

/** A suspended function goes on where it was, however late: so the wall clock is asked once more right before the POST. */
function sendWithinMs({ config }: Deps): number {
  return Math.max(config.SUBMIT_LEASE_SECONDS - config.SUBMIT_TIMEOUT_SECONDS, 1) * 1000
}

function claim(deps: Deps, timed: Causing, taskId: string | undefined) {
  const { config } = deps
  return claimDue(deps.db, {
    terms: [...deps.recipes.values()].map(({ name, timing }) => ({
      ...timing,
      recipe: name,
      minCheckSeconds: config.CHECK_MIN_SECONDS ?? timing.minCheckSeconds,
      maxCheckSeconds: config.CHECK_MAX_SECONDS ?? timing.maxCheckSeconds,
    })),
    limit: config.PASS_BATCH,
    submitLeaseSeconds: config.SUBMIT_LEASE_SECONDS,
    caps: capsOf(config),
    taskId,
    ...timed,
  })
}

export function capsOf(config: Config): Cap[] {
  const caps = [
    { provider: 'replicate', cap: config.REPLICATE_CONCURRENCY },
    { provider: 'fal', cap: config.FAL_CONCURRENCY },
  ]
  return caps.filter((cap): cap is Cap => cap.cap !== undefined)
}

/** Everything that one round learns, gathered to be written in one statement a kind. */
interface News {
  submissions: Told<SubmissionOutcome>[]
  /** Further predictions of one attempt (a provider's own double): recorded after the first, to be canceled. */
  doubles: Told<SubmissionOutcome>[]
  looks: Told<LookOutcome & { prediction_id: string }>[]
  stored: Told<StoredOutcome>[]
  strays: StrayOutcome[]
}

const noNews = (): News => ({ submissions: [], doubles: [], looks: [], stored: [], strays: [] })

/** What a round may still begin. */
interface Limits {
  isLate(): boolean
  /** No create is sent after this: its claim might run out before its answer comes. */
  sendBy: Date
}

/** True when the round itself has made something due at once. */
async function runRound(
  deps: Deps,
  timed: Causing,
  tasks: Claimed[],
  limits: Limits,
  result: PassResult,
): Promise<boolean> {
  const limit = pLimit(deps.config.HTTP_CONCURRENCY)
  const all = <T extends { id: string }>(some: T[], work: (task: T) => Promise<void>) =>
    Promise.all(some.map((task) => limit(() => work(task).catch((error) => reportFault(deps, task, error)))))

  const news = noNews()
  await all(tasks, (task) => learn(deps, task, limits, news))
  await raiseFor(deps, news)
  const submitted = await write(deps, timed, news.submissions, recordSubmissions)
  for (const double of news.doubles) submitted.push(...(await write(deps, timed, [double], recordSubmissions)))
  const looked = await write(deps, timed, news.looks, recordLooks)
  if (news.strays.length > 0) await recordStrays(deps.db, news.strays, timed)

  const toCopy = copiesOf(tasks, news, looked)
  const afterCopy = noNews()
  await all(toCopy, (task) => copy(deps, task, limits.isLate, afterCopy))
  await raiseFor(deps, afterCopy)
  const stored = await write(deps, timed, afterCopy.stored, recordStored)
  const given = await write(deps, timed, afterCopy.looks, recordLooks)

  const moves = [...submitted, ...looked, ...stored, ...given]
  count(result, tasks, moves)
  // With a cap, whatever left its slot has made room for another.
  const freed = capsOf(deps.config).length > 0 && looked.length + given.length + submitted.length > 0
  return freed || moves.some((move) => move.did === 'strayed' || (move.did === 'stored' && move.status === 'pending'))
}

/** News may make something due sooner than another pass, which saw nothing to do, has told the wake mark. */
async function raiseFor(deps: Deps, news: News): Promise<void> {
  if (Object.values(news).every((told) => told.length === 0)) return
  try {
    await deps.wake.raise()
  } catch (error) {
    // The news tells of money spent: it is written whatever becomes of the mark. The hourly sweep looks without one.
    deps.log.error({ err: error }, 'the wake mark could not be raised')
  }
}

/** Whatever goes wrong with one task must not keep the others' news from being written. It becomes due again by itself. */
function reportFault(deps: Deps, { id }: { id: string }, error: unknown): void {
  deps.log.error({ err: error, task: id }, 'task was left for a later pass')
}

async function learn(deps: Deps, task: Claimed, { isLate, sendBy }: Limits, news: News): Promise<void> {
  if (task.work === 'submit') {
    const outcome: SubmissionOutcome = isLate() ? { kind: 'unsent', retry_in: 0 } : await submitStep(deps, task, sendBy)
    news.submissions.push({ ...requireHeld(task), ...outcome })
  }
  if (isLate() || task.work === 'expired') return
  if (task.strays.some((stray) => !stray.over)) news.strays.push(...(await cancelStrays(deps, task)))
  if (task.work === 'submit') return
  if (task.phase === 'unconfirmed') {
    const [outcome, ...doubles] = await searchSubmission(deps, task)
    if (outcome) news.submissions.push({ ...requireHeld(task), ...outcome })
    news.doubles.push(...doubles.map((double) => ({ ...requireHeld(task), ...double })))
  }
  if (task.phase === 'running') {
    const outcome = await lookAtPrediction(deps, task)
    if (outcome) news.looks.push({ ...requireOwn(task), ...outcome })
  }
}

/** What this round is to copy: outputs just found, or left in storing by an earlier one. */
function copiesOf(tasks: Claimed[], news: News, looked: Moved[]): Copy[] {
  const won = new Set(looked.filter((move) => move.did === 'succeeded').map((move) => move.id))
  const found = new Map(
    news.looks.flatMap((look) => (look.kind === 'succeeded' ? [[look.id, look.output] as const] : [])),
  )
  return tasks.flatMap((task) => {
    const output = won.has(task.id) ? found.get(task.id) : task.output
    return output ? [{ ...requireOwn(task), recipe: task.recipe, urls: task.provider_urls ?? {}, output }] : []
  })
}

async function copy(deps: Deps, task: Copy, isLate: () => boolean, news: News): Promise<void> {
  const copied = isLate() ? ({ kind: 'postponed', retry_in: 0 } as const) : await copyOutput(deps, task)
  const { id, step, attempt, claim_token, prediction_id } = task
  const own = { id, step, attempt, claim_token, prediction_id }
  if (copied.kind === 'stored') news.stored.push({ ...own, ...copied })
  else news.looks.push({ ...own, ...copied })
}

function requireOwn(task: Claimed): Held & { prediction_id: string } {
  if (!task.prediction_id) throw new Error(`task ${task.id} has no prediction (phase ${task.phase})`)
  return { ...requireHeld(task), prediction_id: task.prediction_id }
}

type Write<Outcome> = (db: Deps['db'], told: readonly Told<Outcome>[], timed: Causing) => Promise<Moved[]>

async function write<Outcome>(
  deps: Deps,
  timed: Causing,
  told: Told<Outcome>[],
  record: Write<Outcome>,
): Promise<Moved[]> {
  return told.length > 0 ? await record(deps.db, told, timed) : []
}

function count(result: PassResult, tasks: Claimed[], moves: Moved[]): void {
  const did = (name: string) => moves.filter((move) => move.did === name).length
  const became = (status: string) => moves.filter((move) => move.did === 'stored' && move.status === status).length
  result.submitted += did('created')
  result.rejected += did('refused') + did('rejected')
  result.unconfirmed += did('unknown')
  result.checked += tasks.filter((task) => task.work === 'look' && task.phase !== 'unconfirmed').length
  result.completed += became('completed')
  result.waiting += became('waiting_continue')
  result.failed += did('failed') + did('rejected') + did('unsettled')
}

/** What found nothing is news to nobody but who asks for every line. */
function log(deps: Deps, by: Cause, { nextDueAt: _, ...counts }: PassResult, ms: number): void {
  deps.log[counts.idle ? 'debug' : 'info']({ by, ...counts, ms: Math.round(ms), ...readMemory() }, 'pass')
}
