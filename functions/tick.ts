// The platform's own schedule, every minute: the same as a ping, so that a fresh deployment moves before any cron is set up.
import type { PingEndpoint } from '../engine/deps.ts'
import { ping } from './http/ping.ts'
import { json } from './http/request.ts'

/** A scheduled function lives half as long as others: a create that it begins must be answered and written within 30 s. */
const tickSeconds = 8
const tickEndSeconds = 24

export const tick: PingEndpoint = async (_request, deps, context) => {
  const { nextDueAt: _, ...counts } = await ping(deps, context, {
    by: 'tick',
    seconds: tickSeconds,
    endSeconds: tickEndSeconds,
  })
  return json(counts)
}
