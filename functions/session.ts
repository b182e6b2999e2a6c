// POST /api/session: a person without an account becomes a user, as a token and as a cookie; a known one is extended.
import { AppError } from '../core/errors.ts'
import type { Endpoint } from '../engine/deps.ts'
import { requireHuman } from './http/human-check.ts'
import { json, requireMethod } from './http/request.ts'
import { openSession, ownUser, sessionCookie } from './http/users.ts'

export const session: Endpoint = async (request, deps) => {
  requireMethod(request, 'POST')
  if (!deps.config.ANONYMOUS_SESSIONS) {
    throw new AppError('not_found', 'Anonymous sessions are switched off here; sign in with the app around this page.')
  }
  // A good session keeps its user, so that a page may ask at every visit; an expired or foreign one starts a new user.
  const known = await ownUser(request, deps)
  if (!known) await requireHuman(request, deps)
  const opened = await openSession(deps, known ?? deps.newId())
  return json(opened, 201, { 'set-cookie': sessionCookie(request, deps, opened) })
}
