// A folder under dist/ with what was built of some sources: built anew only when one of them has changed, whichever process asks. The build of
// the doors (built-doors.ts) and the server that tests kill (test/kills/bundle.ts) are kept so.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownFolder } from './own-folder.ts'

const checkout = new URL('../', import.meta.url)
/** What a bundle depends on beside its sources: packages, the compiler's settings. */
const always = ['package-lock.json', 'tsconfig.json']
/** Who reads in one is done by then. */
const keepOldMs = 3_600_000

/** `sources`: files, and folders with all that is in them, from the checkout. `build` fills the folder that it is given, which then moves. */
export async function keptBuild(
  kind: string,
  sources: readonly string[],
  build: (folder: URL) => Promise<unknown>,
  root: URL = checkout,
): Promise<URL> {
  const folder = new URL(`dist/${kind}/${await digestOf(root, [...sources, ...always])}/`, root)
  if (await isThere(folder)) return folder
  const begun = building.get(folder.href) ?? make(kind, folder, build)
  building.set(folder.href, begun)
  await begun.finally(() => building.delete(folder.href))
  return folder
}

/** By this process: its own folder under dist/ is one. */
const building = new Map<string, Promise<void>>()

async function make(kind: string, folder: URL, build: (folder: URL) => Promise<unknown>): Promise<void> {
  const kept = new URL('../', folder)
  const own = await ownFolder(kind, new URL('../', kept))
  await mkdir(own, { recursive: true })
  await build(own)
  await mkdir(kept, { recursive: true })
  await removeOld(kept)
  // Another process may have been quicker: its folder holds the same.
  await rename(own, folder).catch(async (error) => {
    if (!(await isThere(folder))) throw error
    await rm(own, { recursive: true })
  })
}

/** Of names and contents: no clock, no list of what was built is trusted. */
async function digestOf(root: URL, sources: readonly string[]): Promise<string> {
  const files = await Promise.all(sources.map((source) => filesIn(root, source)))
  const hash = createHash('sha256')
  for (const path of files.flat().toSorted()) hash.update(`\0${path}\0`).update(await readFile(new URL(path, root)))
  return hash.digest('hex').slice(0, 20)
}

async function filesIn(root: URL, source: string): Promise<string[]> {
  const path = fileURLToPath(new URL(source, root))
  if (!(await stat(path)).isDirectory()) return [source]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(fileURLToPath(root).length))
}

async function removeOld(kept: URL): Promise<void> {
  for (const name of await readdir(kept)) {
    const old = new URL(`${name}/`, kept)
    if (Date.now() - (await stat(old)).mtimeMs > keepOldMs) await rm(old, { recursive: true, force: true })
  }
}

const isThere = (folder: URL): Promise<boolean> =>
  stat(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
