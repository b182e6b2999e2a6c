// Tells an operator's own address (ALERT_URL) of the first failure of a run, and of due work that nobody looked at for long. Signed as
// Standard Webhooks are. It only ever runs beside a pass or after an answer, and neither waits for it nor fails with it.
import type { MoveReport } from '../core/history.ts'
import { signMessage } from '../providers/signature.ts'
import { clockOf, type Deps, type RoomContext } from './deps.ts'
import { readMemory } from './memory.ts'

const timeoutMs = 5_000
/** Of one trouble that goes on, once in so long. */
const repeatMs = 3_600_000

export function alertFailure(deps: Deps, context: RoomContext, move: MoveReport): void {
  const { task: task_id, step, attempt, code, reason } = move
  context.waitUntil(send(deps, 'failure', { task_id, step, attempt, code, message: reason }))
}

/** Passes have stopped, or are too few: what is due has waited for `seconds`. */
export function alertOverdue(deps: Deps, context: RoomContext, seconds: number): void {
  if (deps.config.ALERT_URL) context.waitUntil(sendOverdue(deps, seconds))
}

async function sendOverdue(deps: Deps, seconds: number): Promise<void> {
  try {
    const last = await deps.instants.last('overdue alert')
    const age = last ? clockOf(deps).getTime() - last.getTime() : repeatMs
    // A clock that was set back gives a negative age, and an alert.
    if (age >= 0 && age < repeatMs) return
    await deps.instants.note('overdue alert')
  } catch (error) {
    // Better twice than never.
    deps.log.warn({ err: error }, 'it is not known when the last alert was sent')
  }
  await send(deps, 'overdue', { overdue_seconds: Math.round(seconds) })
}

async function send(deps: Deps, type: 'failure' | 'overdue', data: object): Promise<void> {
  const { ALERT_URL: url, ALERT_SECRET, CRON_SECRET } = deps.config
  const secret = ALERT_SECRET ?? CRON_SECRET
  if (!url || !secret) return
  const at = clockOf(deps)
  const body = { type, at: at.toISOString(), ...data, memory: readMemory() }
  const headers = signMessage(secret, deps.newId(), at, JSON.stringify(body))
  try {
    const { status } = await deps.http.send({ method: 'POST', url, headers, body, timeoutMs, isPathSecret: true })
    if (status >= 300) deps.log.warn({ status, type }, 'the alert was not taken')
  } catch (error) {
    deps.log.warn({ err: error, type }, 'the alert was not delivered')
  }
}
