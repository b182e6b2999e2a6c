// Servers of tests: one of the test's own, which keeps nobody waiting because it ends with the worker; and one in a process of its own, until
// it serves. Benchmarks wait by it, too.
import type { ChildProcess } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Throws when the process ends before it serves, or doesn't answer within a minute. */
export async function untilServing(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`)
    const response = await fetch(`${url}/api/health`).catch(() => undefined)
    await response?.body?.cancel()
    if (response?.ok) return
    await pause(50)
  }
  throw new Error(`${url} does not answer`)
}
