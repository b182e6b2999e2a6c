// The page's files: for the local servers, built when that was never done, or when their sources have changed since; and for a deploy
// (build/publish.ts). `vite` is loaded only then. Several servers may start at once, and one while another serves.
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { editionOf } from '../build/offers.ts'
import { ownFolder } from './own-folder.ts'

/** All that a build reads: what it offers is told by recipes and providers, as the endpoint tells it. */
const sources = [
  ...['../web/', '../core/', '../recipes/', '../providers/', '../build/offers.ts', '../vite.config.ts'],
  ...['../functions/recipes.ts', '../functions/http/input-schema.ts', '../package-lock.json'],
].map((path) => new URL(path, import.meta.url))

const keepOldMs = 3_600_000

/** A page draws what is offered where it was built: a server with other keys has one of its own. */
export async function pageFolder(): Promise<URL> {
  const built = new URL(`../dist/pages/${editionOf(process.env)}/`, import.meta.url)
  if ((await changedAt(new URL('index.html', built))) < Math.max(...(await Promise.all(sources.map(newestIn))))) {
    await buildPage(built)
  }
  return built
}

/** With what the process's environment offers, whatever lies there. */
export async function buildPage(built: URL): Promise<void> {
  const { build: runVite } = await import('vite')
  const made = await ownFolder('web')
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url))
  await runVite({ configFile, logLevel: 'warn', build: { outDir: fileURLToPath(made) } })
  const files = (await filesIn(made)).map((file) => file.href.slice(made.href.length))
  // Nobody is ever served half a page: names tell contents apart, and index.html, which names them, comes last.
  for (const file of files.sort((a, b) => Number(a === 'index.html') - Number(b === 'index.html'))) {
    const target = new URL(file, built)
    await mkdir(new URL('.', target), { recursive: true })
    await rename(new URL(file, made), target)
  }
  await rm(made, { recursive: true })
  // Pages that are open still load parts of the build before; those of long ago are nobody's.
  for (const file of await filesIn(built)) {
    const isOld = Date.now() - (await changedAt(file)) > keepOldMs
    if (isOld && !files.includes(file.href.slice(built.href.length))) await rm(file, { force: true })
  }
}

/** 0 where there is nothing. */
async function changedAt(url: URL): Promise<number> {
  try {
    return (await stat(url)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

async function newestIn(url: URL): Promise<number> {
  const files = url.href.endsWith('/') ? await filesIn(url) : [url]
  return Math.max(...(await Promise.all(files.map(changedAt))))
}

async function filesIn(folder: URL): Promise<URL[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => pathToFileURL(join(parentPath, name)))
}
