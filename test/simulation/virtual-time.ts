// The function call that the running code belongs to, and its time: what the engine measures by the process's own clock (how long a
// pass or a copy has taken) is measured by the simulation's. Everything outside of a call keeps the real clock.
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
