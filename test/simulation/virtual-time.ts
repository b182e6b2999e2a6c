// The function call that the running code belongs to, and its time: what is measured and put off by the process's own clock (how long a pass
// or a copy has taken, how long a store is waited for) goes by the simulation's. Everything outside of a call keeps the real clock.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Activity } from './activity.ts'

export const currentCall = new AsyncLocalStorage<Activity>()

export function requireCall(): Activity {
  const call = currentCall.getStore()
  if (call) return call
  throw new Error('this belongs to no function call')
}

const realNow = performance.now.bind(performance)
performance.now = () => currentCall.getStore()?.elapsedMs() ?? realNow()

/** What `setTimeout` gives within a call. */
class VirtualTimeout {
  readonly cancel: () => void
  constructor(cancel: () => void) {
    this.cancel = cancel
  }

  ref = () => this
  unref = () => this
}

const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis

function later(fire: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) {
  const call = currentCall.getStore()
  if (!call) return realTimeout(fire, ms, ...given)
  return new VirtualTimeout(call.later(ms, () => currentCall.run(call, fire, ...given)))
}

// Node's own says how it becomes a promise.
globalThis.setTimeout = Object.assign(later, realTimeout) as unknown as typeof setTimeout
globalThis.clearTimeout = (timer) => (timer instanceof VirtualTimeout ? timer.cancel() : realClear(timer))
