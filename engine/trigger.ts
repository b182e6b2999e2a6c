// Triggers passes. The code of a pass is loaded with the first one, because most requests have none to run. Endpoints call triggerPass()
// for their own task, pings call runPassLate() for everything.
import type { Deps, EndpointContext, LightDeps } from './deps.ts'
import type { PassOptions, PassResult } from './pass-result.ts'

/** A function lives for 26 s at the least, and a sweep takes up to 8 of them. */
const sweepByMs = 14_000

/** After the answer, for one task or for all: cron and webhooks may be missing, and the task still moves. */
export function triggerPass(deps: Deps, context: EndpointContext, pass: Omit<PassOptions, 'context'>): void {
  context.waitUntil(passAndSweep(deps, { ...pass, context }))
}

/** Nothing else may ever come to delete what is old. The task goes first, and after a pass that took long the next one sweeps. */
async function passAndSweep(deps: Deps, pass: PassOptions): Promise<void> {
  const started = performance.now()
  try {
    await runPassLate(deps, pass)
  } catch (error) {
    deps.log.error({ err: error, task: pass.taskId }, 'pass after answer failed')
  }
  if (performance.now() - started > sweepByMs) return
  const { sweepIfDue } = await import('./sweep-uploads.ts')
  await sweepIfDue(deps, { asksDatabase: true })
}

export const loadPass = () => import('./pass.ts')

/** `runPass`, loaded now. */
export async function runPassLate(deps: Deps | LightDeps, options: PassOptions): Promise<PassResult> {
  const [{ runPass }, whole] = await Promise.all([loadPass(), 'whole' in deps ? deps.whole() : deps])
  return runPass(whole, options)
}
