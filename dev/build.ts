// `npm run build`, which Netlify runs: the page, and each door bundled to one file of its own. A function then starts with one
// read instead of some hundred, and carries nothing that it doesn't use. On production deploys the database is brought up to
// date first, so that no function ever meets a table older than itself.
import { rm, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { migrate } from '../db/migrate.ts'
import { loadDoors } from './doors.ts'
import { pageFolder } from './page.ts'

const doorsFolder = new URL('../netlify/functions/', import.meta.url)
const outFolder = new URL('../dist/functions/', import.meta.url)

/** Where CommonJS modules inside a bundle look for `require`. */
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
/** Native, or never reached: sharp is loaded by the upload door alone, pino-pretty only where a terminal asks for it. */
const external = ['sharp', 'pg-native', 'pino-pretty']

export async function buildFunctions(): Promise<string[]> {
  const names = (await loadDoors(doorsFolder)).map(({ name }) => name)
  await rm(outFolder, { recursive: true, force: true })
  await build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`${name}.ts`, doorsFolder))),
    outdir: fileURLToPath(outFolder),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Names stay, for stack traces; the rest only makes Netlify's bundler and a cold start read longer.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner,
    external,
    logLevel: 'warning',
  })
  return names
}

if (import.meta.main) {
  if (process.env['CONTEXT'] === 'production') await migrateIfConfigured()
  await pageFolder()
  for (const name of await buildFunctions()) {
    const { size } = await stat(new URL(`${name}.mjs`, outFolder))
    console.log(`${name.padEnd(12)} ${String(Math.round(size / 1000)).padStart(5)} kB`)
  }
}

async function migrateIfConfigured(): Promise<void> {
  const { DATABASE_URL, NETLIFY_DB_URL, NETLIFY_DATABASE_URL } = process.env
  const url = DATABASE_URL || NETLIFY_DB_URL || NETLIFY_DATABASE_URL
  if (!url) throw new Error('DATABASE_URL is not set for the build of a production deploy')
  for (const name of await migrate(url)) console.log(`migrated ${name}`)
}
