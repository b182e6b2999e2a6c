// A simulated job, at whichever provider: its plan is made once, when it is created, and what it shows is a function of the clock alone.
// Nothing here waits or is woken. Instants are milliseconds.

import type { FaultOn } from '../faults.ts'
import type { Made, Model } from '../models/model.ts'

export type Ending = 'succeeded' | 'failed' | 'canceled' | 'aborted'
export type WebhookEvent = 'start' | 'output' | 'logs' | 'completed'

interface Run {
  readonly startsAt: number
  readonly endsAt: number
}

export interface Plan {
  /** Empty when it ended before it began; two when the provider ran it again. */
  runs: readonly Run[]
  endsAt: number
  ending: Ending
  /** What the outcome withholds though it succeeded. */
  readonly withheld: 'data_removed' | 'no_output' | null
}

/** `Own` is what one provider alone knows of it. */
export interface Job<Own = unknown> extends Plan {
  readonly id: string
  readonly model: Model
  readonly input: Record<string, unknown>
  readonly webhook: string | null
  readonly createdAt: number
  readonly weightsBytes: number
  readonly own: Own
  canceledByUser: boolean
  files: readonly Made[]
  /** Set once its input is being read, and once its output is being drawn; then the ending is final. */
  reading: Promise<void> | null
  drawing: Promise<void> | null
}

/** The share of a job's time that it waits for a machine. */
const waitingShare = 0.25

/** When it runs, when it ends and how, as far as that is known at creation. */
export function plan(createdAt: number, seconds: number, outcome: FaultOn<'outcome'> | undefined): Plan {
  const duration = (outcome?.seconds ?? seconds) * 1000
  const endsAt = createdAt + duration
  return {
    runs: [{ startsAt: createdAt + duration * waitingShare, endsAt }],
    endsAt,
    ending: endingOf(outcome?.fault),
    withheld: outcome?.fault === 'data_removed' || outcome?.fault === 'no_output' ? outcome.fault : null,
  }
}

function endingOf(fault: FaultOn<'outcome'>['fault'] | undefined): Ending {
  if (fault === 'result_only') return 'failed'
  return fault === 'failed' || fault === 'canceled' || fault === 'aborted' ? fault : 'succeeded'
}

export const startOf = ({ runs }: Plan) => runs[0]?.startsAt ?? Number.POSITIVE_INFINITY
export const isOver = ({ endsAt }: Plan, now: number) => now >= endsAt
/** From its first run's start to its end. */
export const runSeconds = (plan: Plan) => Math.max(0, plan.endsAt - startOf(plan)) / 1000

/** Takes it from the queue, or stops it. One that is over stays as it ended. */
export function cancel(job: Job, now: number): void {
  if (isOver(job, now)) return
  job.runs = job.runs.filter(({ startsAt }) => startsAt <= now)
  job.endsAt = now
  job.ending = 'canceled'
  job.canceledByUser = true
}
