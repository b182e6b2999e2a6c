// How much memory this process takes, and may take: in the log, in the history and in health.
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Memory } from '../core/history.ts'

const toMb = (bytes: number) => Math.round(bytes / 2 ** 20)

/** Asking the system for it takes as long as some of what it is noted beside. */
const freshMs = 100
let known: { at: number; memory: Memory } | undefined

export function readMemory(): Memory {
  const at = performance.now()
  if (!known || at - known.at > freshMs) {
    const { rss, heapUsed } = process.memoryUsage()
    known = { at, memory: { rss_mb: toMb(rss), heap_mb: toMb(heapUsed) } }
  }
  return known.memory
}

/** What the process may take as a whole, and its heap alone. */
export function readMemoryLimits(): { limit_mb: number; heap_limit_mb: number } {
  // Without a limit of its own, a process is told none or an absurd one.
  const limit = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem())
  return { limit_mb: toMb(limit), heap_limit_mb: toMb(getHeapStatistics().heap_size_limit) }
}
