// The doors' own rate limits on a server of our own: Netlify reads them from the same literals. router.ts asks before it runs a door.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Door } from '../build/doors.ts'
import { AppError } from '../core/errors.ts'
import { problem } from '../functions/http/request.ts'

/** The answer to an address that asks too often; undefined lets the request through. */
type AskLimit = (door: Door, ip: string) => Promise<Response | undefined>

/** In this process's memory, by the client's address: several servers behind one address allow as many times as much. */
export function openRateLimits(doors: readonly Door[]): AskLimit {
  const limits = new Map(doors.flatMap((door) => limiterOf(door) ?? []))
  return async ({ name }, ip) => {
    try {
      await limits.get(name)?.consume(ip)
      return undefined
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      const seconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1000))
      const words = `Too many requests from your address. Try again in ${seconds} s.`
      return problem(new AppError('rate_limited', words, { headers: { 'retry-after': String(seconds) } }))
    }
  }
}

function limiterOf({ name, config: { rateLimit } }: Door): [string, RateLimiterMemory][] | undefined {
  const { windowLimit, windowSize = 60 } = rateLimit ?? {}
  if (windowLimit === undefined) return undefined
  return [[name, new RateLimiterMemory({ points: windowLimit, duration: windowSize })]]
}
