// GET /api/health: 200 when the database answers, 503 when it doesn't. To the cron secret it tells how things stand.
import { AppError } from '../core/errors.ts'
import { ping } from '../db/statements/reads.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { readStanding } from '../engine/standing.ts'
import { isCron } from './http/cron-secret.ts'
import { json, requireMethod } from './http/request.ts'

export const health: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  try {
    return json({ status: 'ok', ...(isCron(request, deps) ? await details(deps) : await nothing(deps)) })
  } catch (cause) {
    deps.log.error({ err: cause }, 'health: the database does not answer')
    throw new AppError('unavailable', 'The database does not answer.', { cause })
  }
}

async function nothing(deps: Deps): Promise<object> {
  await ping(deps.db)
  return {}
}

async function details(deps: Deps): Promise<object> {
  const started = performance.now()
  const standing = await readStanding(deps)
  return { database: { answered_in_ms: Math.round(performance.now() - started) }, ...standing }
}
