// What the requests that cost nothing have in common: the faults of reading, a job with its ending made final, and a cancel.

import { ConnectionFault, hang } from '../connection.ts'
import type { FaultOn } from '../faults.ts'
import { cancel, type Job } from './job.ts'
import { settle } from './output.ts'
import { clockOf, type Kind, type State } from './state.ts'

type ReadFault = FaultOn<'get' | 'result' | 'list' | 'cancel'>

/** The faults that all of them share; none of them has an effect. */
export async function refuseRead<K extends Kind>(
  { protocol: { answers } }: State<K>,
  fault: ReadFault | undefined,
  signal: AbortSignal,
): Promise<Response | undefined> {
  switch (fault?.fault) {
    case 'error':
      return answers.serverError(fault.status)
    case 'not_found':
      return answers.notFound()
    case 'rate_limited':
      return answers.rateLimited(fault.retry_after, fault.header)
    case 'reset':
      throw new ConnectionFault('before')
    case 'hang':
      return hang(signal)
    default:
      return undefined
  }
}

/** What a word that nobody knows replaces. */
export const wordOf = (fault: ReadFault | undefined) =>
  fault && 'word' in fault && fault.fault === 'unknown_status' ? { status: fault.word } : {}

interface Reading<K extends Kind, On extends 'get' | 'result' | 'cancel'> {
  readonly signal: AbortSignal
  readonly on: On
  readonly counted: K['counted']
  readonly job: Job<K['own']> | undefined
}

/** Answers with a fault, with 404, or with what `show` makes of the job. */
export async function readJob<K extends Kind, On extends 'get' | 'result' | 'cancel'>(
  state: State<K>,
  { signal, on, counted, job }: Reading<K, On>,
  show: (job: Job<K['own']>, fault: FaultOn<On> | undefined, now: number) => Response | Promise<Response>,
): Promise<Response> {
  state.requests[counted] += 1
  const fault = state.faults.take(on, job && { model: job.model.name, input: job.input })
  const refusal = await refuseRead(state, fault, signal)
  if (refusal !== undefined) return refusal
  if (job === undefined) return state.protocol.answers.notFound()
  const now = clockOf(state)
  await settle(state, job, now)
  return show(job, fault, now)
}

/** Cancels it as far as the fault lets it, at the instant that the answer is shown by. A response stands for the answer that didn't come. */
export function cancelJob<K extends Kind>(
  state: State<K>,
  job: Job<K['own']>,
  fault: FaultOn<'cancel'> | undefined,
  now: number,
): Response | undefined {
  // `ignored`: accepted, but the job doesn't heed the signal and goes on.
  const isHeeded = fault?.fault !== 'ignored'
  if (isHeeded) {
    const { endsAt } = job
    cancel(job, now)
    if (job.endsAt !== endsAt) state.outbox.reschedule(job)
  }
  if (fault?.fault === 'reset_after') throw new ConnectionFault('after')
  return fault?.fault === 'error_after' ? state.protocol.answers.serverError(fault.status) : undefined
}
