// From rounds to a table: medians with their spread, and the goals, which are ratios within the same run.
import { type Figure, figureOf, quantile } from '../numbers.ts'
import { type EngineName, peers } from './engines.ts'
import type { Round } from './round.ts'

export interface Summary {
  engine: EngineName
  tasksPerSecond: Figure
  statements: Figure
  frames: Figure
  walKilobytes: Figure
  p50: Figure
  p99: Figure
  engineCpuMs: Figure
  postgresCpuMs: Figure
  peakMegabytes: Figure
}

export interface Goal {
  what: string
  isMet: boolean
  figures: string
}

export function summarize(engine: EngineName, rounds: readonly Round[]): Summary {
  const of = (read: (round: Round) => number) => figureOf(rounds.map(read))
  return {
    engine,
    tasksPerSecond: of((round) => round.tasksPerSecond),
    statements: of((round) => round.statementsPerTask),
    frames: of((round) => round.framesPerTask),
    walKilobytes: of((round) => round.walBytesPerTask / 1000),
    p50: of(({ waits }) => quantile(waits, 0.5)),
    p99: of(({ waits }) => quantile(waits, 0.99)),
    engineCpuMs: of((round) => round.engineCpuMsPerTask),
    postgresCpuMs: of((round) => round.postgresCpuMsPerTask),
    peakMegabytes: of((round) => round.peakMegabytes),
  }
}

const short = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))
const shown = ({ median, least, most }: Figure) => `${short(median)} (${short(least)}–${short(most)})`

/** A Markdown table; each cell is the median of the rounds, and in brackets the least and the most of them. */
export function tableOf(summaries: readonly Summary[]): string {
  const head = [
    'engine',
    'tasks/s',
    'statements',
    'WAL kB',
    'p50 ms',
    'p99 ms',
    'engine CPU ms',
    'Postgres CPU ms',
    'peak MB',
  ]
  const rows = summaries.map((one) => [
    one.engine,
    shown(one.tasksPerSecond),
    `${shown(one.statements)}${one.frames.median >= 0.05 ? ` + ${short(one.frames.median)}` : ''}`,
    ...[one.walKilobytes, one.p50, one.p99, one.engineCpuMs, one.postgresCpuMs, one.peakMegabytes].map(shown),
  ])
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** What Stepgate is held to. A peer or a floor that wasn't run leaves its goals unmet. */
export function goalsOf(summaries: readonly Summary[]): Goal[] {
  const own = summaries.find(({ engine }) => engine === 'stepgate')
  const floor = summaries.find(({ engine }) => engine === 'floor')
  const others = summaries.filter(({ engine }) => (peers as readonly string[]).includes(engine))
  if (!own) return []
  const best = (read: (one: Summary) => number, order: 1 | -1) =>
    others.toSorted((one, other) => order * (read(one) - read(other)))[0]
  const speed = (one: Summary) => one.tasksPerSecond.median
  const statements = (one: Summary) => one.statements.median + one.frames.median
  const tail = (one: Summary) => one.p99.median
  const judge = (
    what: string,
    rival: Summary | undefined,
    read: (one: Summary) => number,
    limit: (rival: number) => number,
  ) => {
    const isMore = read === speed
    const bound = rival ? limit(read(rival)) : Number.NaN
    const isMet = isMore ? read(own) >= bound : read(own) < bound
    const ratio = rival
      ? `${short(read(own))} against ${short(read(rival))} (${rival.engine})`
      : 'nothing to compare with'
    return { what, isMet, figures: `${ratio}, ratio ${rival ? short(read(own) / read(rival)) : '?'}` }
  }
  return [
    judge('tasks/s at least 5 times the best peer', best(speed, -1), speed, (rival) => 5 * rival),
    judge('tasks/s at least half the floor', floor, speed, (rival) => rival / 2),
    judge('fewest statements per task', best(statements, 1), statements, (rival) => rival),
    judge('lowest p99', best(tail, 1), tail, (rival) => rival),
  ]
}

/** What anybody could reach here: the floor, measured by the best peer. A goal beyond it says more of the goal than of an engine. */
export function roomOf(summaries: readonly Summary[]): string[] {
  const floor = summaries.find(({ engine }) => engine === 'floor')
  const others = summaries.filter(({ engine }) => (peers as readonly string[]).includes(engine))
  const [best] = others.toSorted((one, other) => other.tasksPerSecond.median - one.tasksPerSecond.median)
  if (!floor || !best) return []
  const ratio = floor.tasksPerSecond.median / best.tasksPerSecond.median
  return [`- the floor itself reaches ${short(ratio)} times the best peer's tasks/s (${best.engine})`]
}
