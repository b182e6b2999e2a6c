// A process of nothing but the product, as a function's container is. container.ts starts it; it calls endpoints as it is told and reports
// what they answered and what that cost it.
import { checker } from '../../functions/checker.ts'
import { enter } from '../../functions/http/answer.ts'
import { worker } from '../../functions/worker.ts'
import { openDeps } from '../../netlify/runtime.ts'
import type { Call, Called } from './container.ts'

const endpoints = { worker, checker }
const deps = await openDeps()
const headers = { authorization: `Bearer ${deps.config.CRON_SECRET}` }

async function call({ endpoint, collect }: Call): Promise<Called> {
  const after: Promise<unknown>[] = []
  const context = { waitUntil: (work: Promise<unknown>) => void after.push(work) }
  const [started, cpuBefore] = [performance.now(), process.cpuUsage()]
  const answer = await enter(
    endpoints[endpoint],
    new Request(`http://bench.test/api/${endpoint}`, { headers }),
    deps,
    context,
  )
  const answered_ms = performance.now() - started
  await Promise.all(after)
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(cpuBefore)
  const fullest_rss = process.memoryUsage.rss()
  if (collect) globalThis.gc?.()
  const rss = process.memoryUsage.rss()
  const body = (await answer.json()) as Record<string, unknown>
  return { status: answer.status, body, answered_ms, ms, cpu_ms: (user + system) / 1000, fullest_rss, rss }
}

process.on('message', (message: Call) => {
  call(message).then(
    (called) => process.send?.(called),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send?.('ready')
