// POST /api/webhook/{provider}: a provider reports on one attempt. It only makes faster what passes do anyway: the
// attempt is adopted if our own answer was lost, a failure is written, and a result is copied and shown.

import { decideLook } from '../core/decide.ts'
import { AppError } from '../core/errors.ts'
import type { Provider } from '../core/provider.ts'
import { recordLooks } from '../db/statements/record-results.ts'
import { clockOf, type Deps, type Room } from '../engine/deps.ts'
import { adopt, type Heard, lookNow, store, write } from '../engine/record-report.ts'
import { recipeOf } from '../engine/require-recipe.ts'
import { endsWithin } from '../engine/wake.ts'
import { requireAttempt } from '../engine/webhook-url.ts'
import { json, requireMethod } from './http/request.ts'

/** Providers are answered within a second; most results are copied and shown by then. */
const answerMs = 700

export const webhook: Room = async (request, deps, context) => {
  requireMethod(request, 'POST')
  const provider = requireProvider(request, deps)
  // First, because it needs no one else: a stranger's call ends here, and has no key fetched for it.
  const attempt = requireAttempt(request, deps, provider.name)
  const report = await provider.readWebhook(request.headers, await request.text(), clockOf(deps), attempt.model)
  const heard: Heard = { deps, context, attempt, report }
  const { observation } = report
  if (observation.kind === 'running') {
    await adopt(heard)
    if (report.withheld) await lookNow(heard)
  } else {
    const never = { submitted_at: null, deadline_at: null, misses: 0 }
    const outcome = decideLook(observation, never, recipeOf(deps, attempt), clockOf(deps))
    if (outcome?.kind === 'failed') await write(heard, recordLooks, outcome)
    if (outcome?.kind === 'succeeded') await storeInTime(heard, outcome.output)
  }
  return json({ message: 'Thank you' })
}

function requireProvider(request: Request, deps: Deps): Provider {
  const name = new URL(request.url).pathname.replace(/\/$/, '').split('/').at(-1) ?? ''
  const provider = deps.providers.get(name)
  if (!provider) throw new AppError('not_found', `There is no provider ${name} here.`)
  return provider
}

/**
 * Shows the result, which tells the row all there is, before the answer if it can. Nobody reports it again: what takes longer,
 * or fails, may die on its way, so the attempt is at least told its prediction before the answer, and looks do the rest.
 */
async function storeInTime(heard: Heard, output: string[]): Promise<void> {
  const { deps, context, attempt } = heard
  const stored = store(heard, output).then(
    () => true,
    (error) => {
      deps.log.error({ err: error, task: attempt.id }, 'webhook result was not stored')
      return false
    },
  )
  context.waitUntil(stored)
  const isDone = (await endsWithin(deps, answerMs, stored)) && (await stored)
  if (!isDone) await adopt(heard)
}
