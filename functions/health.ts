// GET /api/health: 200 when the database answers, 503 when it doesn't. To the cron secret it tells how things stand.
import { AppError } from '../core/errors.ts'
import { ping } from '../db/reads.ts'
import { isCron } from './cron.ts'
import type { Deps, Room } from './deps.ts'
import { readStanding } from './figures.ts'
import { json, requireMethod } from './http.ts'

export const health: Room = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  return json({
    status: 'ok',
    ...(await answered(deps, () => (isCron(request, deps) ? details(deps) : ping(deps.db)))),
  })
}

async function details(deps: Deps) {
  const started = performance.now()
  const standing = await readStanding(deps)
  return { database: { answered_in_ms: Math.round(performance.now() - started) }, ...standing }
}

async function answered<T>(deps: Deps, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    deps.log.error({ err: cause }, 'health: the database does not answer')
    throw new AppError('unavailable', 'The database does not answer.', { cause })
  }
}
