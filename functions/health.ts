// GET /api/health: 200 when the database answers, 503 when it doesn't.
import { AppError } from '../core/errors.ts'
import { ping } from '../db/reads.ts'
import type { Room } from './deps.ts'
import { json, requireMethod } from './http.ts'

export const health: Room = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  try {
    await ping(deps.db)
  } catch (cause) {
    deps.log.error({ err: cause }, 'health: the database does not answer')
    throw new AppError('unavailable', 'The database does not answer.', { cause })
  }
  return json({ status: 'ok' })
}
