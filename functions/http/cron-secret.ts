// Who pings: worker, checker, recover and the details of health open to the cron secret alone.
import { AppError } from '../../core/errors.ts'
import type { Deps } from '../../engine/deps.ts'
import { isSecret } from '../../engine/keys.ts'
import { bearerOf } from './request.ts'

/** Throws `unauthenticated` (401), or `not_configured` (503) when this deployment has no secret to ask for. */
export function requireCron(request: Request, deps: Pick<Deps, 'config'>): void {
  if (!deps.config.CRON_SECRET) throw new AppError('not_configured', 'CRON_SECRET is not set (16 or more characters).')
  if (isCron(request, deps)) return
  throw new AppError('unauthenticated', 'Send the cron secret as Authorization: Bearer … or as ?key=….', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** Whether the request carries the cron secret; never without one. */
export function isCron(request: Request, { config }: Pick<Deps, 'config'>): boolean {
  const given = bearerOf(request) ?? new URL(request.url).searchParams.get('key') ?? ''
  return config.CRON_SECRET !== undefined && isSecret(given, config.CRON_SECRET)
}
