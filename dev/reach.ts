// Servers in processes of their own: a port for one, and when it answers. Tests and benchmarks start many, at ports of their own.
import type { ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Below those that systems give to whoever asks for any: Linux begins at 32,768, others at 49,152. */
const ports = { first: 20_000, count: 12_000 }

/**
 * Of this machine's own address. It is free until somebody asks for just this one, so a server that is killed finds it again, however
 * many others begin meanwhile at a port that the system chooses.
 */
export async function freePort(): Promise<number> {
  const port = ports.first + randomInt(ports.count)
  const probe = createServer()
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return freePort()
  }
  await once(probe.close(), 'close')
  return port
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
