import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type PollOptions, poll } from '../../web/poll.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** How often it looked within `seconds`, where the advice is always two seconds. */
async function looksWithin(seconds: number, options: PollOptions = {}): Promise<number> {
  const leaving = new AbortController()
  let looks = 0
  const look = () => {
    looks += 1
    return Promise.resolve({ nextMs: 2_000 })
  }
  const polling = poll(look, { ...options, signal: leaving.signal }).next()
  await vi.advanceTimersByTimeAsync(seconds * 1000 - 1)
  leaving.abort()
  expect(await polling).toEqual({ done: true, value: undefined })
  return looks
}

test('poll: as often as advised', async () => {
  expect(await looksWithin(60)).toBe(30)
})

test('poll: seldom while nobody looks, and at once when somebody does again', async () => {
  expect(await looksWithin(60, { isHidden: () => true })).toBe(2)
  let isHidden = true
  const onWake = (wake: () => void) => {
    const timer = setTimeout(() => {
      isHidden = false
      wake()
    }, 10_000)
    return () => clearTimeout(timer)
  }
  expect(await looksWithin(20, { isHidden: () => isHidden, onWake })).toBe(6)
})

test('poll: what waiting does not mend ends it, and the trouble before it', async () => {
  const faults = [Object.assign(new Error('busy'), { isPassing: true }), new RangeError('a bug')]
  const troubles: unknown[] = []
  const look = () => Promise.reject(faults.shift())
  const ended = expect(poll(look, { onTrouble: (trouble) => troubles.push(trouble?.tries) }).next()).rejects
  const thrown = ended.toThrow('a bug')
  await vi.advanceTimersByTimeAsync(1_000)
  await thrown
  expect(troubles).toEqual([1, undefined])
})

test('poll: a server that names a time is not asked before', async () => {
  const busy = Object.assign(new Error('busy'), { isPassing: true, retryAfterMs: 40_000 })
  let looks = 0
  const look = () => {
    looks += 1
    return looks === 1 ? Promise.reject(busy) : Promise.resolve({ value: 'there' })
  }
  const first = poll(look, {}).next()
  await vi.advanceTimersByTimeAsync(39_999)
  expect(looks).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(await first).toEqual({ done: false, value: 'there' })
})
