// The platform's own schedule, every minute: the same as a ping, so that a fresh deployment moves before any cron is set up.
import { clockOf, type PingEndpoint } from '../engine/deps.ts'
import { ping } from './http/ping.ts'
import { json } from './http/request.ts'

/** Once an hour, where nobody pings recover. */
const sweepMinute = 17

/** A scheduled function lives half as long as others: a create that it begins must be answered and written within 30 s. */
const tickSeconds = 8
const tickEndSeconds = 24

export const tick: PingEndpoint = async (_request, deps, context) => {
  if (clockOf(deps).getUTCMinutes() === sweepMinute) {
    context.waitUntil(import('../engine/sweep.ts').then(({ sweepUploads }) => sweepUploads(deps)))
  }
  const { nextDueAt: _, ...counts } = await ping(deps, context, {
    by: 'tick',
    seconds: tickSeconds,
    endSeconds: tickEndSeconds,
  })
  return json(counts)
}
