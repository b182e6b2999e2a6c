// POST /api/session: a person without an account becomes a user, as a token and as a cookie; a known one is extended. A user who has
// signed in with an identity provider keeps its token, and loses the cookie of the time before.
import { AppError } from '../core/errors.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { requireHuman } from './http/human-check.ts'
import { bearerOf, json, requireMethod } from './http/request.ts'
import { isForeign, noCookie, openSession, ownSession, requireSession, sessionCookie } from './http/users.ts'

export const session: Endpoint = async (request, deps) => {
  requireMethod(request, 'POST')
  if (!deps.config.ANONYMOUS_SESSIONS) {
    throw new AppError('not_found', 'Anonymous sessions are switched off here; sign in with the app around this page.')
  }
  if (deps.config.AUTH_JWKS_URL && isForeign(request, deps)) return signedIn(request, deps)
  // A good session keeps its user, so that a page may ask at every visit; an expired or foreign one starts a new user.
  const known = await ownSession(request, deps)
  if (!known) await requireHuman(request, deps)
  const opened = await openSession(deps, known?.user_id ?? deps.newId(), known?.sid)
  return json({ ...opened, telegram: hasBot(deps) }, 201, { 'set-cookie': sessionCookie(request, deps, opened) })
}

async function signedIn(request: Request, deps: Deps): Promise<Response> {
  const { user_id, until } = await requireSession(request, deps)
  const known = { user_id, token: bearerOf(request), expires_at: until.toISOString(), telegram: hasBot(deps) }
  return json(known, 201, { 'set-cookie': noCookie(request, deps) })
}

/** Told with what every visitor asks first, so that a page without a bot asks no more about it. */
const hasBot = ({ config }: Deps): boolean => config.TELEGRAM_BOT_TOKEN !== undefined
