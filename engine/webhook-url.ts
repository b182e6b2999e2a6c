// The address at which a provider reports on one attempt. Providers sign their bodies, not our URLs, so the URL carries a
// MAC of its own: whoever calls it was told this attempt by us.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Held } from '../core/task.ts'
import type { Deps } from './deps.ts'

/** An open attempt, the recipe that says how its output is to be stored, and the model that it asked the provider for. */
export interface Reported extends Held {
  recipe: string
  model: string
}

export function webhookUrl(deps: Deps, provider: string, held: Reported): string {
  const query = new URLSearchParams({
    task: held.id,
    step: String(held.step),
    attempt: String(held.attempt),
    claim: held.claim_token,
    recipe: held.recipe,
    model: held.model,
    mac: mac(deps, provider, held),
  })
  return `${deps.config.PUBLIC_URL}/api/webhook/${provider}?${query}`
}

/** The attempt that a webhook call speaks of. Throws `bad_signature` when the URL isn't one of ours. */
export function requireAttempt(request: Request, deps: Deps, provider: string): Reported {
  const query = new URL(request.url).searchParams
  const held: Reported = {
    id: query.get('task') ?? '',
    step: Number(query.get('step')),
    attempt: Number(query.get('attempt')),
    claim_token: query.get('claim') ?? '',
    recipe: query.get('recipe') ?? '',
    model: query.get('model') ?? '',
  }
  const given = Buffer.from(query.get('mac') ?? '')
  const expected = Buffer.from(mac(deps, provider, held))
  if (given.length === expected.length && timingSafeEqual(given, expected)) return held
  throw new AppError('bad_signature', 'This webhook address was not made here, or was changed.')
}

function mac(deps: Deps, provider: string, held: Reported): string {
  const secret = deps.config.SESSION_SECRET
  if (!secret) throw new AppError('not_configured', 'SESSION_SECRET is not set (32 or more characters).')
  const { id, step, attempt, claim_token, recipe, model } = held
  const text = ['webhook', provider, id, step, attempt, claim_token, recipe, model].join('\n')
  return createHmac('sha256', secret).update(text).digest('base64url')
}
