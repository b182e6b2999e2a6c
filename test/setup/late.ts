// A deadline that passes as soon as what it bounds is held up, for tests of what becomes of work that takes too long. By the real
// clock, a slow machine would make the same work late before it had reached what is to hold it up, or after.
import { setTimeout as pause } from 'node:timers/promises'
import { vi } from 'vitest'

/**
 * Runs `work`, which sets a timer of `ms`. Once that is set and `isHeld`, its time is over. Timers that are set afterwards, and all of
 * another length, go by the real clock.
 */
export async function runLate<T>(
  ms: number | ((ms: number) => boolean),
  isHeld: () => unknown,
  work: () => Promise<T>,
): Promise<T> {
  const started: { timer: NodeJS.Timeout; ring: () => void }[] = []
  const setReally = globalThis.setTimeout
  const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((
    ring: (...args: unknown[]) => void,
    after?: number,
    ...args: unknown[]
  ) => {
    const timer = setReally(ring, after, ...args)
    if (typeof ms === 'number' ? after === ms : ms(after ?? 0)) started.push({ timer, ring: () => ring(...args) })
    return timer
  }) as typeof setTimeout)
  try {
    const working = { isOver: false }
    const worked = work().finally(() => {
      working.isOver = true
    })
    worked.catch(() => undefined)
    while (!working.isOver && (started.length === 0 || !(await isHeld()))) await pause(5)
    for (const { timer, ring } of started) {
      clearTimeout(timer)
      ring()
    }
    return await worked
  } finally {
    spy.mockRestore()
  }
}
