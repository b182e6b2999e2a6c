import { expect, test } from 'vitest'
import { adviceFor, pollAfterMs } from '../../core/poll-advice.ts'
import type { Task } from '../../core/task.ts'
import { parseConfig } from '../../providers/config.ts'

const start = Date.UTC(2026, 0, 1)
const at = (seconds: number) => new Date(start + seconds * 1000)

function advice(seconds: number, isReported: boolean, over: Partial<Task> = {}): number {
  const task = { status: 'processing' as const, submitted_at: at(0), updated_at: at(0), ...over }
  return pollAfterMs(task, { stepSeconds: 20, isReported, now: at(seconds) })
}

/** The instants at which a page asks until it sees a step that is shown `ready` seconds after its submission. */
function polls(ready: number, isReported: boolean): number[] {
  const asked = [0]
  for (let last = 0; last < ready; ) {
    last += advice(last, isReported) / 1000
    asked.push(last)
  }
  return asked
}

test('pollAfterMs: a step of usual length is seen within a second or two of being ready, at a few polls', () => {
  expect(polls(20.5, true)).toEqual([0, 5, 12, 21])
  expect(polls(20.2, false)).toEqual([0, 2, 4, 6, 9, 13.5, 20.25])
})

test('pollAfterMs: a short step is not kept waiting for the usual time', () => {
  expect(polls(4, true)).toEqual([0, 5])
  expect(polls(4, false)).toEqual([0, 2, 4])
})

test('pollAfterMs: past the usual time polls come soon, then ever further apart, up to a minute', () => {
  expect([21, 25, 61, 900].map((seconds) => advice(seconds, true))).toEqual([2500, 4500, 22_500, 60_000])
  expect([21, 25].map((seconds) => advice(seconds, false))).toEqual([2000, 3000])
})

test('pollAfterMs: what waits for its turn is followed from the moment it began to wait', () => {
  const pending = { status: 'pending' as const, submitted_at: at(-300), updated_at: at(0) }
  expect(advice(1, true, pending)).toBe(5_000)
  expect(advice(0, true, { submitted_at: null, updated_at: at(2) })).toBe(5_000)
})

test('pollAfterMs: while a person thinks, half a minute', () => {
  expect(advice(1, true, { status: 'waiting_continue' })).toBe(30_000)
  expect(advice(1, false, { status: 'completed' })).toBe(30_000)
})

test('adviceFor: by the recipe, and as for a short step where the recipe is no longer here', () => {
  const config = parseConfig({})
  const recipes = new Map([['clip', { stepSeconds: 100 }]])
  const task = { status: 'processing' as const, submitted_at: at(0), updated_at: at(0) }
  const advised = (recipe: string, now: Date) => adviceFor({ config, recipes }, { ...task, recipe }, now)
  expect(advised('clip', at(50))).toBe(25_000)
  expect(advised('gone', at(20.5))).toBe(2_000)
})
