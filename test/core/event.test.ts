// How long a delivery waits, and what is made of a row that jsonb tells.
import { expect, test } from 'vitest'
import { giveUpSeconds, pauseSeconds, toldTask } from '../../core/event.ts'

const [early, late] = ['00000000-0000-4000-8000-000000000000', '00000000-0000-4000-8000-00000000ffff']

test('pauses grow, and are at most a tenth longer for one event than for another', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 90].map((tries) => pauseSeconds(tries, early))
  expect(pauses).toEqual([5, 30, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 36_000])
  expect(pauseSeconds(1, late)).toBe(5.5)
  expect(pauseSeconds(0, early)).toBe(5)
})

test('three days hold a dozen tries, and a receiver that says when is asked no sooner', () => {
  let at = 0
  let tries = 0
  for (; at <= giveUpSeconds; tries += 1) at += pauseSeconds(tries + 1, late)
  expect(tries).toBe(12)
  expect(pauseSeconds(1, early, 120)).toBe(120)
  expect(pauseSeconds(3, early, 120)).toBe(300)
})

test('instants of a told row are instants, and what it has not stays null', () => {
  const task = toldTask({ id: 'one', created_at: '2026-03-01T12:00:00.123456+00:00', finished_at: null })
  expect(task).toMatchObject({
    id: 'one',
    created_at: new Date('2026-03-01T12:00:00.123Z'),
    finished_at: null,
    due_at: null,
  })
})
