// `npm run bench -- --compare REF`: these sources against another version's, on the table's workload, alternately and each time in a
// fresh process on a fresh database. Prints ratios with their spread; it judges nothing.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openProgress } from '../dev/progress.ts'
import { type Figure, figureOf, quantile } from './numbers.ts'
import { readOptions } from './options.ts'
import { durable, openServer } from './postgres.ts'
import { openWorld } from './side/provider.ts'
import { type Round, runRound } from './side/round.ts'
import { latencyMs, load } from './table.ts'

const here = fileURLToPath(new URL('..', import.meta.url))

const figures: [string, (round: Round) => number][] = [
  ['tasks/s', (round) => round.tasksPerSecond],
  ['statements per task', (round) => round.statementsPerTask + round.framesPerTask],
  ['WAL bytes per task', (round) => round.walBytesPerTask],
  ['engine CPU per task', (round) => round.engineCpuMsPerTask],
  ['Postgres CPU per task', (round) => round.postgresCpuMsPerTask],
  ['peak memory', (round) => round.peakMegabytes],
  ['p50', ({ waits }) => quantile(waits, 0.5)],
  ['p99', ({ waits }) => quantile(waits, 0.99)],
]

export async function run(args: string[]): Promise<boolean> {
  const options = readOptions(args, { compare: 'HEAD', rounds: 5, tasks: load.tasks })
  const folder = await mkdtemp(join(tmpdir(), 'stepgate-compare-'))
  const other = join(folder, 'tree')
  execFileSync('git', ['worktree', 'add', '--detach', other, options.compare], { cwd: here, stdio: 'ignore' })
  try {
    await provideModules(other)
    const pairs = await runPairs(other, options.rounds, options.tasks)
    console.log(`\nthis version over ${options.compare}: median of ${pairs.length} pairs, least and most in brackets`)
    for (const [name, read] of figures) {
      const ratio = figureOf(pairs.map(([own, others]) => read(own) / read(others)))
      const [own, others] = [0, 1].map((side) => figureOf(pairs.map((pair) => read(pair[side] as Round))))
      console.log(`${name.padEnd(24)} ${shown(ratio).padEnd(24)} ${short(own)} over ${short(others)}`)
    }
    return true
  } finally {
    execFileSync('git', ['worktree', 'remove', '--force', other], { cwd: here })
    await rm(folder, { recursive: true })
  }
}

/** Which of the two goes first changes from pair to pair: the machine gets warmer, or busier. */
async function runPairs(other: string, rounds: number, tasks: number): Promise<[Round, Round][]> {
  const server = await openServer(durable)
  const world = await openWorld(latencyMs)
  const place = { server, world, load: { ...load, tasks } }
  const pairs: [Round, Round][] = []
  const progress = openProgress({ unit: 'pairs', total: rounds, done: () => pairs.length })
  try {
    for (let number = 0; number < rounds; number += 1) {
      const run = (root: string) => runRound('stepgate', place, root)
      const first = await run(number % 2 === 0 ? here : other)
      const second = await run(number % 2 === 0 ? other : here)
      const pair: [Round, Round] = number % 2 === 0 ? [first, second] : [second, first]
      pairs.push(pair)
      progress.clear()
      const [own, others] = pair.map((round) => round.tasksPerSecond.toFixed(1))
      console.log(`pair ${number + 1}: ${own} tasks/s, there ${others}`)
    }
  } finally {
    progress.end()
    await world.close()
    await server.stop()
  }
  return pairs
}

/** The same packages where the lockfile is the same; its own otherwise. */
async function provideModules(other: string): Promise<void> {
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lock(here) === lock(other) && existsSync(join(here, 'node_modules'))) {
    await symlink(join(here, 'node_modules'), join(other, 'node_modules'))
  } else {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: other, stdio: 'inherit' })
  }
}

const short = (figure: Figure | undefined) => (figure ? Number(figure.median.toPrecision(3)) : '?')
const shown = ({ median, least, most }: Figure) => `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`
