// `npm run bench`: Stepgate, its peers and the floor side by side on one workload, in interleaved rounds. Prints the table and
// each goal with met or missed, and keeps the raw values under results/.
import { mkdir, writeFile } from 'node:fs/promises'
import { openProgress } from '../dev/progress.ts'
import { readOptions, WrongOption } from './options.ts'
import { durable, openServer } from './postgres.ts'
import { type EngineName, engineNames, missingOf } from './side/engines.ts'
import { goalsOf, roomOf, summarize, tableOf } from './side/figures.ts'
import { configurationOf, describeMachine } from './side/machine.ts'
import { openWorld } from './side/provider.ts'
import { type Load, type Round, runRound } from './side/round.ts'

export const latencyMs = 100
export const load: Load = { people: 200, tasks: 800, warmUp: 200, tasksPerSecond: 8, seconds: 10 }

export async function run(args: string[]): Promise<boolean> {
  const options = readOptions(args, { rounds: 3, engines: engineNames.join(','), tasks: load.tasks })
  const names = namesOf(options.engines)
  const tried: Load = { ...load, tasks: options.tasks }
  const missing = await withoutMissing(names)
  const server = await openServer(durable)
  const world = await openWorld(latencyMs)
  try {
    const machine = await describeMachine(server.version)
    const configuration = configurationOf(machine, tried, latencyMs, options.rounds)
    console.log(configuration)
    const rounds: Round[] = []
    let ran = 0
    const progress = openProgress({ unit: 'rounds', total: options.rounds * names.length, done: () => ran })
    for (let number = 1; number <= options.rounds; number += 1) {
      for (const name of names) {
        if (missing.has(name)) {
          ran += 1
          continue
        }
        const round = await runRound(name, { server, world, load: tried }).catch((error: Error) => error)
        ran += 1
        progress.clear()
        if (round instanceof Error) {
          missing.set(name, `it failed in round ${number}: ${round.message}`)
          continue
        }
        rounds.push(round)
        console.log(
          `round ${number}: ${name.padEnd(16)} ${round.tasksPerSecond.toFixed(1).padStart(7)} tasks/s, harness ${round.harnessCpuMsPerTask.toFixed(1)} ms`,
        )
      }
    }
    progress.end()
    const about = { ...machine, load: tried, latencyMs }
    await keep(`${machine.date.slice(0, 10)}.jsonl`, [about, ...rounds].map((line) => JSON.stringify(line)).join('\n'))
    const { text, isContent } = reportOf(names, rounds, missing)
    console.log(`\n${text}`)
    await keep('table.md', `${configuration}\n\n${text}`)
    return isContent
  } finally {
    await world.close()
    await server.stop()
  }
}

function namesOf(list: string): EngineName[] {
  return list.split(',').map((given) => {
    const name = engineNames.find((known) => known === given)
    if (!name) throw new WrongOption(`There is no engine ${given}; known are ${engineNames.join(', ')}.`)
    return name
  })
}

async function withoutMissing(names: readonly EngineName[]): Promise<Map<EngineName, string>> {
  const missing = new Map<EngineName, string>()
  for (const name of names) {
    const reason = await missingOf(name)
    if (reason) missing.set(name, reason)
  }
  return missing
}

async function keep(name: string, text: string): Promise<void> {
  const folder = new URL('results/', import.meta.url)
  await mkdir(folder, { recursive: true })
  await writeFile(new URL(name, folder), `${text}\n`)
  console.log(`kept: bench/results/${name}`)
}

function reportOf(names: readonly EngineName[], rounds: readonly Round[], missing: ReadonlyMap<EngineName, string>) {
  const run = names.filter((name) => !missing.has(name))
  const summaries = run.map((name) =>
    summarize(
      name,
      rounds.filter(({ engine }) => engine === name),
    ),
  )
  const goals = goalsOf(summaries)
  const text = [
    tableOf(summaries),
    '',
    ...[...missing].map(([name, reason]) => `- not run: ${name}, because ${reason}`),
    ...goals.map(({ what, isMet, figures }) => `- ${isMet ? 'met' : 'MISSED'}: ${what}: ${figures}`),
    ...roomOf(summaries),
  ]
  return { text: text.join('\n'), isContent: goals.every(({ isMet }) => isMet) && missing.size === 0 }
}
