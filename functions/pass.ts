// One bounded pass: claims what is due, sends what is to be sent, asks the provider about the rest, writes it all back.
// Called by worker, checker, recover and tick for everything, and by start, continue, redo and status for their own task.
// A round costs the same few statements for 1 task and for 200: one claim, and one write for each kind of news.
import pLimit from 'p-limit'
import type { Config } from '../core/config.ts'
import type { LookOutcome, SubmissionOutcome } from '../core/decide.ts'
import type { Cause } from '../core/history.ts'
import { type Held, requireHeld } from '../core/task.ts'
import { type Claimed, claimDue } from '../db/claiming.ts'
import { DatabaseError } from '../db/errors.ts'
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
import { endsWithin, raiseAnyway } from './waking.ts'

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
  /** Begins nothing after this long; PASS_SECONDS otherwise. */
  seconds?: number | undefined
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
  const isLate = () => performance.now() - started > (options.seconds ?? deps.config.PASS_SECONDS) * 1000
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

interface Learning extends Limits {
  /** Providers that have asked everybody to wait, in this round: they are asked nothing more. */
  refused: Set<string>
}

/** Each holds two or three parts of 8 MiB while it runs; a function has a gigabyte. */
const copiesAtOnce = 16
/** Longer than answers usually take: then a round's news is one statement a kind, for 1 task and for 200. */
const flushMs = 8_000

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
  const refused = new Set<string>()
  const learned = await writeWhile(
    all(tasks, (task) => learn(deps, task, { ...limits, refused }, news)),
    deps,
    timed,
    news,
  )

  const toCopy = copiesOf(tasks, learned)
  const limitCopies = pLimit(copiesAtOnce)
  const copying = all(toCopy, (task) => limitCopies(() => copy(deps, task, limits.isLate, news)))
  const copied = await writeWhile(copying, deps, timed, news)

  const moves = [...learned.moves, ...copied.moves]
  count(result, tasks, moves)
  // With a cap, whatever left its slot has made room for another.
  const freed = capsOf(deps.config).length > 0 && moves.length > 0
  return freed || moves.some((move) => move.did === 'strayed' || (move.did === 'stored' && move.status === 'pending'))
}

/** What was told, and what it moved. */
interface Written {
  looks: News['looks']
  moves: Moved[]
}

/**
 * Writes the news when all work is done; and every few seconds before, so that what is known of money spent doesn't wait for
 * the slowest neighbour, nor die with it.
 */
async function writeWhile(work: Promise<unknown>, deps: Deps, timed: Causing, news: News): Promise<Written> {
  const written: Written = { looks: [], moves: [] }
  for (let isDone = false; !isDone; ) {
    isDone = await endsWithin(flushMs, work)
    const taken = { ...news }
    Object.assign(news, noNews())
    written.looks.push(...taken.looks)
    written.moves.push(...(await writeNews(deps, timed, taken)))
  }
  return written
}

async function writeNews(deps: Deps, timed: Causing, news: News): Promise<Moved[]> {
  // News may make something due sooner than another pass, which saw nothing to do, has told the wake mark.
  if (Object.values(news).some((told) => told.length > 0)) await raiseAnyway(deps)
  const submitted = await write(deps, timed, news.submissions, recordSubmissions)
  for (const double of news.doubles) submitted.push(...(await write(deps, timed, [double], recordSubmissions)))
  // Once: a 404 that is told twice would count twice. The look itself is repeated by a later pass.
  const looked = await write(deps, timed, news.looks, recordLooks, 1)
  const stored = await write(deps, timed, news.stored, recordStored)
  if (news.strays.length > 0) await recordStrays(deps.db, news.strays, timed)
  return [...submitted, ...looked, ...stored]
}

/** Whatever goes wrong with one task must not keep the others' news from being written. It becomes due again by itself. */
function reportFault(deps: Deps, { id }: { id: string }, error: unknown): void {
  deps.log.error({ err: error, task: id }, 'task was left for a later pass')
}

async function learn(deps: Deps, task: Claimed, { isLate, sendBy, refused }: Learning, news: News): Promise<void> {
  if (task.work === 'submit') {
    const isUnsent = isLate() || refused.has(task.provider)
    const outcome: SubmissionOutcome = isUnsent ? { kind: 'unsent', retry_in: 0 } : await submitStep(deps, task, sendBy)
    if (outcome.kind === 'refused') refused.add(outcome.provider)
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
function copiesOf(tasks: Claimed[], { looks, moves }: Written): Copy[] {
  const won = new Set(moves.filter((move) => move.did === 'succeeded').map((move) => move.id))
  const found = new Map(looks.flatMap((look) => (look.kind === 'succeeded' ? [[look.id, look.output] as const] : [])))
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

const writeTries = 3

type Write<Outcome> = (db: Deps['db'], told: readonly Told<Outcome>[], timed: Causing) => Promise<Moved[]>

async function write<Outcome>(
  deps: Deps,
  timed: Causing,
  told: Told<Outcome>[],
  record: Write<Outcome>,
  mostTries = writeTries,
): Promise<Moved[]> {
  if (told.length === 0) return []
  for (let tries = 1; ; tries += 1) {
    try {
      return await record(deps.db, told, timed)
    } catch (error) {
      // Behind their fences these statements may run twice; what they tell is known to nobody else.
      if (!(error instanceof DatabaseError && error.isConnectionLost) || tries === mostTries) throw error
      deps.log.warn({ err: error, tries }, 'news could not be written and is written again')
    }
  }
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
