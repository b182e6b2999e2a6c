// POST /api/session/end: the person signs out. The cookie is taken away, and every token of the session is refused from then on, in every
// instance.
import { endSessions } from '../db/statements/sessions.ts'
import type { Endpoint } from '../engine/deps.ts'
import { requireMethod } from './http/request.ts'
import { lastOf, noCookie, requireSession } from './http/users.ts'

export const sessionEnd: Endpoint = async (request, deps) => {
  requireMethod(request, 'POST')
  const asking = await requireSession(request, deps)
  const [key] = asking.session
  if (key) await endSessions(deps.db, [{ key, until: lastOf(deps, asking) }])
  return new Response(null, {
    status: 204,
    headers: {
      'cache-control': 'no-store',
      // The pictures that this browser has kept are theirs, not those of whoever signs in next.
      'clear-site-data': '"cache"',
      'set-cookie': noCookie(request, deps),
    },
  })
}
