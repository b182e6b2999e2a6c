// Tells every write who causes it, with how much memory and by whose clock; and logs the moves that it made. A failure also goes to the
// operator's own address (ALERT_URL), signed as Standard Webhooks are. Endpoints and passes call causedBy() for each statement.
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Cause, Memory, MoveReport } from '../core/history.ts'
import type { Timed } from '../db/statements/sql.ts'
import { notifyOf } from '../notify/index.ts'
import { signMessage } from '../providers/signature.ts'
import type { Noted } from '../storage/instants.ts'
import { ceilingsOf } from './budget.ts'
import { clockOf, type Deps, type EndpointContext } from './deps.ts'
import { deriveKey } from './keys.ts'

export type CausedBy = Timed & { by: Cause }

/**
 * For one statement: time and memory are read now. Not by accessors: an object that brings its own gets a shape of its own, and V8 keeps
 * that, and with it the request it was made for, until a full collection.
 */
export function causedBy(deps: Deps, by: Cause, context: EndpointContext): CausedBy {
  return {
    by,
    now: deps.now?.(),
    memory: readMemory(),
    ceilings: ceilingsOf(deps),
    notify: notifyOf(deps.config),
    onSpent: (micros) => alertSpending(deps, context, micros),
    onMoved: (moves) => {
      for (const move of moves) {
        logMove(deps, by, move)
        if (move.opens_run) alertFailure(deps, context, move)
      }
      deliverEvents(deps, context, moves)
    },
  }
}

/** Without the provider's words: they may quote a link. */
function logMove({ log }: Deps, by: Cause, { task, move, step, attempt, was, became, code, ms }: MoveReport): void {
  const state = { task, step, attempt, from: was, to: became, move, by, ms }
  log.info({ ...state, ...(code && { code }), ...readMemory() }, 'moved')
}

/** At once, beside whatever goes on. If this process dies before, the next pass over everything delivers. */
function deliverEvents(deps: Deps, context: EndpointContext, moves: readonly MoveReport[]): void {
  const taskIds = moves.filter(({ has_events }) => has_events).map(({ task }) => task)
  if (taskIds.length === 0) return
  const delivering = import('./deliver.ts').then(({ deliver }) => deliver(deps, { taskIds }))
  context.waitUntil(delivering.catch((error) => deps.log.error({ err: error }, 'events are left for a later pass')))
}

/** Raises the wake mark for what must be written in any case: a mark that fails costs time until the hourly sweep, not the write. */
export async function raiseAnyway(deps: Pick<Deps, 'wake' | 'log'>): Promise<void> {
  try {
    await deps.wake.raise()
  } catch (error) {
    deps.log.error({ err: error }, 'the wake mark could not be raised')
  }
}

const alertTimeoutMs = 5_000
/** Of one trouble that goes on, once in so long. */
const repeatMs = 3_600_000

/** The first failure of a run. Neither a pass nor an answer waits for an alert, or fails with it. */
function alertFailure(deps: Deps, context: EndpointContext, move: MoveReport): void {
  const { task: task_id, step, attempt, code, reason } = move
  context.waitUntil(sendAlert(deps, 'failure', { task_id, step, attempt, code, message: reason }))
}

/** Passes have stopped, or are too few: what is due has waited for `seconds`. */
export function alertOverdue(deps: Deps, context: EndpointContext, seconds: number): void {
  if (!deps.config.ALERT_URL) return
  const isRepeat = (last: Date) => {
    const age = clockOf(deps).getTime() - last.getTime()
    // A clock that was set back gives a negative age, and an alert.
    return age >= 0 && age < repeatMs
  }
  const send = () => sendAlert(deps, 'overdue', { overdue_seconds: Math.round(seconds) })
  context.waitUntil(unlessRepeated(deps, 'overdue alert', isRepeat, send))
}

/** Sends an alert, and notes when; not where the last one of its name makes it a repeat. */
async function unlessRepeated(
  { instants, log }: Deps,
  name: Noted,
  isRepeat: (last: Date) => boolean,
  send: () => Promise<void>,
): Promise<void> {
  try {
    const last = await instants.last(name)
    if (last && isRepeat(last)) return
    await instants.note(name)
  } catch (error) {
    // Better twice than never.
    log.warn({ err: error }, 'it is not known when the last alert was sent')
  }
  await send()
}

/** Of the deployment's day: each is told once. */
const alertedPercents = [100, 80] as const
const alerted = new WeakMap<Deps['instants'], string>()

/**
 * The day's ceiling is near, or reached; near, and somebody refused by it (`isRefusing`), is as good as reached. Starts that stay below cost
 * nothing more; those above ask the store once a container.
 */
export function alertSpending(
  deps: Deps,
  context: EndpointContext,
  micros: number,
  { isRefusing = false }: { isRefusing?: boolean } = {},
): void {
  const { ALERT_URL, BUDGET_PER_DAY: budget } = deps.config
  const passed = budget === null ? undefined : alertedPercents.find((known) => micros * 100 >= known * budget)
  if (!ALERT_URL || budget === null || passed === undefined) return
  const percent = isRefusing ? 100 : passed
  const name = `spending alert ${percent}` as const
  const today = `${dayOf(clockOf(deps))} ${name}`
  if (alerted.get(deps.instants) === today) return
  alerted.set(deps.instants, today)
  const isRepeat = (last: Date) => dayOf(last) === dayOf(clockOf(deps))
  const send = () => sendAlert(deps, 'spending', { percent, spent_micros: micros, limit_micros: budget })
  context.waitUntil(unlessRepeated(deps, name, isRepeat, send))
}

/** UTC. */
const dayOf = (at: Date): string => at.toISOString().slice(0, 10)

async function sendAlert(deps: Deps, type: 'failure' | 'overdue' | 'spending', data: object): Promise<void> {
  const { ALERT_URL: url, ALERT_SECRET, CRON_SECRET } = deps.config
  const secret = ALERT_SECRET ?? (CRON_SECRET && `whsec_${deriveKey(CRON_SECRET, 'alert').toString('base64')}`)
  if (!url || !secret) return
  const at = clockOf(deps)
  const body = { type, at: at.toISOString(), ...data, memory: readMemory() }
  const headers = signMessage([secret], deps.newId(), at, JSON.stringify(body))
  const request = {
    method: 'POST',
    url,
    headers,
    body,
    timeoutMs: alertTimeoutMs,
    isPathSecret: true,
    isMessage: true,
  } as const
  try {
    const { status } = await deps.http.send(request)
    if (status >= 300) deps.log.warn({ status, type }, 'the alert was not taken')
  } catch (error) {
    deps.log.warn({ err: error, type }, 'the alert was not delivered')
  }
}

const toMb = (bytes: number) => Math.round(bytes / 2 ** 20)

/** Asking the system for it takes as long as some of what it is noted beside. */
const freshMs = 100
let known: { at: number; memory: Memory } | undefined

/** How much memory this process takes: for the log, the history and health. */
export function readMemory(): Memory {
  const at = performance.now()
  if (!known || at - known.at > freshMs) {
    const { rss, heapUsed } = process.memoryUsage()
    known = { at, memory: { rss_mb: toMb(rss), heap_mb: toMb(heapUsed) } }
  }
  return known.memory
}

/** What the process may take as a whole, and its heap alone. */
export function readMemoryLimits(): { limit_mb: number; heap_limit_mb: number } {
  // Without a limit of its own, a process is told none or an absurd one.
  const limit = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
  return { limit_mb: toMb(limit), heap_limit_mb: toMb(getHeapStatistics().heap_size_limit) }
}
