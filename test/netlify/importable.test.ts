// What another app may import: endpoints, recipes, the client, the simulator. An import does nothing beside, and takes none of
// the workshop with it.
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { importsOf, reach, root } from './imports.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('import-each.mjs', import.meta.url))
const endpoints = (await readdir(new URL('functions/', root))).filter((file) => file.endsWith('.ts'))
const entries = [
  ...endpoints.map((file) => `functions/${file}`),
  ...['recipes/index.ts', 'web/client.ts', 'simulator/server.ts'],
]

const nothing = { environment: [], opened: [], globals: [], listeners: [], settings: [] }

const { NODE_COMPILE_CACHE } = process.env

async function importEach(files: readonly string[]): Promise<unknown> {
  // The process ends by itself: what is left open would keep it.
  const env = { NODE_COMPILE_CACHE }
  const { stdout } = await run(process.execPath, [program, ...files], { env, timeout: 180_000 })
  return JSON.parse(stdout)
}

test('an import reads no environment, opens nothing, and changes nothing for its neighbours', async () => {
  expect(await importEach(entries)).toEqual(entries.map((file) => [file, nothing]))
})

test('the check of imports sees what it looks for', async () => {
  const [file, other] = ['test/netlify/fixtures/noisy.mjs', 'core/task.ts']
  const noise = {
    environment: ['SECRET'],
    opened: ['Timeout'],
    globals: ['noisy'],
    listeners: ['SIGTERM'],
    settings: ['zod jitless'],
  }
  expect(await importEach([other, file])).toEqual([
    [other, nothing],
    [file, noise],
  ])
})

/** Of the page's folder only the client is for others, with the two files that it shares with the page. */
const isWorkshop = (path: string) =>
  /^(bench|build|cli|dev|netlify|test)\//.test(path) ||
  (path.startsWith('web/') && !/^web\/(client\/|(client|poll|inputs)\.ts$)/.test(path))

test.each(entries)('%s needs nothing of the workshop, the page or the platform', async (entry) => {
  const foreign = [...(await reach(entry))].filter(([path]) => isWorkshop(path)).map(([, chain]) => chain.join(' → '))
  expect(foreign).toEqual([])
})

/** What each folder may import. An arrow the other way is a circle, or soon one. */
const below: Record<string, readonly string[]> = {
  core: [],
  db: ['core'],
  providers: ['core'],
  storage: ['core'],
  recipes: ['core', 'providers'],
  notify: ['core', 'providers', 'recipes', 'storage'],
  engine: ['core', 'db', 'notify', 'providers', 'recipes', 'storage'],
  functions: ['core', 'db', 'engine', 'notify', 'providers', 'recipes', 'storage'],
  netlify: ['core', 'db', 'engine', 'functions', 'notify', 'providers', 'recipes', 'storage'],
}

test.each(Object.keys(below))('imports of %s go one way', async (folder) => {
  const wrong: string[] = []
  const names = await readdir(new URL(`${folder}/`, root), { recursive: true })
  for (const file of names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`)) {
    const { code, types } = await importsOf(file)
    for (const target of [...code, ...types]) {
      const [to = ''] = target.split('/')
      if (to !== folder && !below[folder]?.includes(to)) wrong.push(`${file} → ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

test('no file of the engine imports itself by way of others', async () => {
  const circles: string[] = []
  for (const folder of Object.keys(below)) {
    const names = await readdir(new URL(`${folder}/`, root), { recursive: true })
    for (const file of names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`)) {
      const { code, types } = await importsOf(file)
      for (const next of new Set([...code, ...types])) {
        const back = (await reach(next)).get(file)
        if (back) circles.push([file, ...back].join(' → '))
      }
    }
  }
  expect(circles).toEqual([])
})
