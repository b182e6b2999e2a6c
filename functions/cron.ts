// Who pings: worker, checker, recover and the details of health open to the cron secret alone.
import { createHash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Deps } from './deps.ts'
import { bearerOf } from './users.ts'

/** Throws `unauthenticated` (401), or `not_configured` (503) when this deployment has no secret to ask for. */
export function requireCron(request: Request, deps: Deps): void {
  const secret = deps.config.CRON_SECRET
  if (!secret) throw new AppError('not_configured', 'CRON_SECRET is not set (16 or more characters).')
  const given = bearerOf(request) ?? new URL(request.url).searchParams.get('key') ?? ''
  if (timingSafeEqual(digest(given), digest(secret))) return
  throw new AppError('unauthenticated', 'Send the cron secret as Authorization: Bearer … or as ?key=….', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Digests are of one length whatever was sent, so that the comparison's time tells nothing of the secret. */
function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}
