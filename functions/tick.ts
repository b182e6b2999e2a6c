// The platform's own schedule, every minute: the same as a ping, so that a fresh deployment moves before any cron is set up.
import type { Room } from './deps.ts'
import { json } from './http.ts'
import { ping } from './ping.ts'

export const tick: Room = async (_request, deps, context) => {
  const { nextDueAt: _, ...counts } = await ping(deps, context)
  return json(counts)
}
