// What a long command shows of its progress, on a terminal and in a log.
import { expect, test } from 'vitest'
import { openProgress } from '../../dev/progress.ts'

function watch(isTTY: boolean) {
  const written: string[] = []
  const clock = { ms: 0, done: 0 }
  const stream = { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 }
  const progress = openProgress({
    ...{ unit: 'schedules', total: 500, stream, now: () => clock.ms, done: () => clock.done },
  })
  const showAt = (ms: number, done: number) => {
    Object.assign(clock, { ms, done })
    progress.show()
  }
  return { written, progress, showAt }
}

test('a terminal shows one line: done, rate and time left', () => {
  const { written, progress, showAt } = watch(true)
  showAt(10_000, 100)
  showAt(10_100, 101)
  showAt(20_000, 400)
  progress.end()
  expect(written).toEqual([
    '\r\u001b[2K100 of 500 schedules (20 %), 10.0 a second, 40 s left',
    '\r\u001b[2K400 of 500 schedules (80 %), 20.0 a second, 5 s left',
    '\r\u001b[2K',
  ])
})

test('a log gets plain lines, and few', () => {
  const { written, progress, showAt } = watch(false)
  for (let second = 1; second <= 25; second += 1) showAt(second * 1_000, second)
  progress.end()
  expect(written).toEqual([
    '10 of 500 schedules (2 %), 1.0 a second, 8 min 10 s left\n',
    '20 of 500 schedules (4 %), 1.0 a second, 8 min 0 s left\n',
  ])
})

test('nothing done yet promises no time', () => {
  const { written, progress, showAt } = watch(true)
  showAt(3_000, 0)
  progress.end()
  expect(written[0]).toBe('\r\u001b[2K0 of 500 schedules (0 %), 0.0 a second')
})

test('what takes longer than a second is counted by the minute', () => {
  const { written, showAt } = watch(true)
  showAt(120_000, 5)
  expect(written[0]).toContain('5 of 500 schedules (1 %), 2.5 a minute, 198 min 0 s left')
})

test('the line is erased before something else is printed, and comes again', () => {
  const { written, progress, showAt } = watch(true)
  showAt(1_000, 1)
  progress.clear()
  showAt(2_000, 2)
  expect(written.map((text) => text === '\r\u001b[2K')).toEqual([false, true, false])
})
