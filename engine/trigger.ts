// Triggers passes. The code of a pass is loaded with the first one, because most requests have none to run. Endpoints call triggerPass()
// for their own task, pings call runPassLate() for everything.
import type { Deps, EndpointContext, LightDeps } from './deps.ts'
import type { PassOptions } from './pass.ts'

export interface Counts {
  submitted: number
  /** Predictions of earlier creates whose answer was lost. */
  found: number
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

export const emptyResult = (): PassResult => ({
  submitted: 0,
  found: 0,
  rejected: 0,
  unconfirmed: 0,
  checked: 0,
  completed: 0,
  waiting: 0,
  failed: 0,
  idle: true,
  nextDueAt: null,
})

/** After the answer, for one task or for all: cron and webhooks may be missing, and the task still moves. */
export function triggerPass(deps: Deps, context: EndpointContext, pass: Omit<PassOptions, 'context'>): void {
  context.waitUntil(
    runPassLate(deps, { ...pass, context }).catch((error) =>
      deps.log.error({ err: error, task: pass.taskId }, 'pass after answer failed'),
    ),
  )
}

let loading: Promise<typeof import('./pass.ts')> | undefined

/** `runPass`, loaded now. */
export async function runPassLate(deps: Deps | LightDeps, options: PassOptions): Promise<PassResult> {
  loading ??= import('./pass.ts')
  const [{ runPass }, whole] = await Promise.all([loading, 'whole' in deps ? deps.whole() : deps])
  return runPass(whole, options)
}
