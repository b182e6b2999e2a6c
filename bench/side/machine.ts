// What a result was measured on and with: kept beside it, and printed above it.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { durable } from '../postgres.ts'
import type { Load } from './round.ts'
import { schemaHash } from './schema.ts'

export interface Machine {
  date: string
  commit: string
  cpu: string
  cores: number
  memoryGigabytes: number
  kernel: string
  node: string
  postgres: string
  settings: typeof durable
  versions: Record<string, string>
}

const root = new URL('../../', import.meta.url)

export async function describeMachine(postgres: string): Promise<Machine> {
  const read = async (path: string) => JSON.parse(await readFile(new URL(path, root), 'utf8'))
  const { dependencies } = await read('bench/package.json')
  const { version } = await read('package.json')
  return {
    date: new Date().toISOString(),
    commit: await describeCommit(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    postgres,
    settings: durable,
    versions: { stepgate: version, ...dependencies, 'absurd.sql': `sha256:${await schemaHash()}` },
  }
}

async function describeCommit(): Promise<string> {
  const git = promisify(execFile)
  const options = { cwd: root }
  const { stdout } = await git('git', ['describe', '--always', '--dirty'], options).catch(() => ({ stdout: 'unknown' }))
  return stdout.trim()
}

export function configurationOf(machine: Machine, load: Load, latencyMs: number, rounds: number): string {
  const { cpu, cores, memoryGigabytes, kernel, node, postgres, versions } = machine
  return [
    `${machine.date.slice(0, 10)}, commit ${machine.commit}; ${cores} cores (${cpu}), ${memoryGigabytes} GB, Linux ${kernel}`,
    `Node ${node}, PostgreSQL ${postgres}: ${Object.entries(machine.settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    Object.entries(versions)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    `${rounds} rounds of ${load.tasks} tasks by ${load.people} people at once, then ${load.tasksPerSecond} tasks/s for ${load.seconds} s; a prediction takes ${latencyMs} ms`,
  ].join('\n')
}
