// Buttons as text: what is written is read back, it fits Telegram's 64 bytes, and nothing else is taken for one.
import { expect, test } from 'vitest'
import { buttonData, type Press, readButton } from '../../core/button.ts'

const task_id = 'ffffffff-ffff-4fff-bfff-ffffffffffff'
const buttons: Press[] = [
  { kind: 'continue', task_id, step: 1_000 },
  { kind: 'redo', task_id, step: 1_000, attempt: 1_000_000 },
  { kind: 'cancel', task_id },
  { kind: 'attempts', task_id, step: 1_000 },
  { kind: 'choose', task_id, step: 1_000, attempt: 1_000_000, file: 1_000 },
  { kind: 'results', task_id },
  { kind: 'delete' },
  { kind: 'keep' },
]

test.each(buttons)('a button of $kind is read as it was written, and fits', (button) => {
  const data = buttonData(button)
  expect(readButton(data)).toEqual(button)
  expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64)
})

test('what a button leaves out is the first', () => {
  expect(readButton(buttonData({ kind: 'choose', task_id }))).toEqual({
    ...{ kind: 'choose', task_id, step: 1, attempt: 1, file: 1 },
  })
})

const id = '_____________________w'
test.each([
  ...['', 'x', 'c', `c:${id}`, `c:${id}:0`, `c:${id}:1:1`, `c:${id}:1e3`, `c:${id}:12345678`, `c:${id}x:1`],
  ...['c:nonsense:1', `s:${id}:1`, 'd:1', `k:${id}`, `toString:${id}`],
])('%j is no button', (data) => {
  expect(readButton(data)).toBeUndefined()
})
