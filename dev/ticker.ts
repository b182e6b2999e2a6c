// Pings doors as an external cron would, and runs the scheduled ones; `npm start` uses it. It promises that no ping overlaps the one
// before it, and to say nothing while nothing happens.
import type { RouterLog } from './run.ts'

interface TickerOptions {
  urls: readonly string[]
  everyMs: number
  headers: Record<string, string>
  log: RouterLog
  /** The scheduled doors, if any; run every minute. */
  runScheduled?: (nextRun: Date) => Promise<void>
}

const minuteMs = 60_000
// A cron service gives up after this long.
const patienceMs = 30_000

export function startTicker(options: TickerOptions): { stop(): Promise<void> } {
  const { urls, everyMs, runScheduled } = options
  const stops = urls.map((url) => repeat(everyMs, () => ping(url, options)))
  if (runScheduled) stops.push(repeat(minuteMs, () => runScheduled(new Date(Date.now() + minuteMs))))
  return {
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()))
    },
  }
}

/** A turn that comes while the last one is still running is left out. The function it gives ends it, after the turn under way. */
function repeat(everyMs: number, turn: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= turn().finally(() => {
      running = undefined
    })
  }, everyMs)
  return async () => {
    clearInterval(timer)
    await running
  }
}

async function ping(url: string, { headers, log }: TickerOptions): Promise<void> {
  const { pathname } = new URL(url)
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(patienceMs) })
    const body: unknown = await response.json()
    if (!response.ok) log.error({ url: pathname, status: response.status, body }, 'a ping was refused')
    else if (isNews(body)) log.info({ url: pathname }, body.message)
  } catch (err) {
    log.error({ err, url: pathname }, 'a ping failed')
  }
}

/** Something was counted; a pass that only looked is no news. */
function isNews(body: unknown): body is { message: string } {
  if (typeof body !== 'object' || body === null || !('message' in body) || typeof body.message !== 'string')
    return false
  return Object.entries(body).some(([name, value]) => name !== 'duration_ms' && typeof value === 'number' && value > 0)
}
