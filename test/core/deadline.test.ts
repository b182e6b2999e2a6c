// Work that takes longer than it may is given up, or goes on without whoever waited for it.
import { expect, test } from 'vitest'
import { endsWithin, withDeadline } from '../../core/deadline.ts'

const never = () => new Promise<never>(() => undefined)

test('withDeadline() gives what the work gives, or throws what it throws', async () => {
  await expect(withDeadline(60_000, async () => 'done')).resolves.toBe('done')
  await expect(withDeadline(60_000, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
})

test('withDeadline() throws a TimeoutError and fires its signal, whether the work heeds it or not', async () => {
  let told: AbortSignal | undefined
  const late = withDeadline(1, (signal) => {
    told = signal
    return never()
  })
  await expect(late).rejects.toMatchObject({ name: 'TimeoutError', message: 'Longer than 1 ms' })
  expect(told?.aborted).toBe(true)
})

test('endsWithin() is true of what ends first, false of what does not, and throws what the work throws', async () => {
  await expect(endsWithin(60_000, Promise.resolve())).resolves.toBe(true)
  await expect(endsWithin(1, never())).resolves.toBe(false)
  await expect(endsWithin(60_000, Promise.reject(new Error('broken')))).rejects.toThrow('broken')
})

test('endsWithin() waits by the clock that it is given, and lets go of it', async () => {
  const waits: [ms: number, signal: AbortSignal][] = []
  const wait = (...told: [number, AbortSignal]) => {
    waits.push(told)
    return told[0] > 10 ? never() : Promise.resolve()
  }
  expect(await endsWithin(10, never(), wait)).toBe(false)
  expect(await endsWithin(20, Promise.resolve(), wait)).toBe(true)
  expect(waits.map(([ms, { aborted }]) => [ms, aborted])).toEqual([
    [10, true],
    [20, true],
  ])
})
