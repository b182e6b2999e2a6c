// Bundles the functions' server (serve.ts) for the processes that instances.ts starts and kills. Most of a start's time goes into finding and
// compiling a thousand files, and a process that is killed leaves nothing compiled for the next one.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { external, requiring } from '../../build/bundle.ts'
import { bundledFolders } from '../../dev/built-doors.ts'
import { keptBuild } from '../../dev/kept-build.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const doors = join('netlify', 'functions')
const server = join('test', 'kills', 'serve')

/** What to run. */
export async function bundleServer(): Promise<string> {
  const sources = [...bundledFolders, 'build', 'dev', 'simulator', `${server}.ts`]
  const folder = await keptBuild('kills', sources, async (out) => {
    const files = (await readdir(join(root, doors))).filter((file) => file.endsWith('.ts'))
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [`${server}.ts`, ...files.map((file) => join(doors, file))],
      ...{ outbase: root, outdir: fileURLToPath(out), outExtension: { '.js': '.mjs' }, metafile: true },
      ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24' },
      ...{ banner: requiring, external, logLevel: 'warning' },
    })
    const isKnown = (path: string) =>
      ['node_modules', ...sources].some((source) => path === source || path.startsWith(`${source}/`))
    const unknown = Object.keys(metafile.inputs).filter((path) => !isKnown(path))
    if (unknown.length > 0) throw new Error(`${unknown} goes into the server and is not among its sources`)
  })
  return join(fileURLToPath(folder), `${server}.mjs`)
}
