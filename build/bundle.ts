// Bundles each door for production: a folder of its own with everything that the door loads, and nothing else. What is needed at once is in
// its first few files; what is imported later, such as a database driver or a provider's code, is a file that is read then.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import pLimit from 'p-limit'
import { loadDoors } from './doors.ts'

const root = new URL('../', import.meta.url)
const doorsFolder = new URL('netlify/functions/', root)
const bundlesFolder = new URL('dist/functions/', root)

export interface Bundle {
  name: string
  /** The door's folder, and its file in it. */
  folder: string
  entry: string
  /** Sources and packages' files that are loaded before the first request is looked at. */
  eager: string[]
  /** The same with those that are only loaded when something asks for them. */
  all: string[]
  /** Whether any of it loads sharp, which is packed beside it. */
  draws: boolean
}

/** Where CommonJS modules inside a bundle look for `require`. */
export const requiring = {
  js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
}
/** Native, or never reached: sharp is packed beside the doors that draw, pino-pretty is loaded only where a terminal asks for it. */
export const external = ['sharp', 'pg-native', 'pino-pretty']

/** Into a folder that is theirs alone, and lies within the checkout: pack.ts names it by its place there. */
export async function bundleDoors(out: URL = bundlesFolder): Promise<Bundle[]> {
  const names = (await loadDoors(doorsFolder)).map(({ name }) => name)
  await rm(out, { recursive: true, force: true })
  // Each holds all that its door loads, some 80 MB: all at once take 2.3 GB, and four times as long on two processors.
  const limit = pLimit(2)
  return Promise.all(names.map((name) => limit(() => bundleDoor(name, fileURLToPath(new URL(name, out))))))
}

async function bundleDoor(name: string, folder: string): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, doorsFolder))],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Names stay, for stack traces. Less text is read sooner: parsing is most of a cold start.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: requiring,
    external,
    logLevel: 'warning',
    write: false,
  })
  await mkdir(folder, { recursive: true })
  await Promise.all(outputFiles.map(({ path, text }) => writeFile(path, withoutIdle(text))))
  return describe(name, folder, metafile)
}

/** esbuild puts the banner into every file; one where nothing is required is loaded sooner without it. */
function withoutIdle(text: string): string {
  const rest = text.slice(requiring.js.length)
  return text.startsWith(requiring.js) && !/\brequire\b/.test(rest) ? rest : text
}

function describe(name: string, folder: string, { outputs }: Metafile): Bundle {
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === sourceOf(name))
  if (!entry) throw new Error(`esbuild made no file of the door ${name}`)
  const eager = new Set<string>()
  const visit = (path: string) => {
    if (eager.has(path)) return
    eager.add(path)
    for (const { kind, path: next } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && outputs[next]) visit(next)
    }
  }
  visit(entry)
  const inside = (paths: Iterable<string>) => [...paths].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}))
  return {
    ...{ name, folder, entry: fileURLToPath(new URL(entry, root)) },
    ...{ eager: inside(eager), all: inside(Object.keys(outputs)) },
    draws: Object.values(outputs).some(({ imports }) => imports.some(({ path: imported }) => imported === 'sharp')),
  }
}

const sourceOf = (name: string) => relative(fileURLToPath(root), fileURLToPath(new URL(`${name}.ts`, doorsFolder)))
