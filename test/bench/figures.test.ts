// What the benchmark makes of its rounds: medians, quantiles, and goals that are met or missed.
import { expect, test } from 'vitest'
import { median, quantile } from '../../bench/numbers.ts'
import { goalsOf, summarize, tableOf } from '../../bench/side/figures.ts'
import type { Round } from '../../bench/side/round.ts'

const round = (engine: Round['engine'], change: Partial<Round> = {}): Round => ({
  engine,
  tasksPerSecond: 100,
  statementsPerTask: 13,
  framesPerTask: 0,
  walBytesPerTask: 10_000,
  engineCpuMsPerTask: 5,
  postgresCpuMsPerTask: 5,
  harnessCpuMsPerTask: 1,
  peakMegabytes: 200,
  looksPerTask: 6,
  waits: [10, 20, 30],
  ...change,
})
const summary = (engine: Round['engine'], change?: Partial<Round>) => summarize(engine, [round(engine, change)])
const verdicts = (...summaries: ReturnType<typeof summary>[]) => goalsOf(summaries).map(({ isMet }) => isMet)

test('a quantile lies between the two nearest values', () => {
  expect(quantile([5, 3, 1, 4, 2], 0.5)).toBe(3)
  expect(median([4, 1])).toBe(2.5)
  expect(quantile([0, 10], 0.25)).toBe(2.5)
  expect(quantile([7], 0.99)).toBe(7)
})

test('an engine is summed up by the median of its rounds, with the least and the most', () => {
  const rounds = [90, 100, 400].map((tasksPerSecond) => round('absurd', { tasksPerSecond }))
  expect(summarize('absurd', rounds).tasksPerSecond).toEqual({ median: 100, least: 90, most: 400 })
})

test('goals are met by ratios alone', () => {
  const own = summary('stepgate', { tasksPerSecond: 500, waits: [5] })
  expect(
    verdicts(own, summary('absurd', { statementsPerTask: 20 }), summary('floor', { tasksPerSecond: 1_000 })),
  ).toEqual([true, true, true, true])
})

test('the best peer counts, and frames of transactions are statements too', () => {
  const own = summary('stepgate', { statementsPerTask: 12, framesPerTask: 2, tasksPerSecond: 400 })
  const peers = [summary('dbos', { waits: [90] }), summary('absurd', { tasksPerSecond: 99, waits: [4] })]
  expect(verdicts(own, ...peers, summary('floor', { tasksPerSecond: 900 }))).toEqual([false, false, false, false])
})

test('without a peer and a floor no goal is met', () => {
  expect(verdicts(summary('stepgate'))).toEqual([false, false, false, false])
})

test('the table shows transaction frames after a plus, where there are any', () => {
  const table = tableOf([summary('stepgate'), summary('dbos', { framesPerTask: 6 })])
  expect(table).toContain('| stepgate | 100 (100–100) | 13.0 (13.0–13.0) |')
  expect(table).toContain('| dbos | 100 (100–100) | 13.0 (13.0–13.0) + 6.00 |')
})
