// `npm run bench`: without a name the table of Stepgate beside its peers; with one, a single kind of figure. Installs the peers'
// packages when they are asked for and not there. Ends with 1 when a goal or a limit is missed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { WrongOption } from './options.ts'

type Run = (args: string[]) => Promise<boolean>

const parts: Record<string, () => Promise<{ run: Run }>> = {
  table: () => import('./table.ts'),
  statements: () => import('./statements.ts'),
  passes: () => import('./passes.ts'),
  history: () => import('./history.ts'),
  vacuum: () => import('./vacuum.ts'),
  idle: () => import('./idle.ts'),
  cold: () => import('./cold.ts'),
  compare: () => import('./compare.ts'),
}

// What was started is stopped: on the way out, engines are killed and PostgreSQL shuts down.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const [first, ...rest] = process.argv.slice(2)
const isNamed = first !== undefined && !first.startsWith('--')
const name = isNamed ? first : first === '--compare' ? 'compare' : 'table'
const args = name === first || first === undefined ? rest : [first, ...rest]

const known = `Known are: ${Object.keys(parts).join(', ')}. bench/README.md tells what each prints, and its options.`
if (first === '--help') {
  console.log(`npm run bench -- [NAME] [OPTIONS]\n\n${known}`)
  process.exit(0)
}
const load = parts[name]
if (!load) {
  console.error(`There is no bench ${name}. ${known}`)
  process.exit(2)
}
if (name === 'table') installPeers()
try {
  process.exitCode = (await (await load()).run(args)) ? 0 : 1
} catch (error) {
  if (!(error instanceof WrongOption)) throw error
  console.error(error.message)
  process.exitCode = 2
}

function installPeers(): void {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  if (existsSync(`${folder}node_modules`)) return
  console.log('installing the peers (bench/package-lock.json)')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })
  if (status !== 0) throw new Error('npm ci in bench/ failed')
}
