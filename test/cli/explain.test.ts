// What is said of a task in each of its states: why it stands there, and who moves it next and when.
import { expect, test } from 'vitest'
import { explain } from '../../cli/explain.ts'
import { distance, duration, table } from '../../cli/words.ts'
import { later, type State, stateNames, states, stray, type TaskOverrides, taskRow } from '../setup/factory.ts'

const noon = new Date('2026-03-01T12:00:00.000Z')

const said = (state: State, overrides: TaskOverrides = {}, paused: Parameters<typeof explain>[0]['paused'] = null) =>
  explain({ task: taskRow({ at: noon, ...states[state], ...overrides }), history: [], paused }, noon).join('\n')

test.each<[State, string[]]>([
  [
    'pending',
    ['before step 1 of 3', 'Step 1 is to be submitted to replicate.', 'due since 2026-03-01 12:00:00 UTC (now)'],
  ],
  ['pending (redo)', ['Step 1 is to be submitted', 'the next pass moves it on']],
  ['submitting', ['claimed it 30 s ago', 'first pass after 2026-03-01 12:01:30 UTC (in 90 s)', 'given up at']],
  ['unconfirmed', ['searched for at replicate, never sent again', 'in 20 s']],
  ['running', ['was submitted to replicate 30 s ago', 'in 2 s', 'given up at 2026-03-01 12:59:30 UTC (in 59 min)']],
  ['storing', ['its output is being copied', 'in 60 s']],
  ['waiting_continue', ['its owner has not answered', 'continue, redo or cancel', '2026-03-08 12:00:00 UTC (in 7 d)']],
  ['completed', ['Every step is done', 'nobody moves it on']],
  ['failed', ['provider_failed: The model ran out of memory.', 'Only its owner moves it on, by redo.']],
  ['canceled', ['Its owner canceled it', 'nobody moves it on']],
  ['canceled while submitting', ['is canceled/submitting', 'its create may be on its way', 'in 90 s']],
  ['canceled while unconfirmed', ['searched for', 'in 20 s']],
])('%s: why, and what comes next', (state, sentences) => {
  for (const sentence of sentences) expect(said(state)).toContain(sentence)
})

test('no state is left without a word on who moves it next', () => {
  for (const state of stateNames) expect(said(state)).toMatch(/moves? it on|looks at it/)
})

test('a pause of the provider is why a step is not submitted', () => {
  const paused = { until: later(noon, 240), reason: 'Too many requests.' }
  expect(said('pending', {}, paused)).toContain(
    'replicate is paused until 2026-03-01 12:04:00 UTC (in 4 min): Too many requests.',
  )
  expect(said('running', {}, paused)).not.toContain('paused')
})

test('404s in a row, strays and an expired gate are told', () => {
  expect(said('running', { misses: 2 })).toContain('replicate did not know it 2 times in a row')
  expect(said('completed', { strays: [stray(), stray({ over: true })], due_at: noon })).toContain(
    'Passes cancel 1 unwanted prediction at',
  )
  expect(said('canceled', { error_code: 'gate_expired' })).toContain('gate_expired')
})

test('durations are told in the largest unit that fits twice', () => {
  expect([0, 1_400, 119_000, 120_000, 7_200_000, 172_800_000].map(duration)).toEqual([
    '0 s',
    '1 s',
    '119 s',
    '2 min',
    '2 h',
    '2 d',
  ])
  expect([later(noon, -90), noon, later(noon, 7_300)].map((at) => distance(at, noon))).toEqual([
    '90 s ago',
    'now',
    'in 2 h',
  ])
})

test('a table has its columns under their heads, one line a row', () => {
  expect(
    table(
      ['a', 'long head'],
      [
        ['wide cell', null],
        ['x', 'two\nlines'],
      ],
    ),
  ).toBe('a          long head\nwide cell\nx          two lines')
})

test('a prediction whose cancel was given up is named', () => {
  expect(said('canceled', { strays: [stray({ over: true, given_up: true })] })).toContain(
    'Nobody knows whether unwanted prediction',
  )
})
