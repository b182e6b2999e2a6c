// What is said of a task in each of its states: why it stands there, and who moves it next and when.
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { type Around, explain, moveWords } from '../../cli/explain.ts'
import { distance, duration, table } from '../../cli/words.ts'
import { later, type State, stateNames, states, stray, type TaskOverrides, taskRow } from '../setup/factory.ts'

const noon = new Date('2026-03-01T12:00:00.000Z')

interface Scene extends Partial<Around> {
  paused?: Parameters<typeof explain>[0]['paused']
  in_flight?: number
  stopped?: boolean
  webhooks?: Parameters<typeof explain>[0]['webhooks']
}

const unheard = { accepted_at: null, refused: 0, refused_at: null, last_reason: null }

function said(state: State, overrides: TaskOverrides = {}, scene: Scene = {}): string {
  const { paused = null, in_flight = 0, stopped = false, webhooks = unheard, cap, pinged_at } = scene
  const task = taskRow({ at: noon, ...states[state], ...overrides })
  return explain({ task, history: [], paused, in_flight, stopped, webhooks }, noon, { cap, pinged_at }).join('\n')
}

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
  for (const state of stateNames) expect(said(state)).toMatch(/moves? it on|checks it/)
})

test('a pause of the provider is why a step is not submitted', () => {
  const paused = { until: later(noon, 240), reason: 'Too many requests.' }
  const words = said('pending', { due_at: later(noon, -7_200) }, { paused, pinged_at: null })
  expect(words).toContain('replicate is paused until 2026-03-01 12:04:00 UTC (in 4 min): Too many requests.')
  expect(words).toContain('npm run tasks -- resume replicate ends the pause now')
  expect(words).not.toMatch(/due since|ping/)
  expect(said('running', {}, { paused })).not.toContain('paused')
})

test('spending that is stopped is why a step is not submitted, whatever else holds it back', () => {
  const paused = { until: later(noon, 240), reason: 'Too many requests.' }
  const words = said('pending', { due_at: later(noon, -7_200) }, { stopped: true, paused, pinged_at: later(noon, -40) })
  expect(words).toContain('Spending is stopped: no step begins. The first pass after npm run tasks -- allow-spending')
  expect(words).not.toMatch(/due since|[Pp]ings|paused/)
  expect(said('running', {}, { stopped: true })).not.toContain('Spending')
})

test('a cap whose slots are all taken is why a step is not submitted, and no ping is blamed', () => {
  const due_at = later(noon, -7_200)
  const full = said('pending', { due_at }, { cap: 2, in_flight: 2, pinged_at: null })
  expect(full).toContain('All 2 slots of replicate are taken: the first pass after one is free submits it.')
  expect(full).not.toMatch(/due since|[Nn]o ping/)
  expect(said('pending', { due_at }, { cap: 2, in_flight: 1 })).toContain('due since')
})

test.each<[string, Date | null | undefined, string]>([
  ['none came since', later(noon, -8_000), 'No ping has come since then; the last came 2 h ago.'],
  ['none is on record', null, 'No ping is on record: set one up'],
  ['they came', later(noon, -40), 'Pings come, the last 40 s ago, so passes leave it or fail: the log says why.'],
  ['that is not known', undefined, 'Whether pings come is not known here: npm run doctor.'],
])('pings are blamed for work that stays only if they do not come: %s', (_name, pinged_at, sentence) => {
  expect(said('running', { due_at: later(noon, -7_200) }, { pinged_at })).toContain(sentence)
  expect(said('running', { due_at: later(noon, -30) }, { pinged_at })).not.toMatch(/[Pp]ings? (is|come|has)/)
})

test('webhooks that are refused are named, until one is accepted again', () => {
  const webhooks = {
    ...{ accepted_at: later(noon, -7_200).toISOString(), refused: 4, refused_at: later(noon, -60).toISOString() },
    last_reason: 'The webhook is refused: webhook-signature does not fit the body.',
  }
  const words = said('running', {}, { webhooks })
  expect(words).toContain("replicate's webhooks are refused: 4 in all, the last 60 s ago")
  expect(words).toContain('webhook-signature does not fit the body')
  expect(words).toContain('REPLICATE_WEBHOOK_SECRET')
  expect(said('completed', {}, { webhooks })).not.toContain('webhook')
  const mended = { ...webhooks, accepted_at: later(noon, -30).toISOString() }
  expect(said('running', {}, { webhooks: mended })).not.toContain('webhook')
})

test('what a throttled create put off waits for the pause, and is submitted rather than checked', () => {
  const put_off = { due_at: later(noon, 300) }
  const words = said('pending', put_off, { paused: { until: later(noon, 300), reason: 'Slow down.' } })
  expect(words).toContain('replicate is paused until')
  expect(words).toContain('npm run tasks -- resume replicate')
  expect(said('pending', put_off)).toMatch(/The first pass after .* submits it/)
})

test('a prediction that was found is not called submitted, in no move of the history', () => {
  expect(moveWords({ move: 'created', was: 'processing/submitting', by: 'worker' })).toContain('accepted')
  expect(moveWords({ move: 'created', was: 'processing/unconfirmed', by: 'worker' })).toContain('found in')
  expect(moveWords({ move: 'created', was: 'processing/unconfirmed', by: 'webhook' })).toContain('webhook named')
})

test('each move that a statement writes has its words', async () => {
  const folder = new URL('../../db/statements/', import.meta.url)
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(new URL(file, folder), 'utf8')))
  const source = texts.join('\n')
  const kinds = [...source.matchAll(/kind in \(([^)]+)\)/g)].flatMap(([, list = '']) => list.split(', '))
  const moves = [
    ...[...source.matchAll(/('\w+') as did/g)].map(([, name = '']) => name),
    ...kinds,
    ...['claimed', 'ran_out', 'expired', 'continued', 'redone', 'canceled'].map((name) => `'${name}'`),
  ]
    .map((name) => name.slice(1, -1))
    // Notes, which move nothing.
    .filter((name) => !['answered', 'unanswered', 'postponed', 'missing'].includes(name))
  expect(moves.length).toBeGreaterThan(12)
  expect(moves.filter((move) => !moveWords({ move, was: null, by: null }))).toEqual([])
})

test('checks that the provider left without an answer are told, and no ping is blamed for them', () => {
  const unanswered = { unanswered_since: later(noon, -1_200), unanswered_reason: 'no answer within 10 s' }
  const words = said('running', { unanswered: 3, checked_at: noon, ...unanswered }, { pinged_at: noon })
  expect(words).toContain('3 checks since 2026-03-01 11:40:00 UTC (20 min ago), none answered: no answer within 10 s.')
  expect(words).not.toMatch(/ping comes|not over/)
  expect(said('running', { checked_at: later(noon, -5) })).toContain('not over at the last check, 5 s ago')
  expect(said('running')).toContain('No pass has checked it yet.')
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
