// What statements are told, as an object: its shape decides how long a request's memory is kept.
import { expect, test } from 'vitest'
import { causedBy } from '../../engine/journal.ts'
import { testClock } from '../setup/clock.ts'
import { useTestDeps } from '../setup/deps.ts'

const clock = testClock()
const app = await useTestDeps({ clock })

test('a statement is told the time and the memory as values, not by accessors', () => {
  const told = causedBy(app.deps, 'continue', { waitUntil: () => undefined })
  expect(told).toMatchObject({ by: 'continue', now: clock.now(), memory: expect.anything() })
  const accessors = Object.values(Object.getOwnPropertyDescriptors(told)).filter(({ get }) => get)
  expect(accessors).toEqual([])
})
