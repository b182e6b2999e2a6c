// Triggers passes. The code of a pass is loaded with the first one, because most requests have none to run. Endpoints call triggerPass()
// for their own task, pings call runPassLate() for everything.
import type { Deps, EndpointContext, LightDeps } from './deps.ts'
import type { PassOptions, PassResult } from './pass-result.ts'

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
