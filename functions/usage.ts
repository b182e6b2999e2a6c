// GET /api/usage: what a user has spent today and this month, and what is left.
import type { Usage } from '../core/answers.ts'
import { readSpent } from '../db/statements/usage.ts'
import { ceilingsOf, endOfDay, leftOf } from '../engine/budget.ts'
import type { Endpoint } from '../engine/deps.ts'
import { json, requireMethod } from './http/request.ts'
import { requireUser } from './http/users.ts'

export const usage: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD')
  const user_id = await requireUser(request, deps)
  const spent = await readSpent(deps.db, { user_id, now: deps.now?.() })
  const ceilings = ceilingsOf(deps)
  const body: Usage = {
    day: {
      spent_micros: spent.user - spent.reserved,
      reserved_micros: spent.reserved,
      limit_micros: ceilings.user,
      left_micros: leftOf(ceilings, spent),
      resets_at: endOfDay(spent.at).toISOString(),
    },
    month: { spent_micros: spent.month },
    spending: spent.stopped ? 'stopped' : 'allowed',
  }
  return json(body)
}
