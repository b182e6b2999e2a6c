// The documents say what is so: their tables and links are compared with the code.
import { access, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { loadDoors } from '../../build/doors.ts'
import { parseConfig, variables } from '../../providers/config.ts'
import { providers } from '../../providers/index.ts'
import { anchorsOf, codeOf, linksOf, listDocuments, partsOf, readDocument, root, rowsOf } from './documents.ts'

const codeMap = await readDocument('docs/code-map.md')
const documents = await listDocuments()

/** What a variable comes to when it is written like this. */
const meaningOf = (name: string, written: string): unknown => Reflect.get(parseConfig({ [name]: written }), name)

/** What is documented wrongly of the environment, given each variable's default as written. */
function findFaults(documented: ReadonlyMap<string, string>): string[] {
  const missing = variables.filter((name) => !documented.has(name)).map((name) => `${name} is missing`)
  const unknown = [...documented.keys()]
    .filter((name) => !variables.includes(name))
    .map((name) => `${name} is not read`)
  const wrong = variables
    .filter(
      (name) => JSON.stringify(meaningOf(name, documented.get(name) ?? '')) !== JSON.stringify(meaningOf(name, '')),
    )
    .map((name) => `${name} has another default than ${documented.get(name)}`)
  return [...missing, ...unknown, ...wrong]
}

test('the variables of all providers are among those that are read', () => {
  expect(variables).toContain('DATABASE_URL')
  for (const { key, cap, hosts, secrets } of providers)
    expect(variables).toEqual(expect.arrayContaining([key, cap, ...hosts, ...secrets]))
  expect(variables).toContain('CHECK_MAX_SECONDS')
})

test('docs/environment.md tells every environment variable and its default', async () => {
  const rows = rowsOf(await readDocument('docs/environment.md'))
  const documented = new Map(
    rows.map(([name, fallback]) => [codeOf(name), fallback === 'none' ? '' : codeOf(fallback)]),
  )
  expect(findFaults(documented)).toEqual([])
})

test('.env.example has every environment variable, with its default or empty', async () => {
  const lines = (await readDocument('.env.example')).matchAll(/^(?:# )?([A-Z][A-Z\d_]+)=(.*)$/gm)
  const documented = new Map([...lines].map(([, name = '', value = '']) => [name, value]))
  expect(findFaults(documented)).toEqual([])
})

test('a variable that is missing, unknown or has another default is a fault', () => {
  const right = new Map(variables.map((name) => [name, '']))
  right.delete('LOG_LEVEL')
  const faults = findFaults(new Map([...right, ['PASS_SECONDS', '21'], ['LOG_COLOUR', '']]))
  expect(faults).toEqual(['LOG_LEVEL is missing', 'LOG_COLOUR is not read', 'PASS_SECONDS has another default than 21'])
})

test('every endpoint of docs/endpoints.md has a door, and every door with a path is in it', async () => {
  const page = await readDocument('docs/endpoints.md')
  const told = rowsOf(page).map(([cell]) => codeOf(cell).split(' ')[1]?.split('?')[0])
  const doors = await loadDoors(new URL('netlify/functions', root))
  const paths = doors
    .flatMap(({ config }) => config.path ?? [])
    .flatMap((path) =>
      path.includes(':provider') ? providers.map(({ name }) => path.replace(':provider', name)) : path,
    )
  expect(told.toSorted()).toEqual(paths.toSorted())
})

test.each(rowsOf(codeMap))('%s: in the file that is named', async (...row) => {
  const [, file, name] = row.map((cell) => codeOf(cell))
  const text = await readDocument(file ?? '')
  expect(text).toMatch(new RegExp(`(function|const|interface|type) ${name}\\b`))
})

test('the README has at most 1,500 words', async () => {
  const words = (await readDocument('README.md')).split(/\s+/).filter(Boolean)
  expect(words.length).toBeLessThanOrEqual(1_500)
})

test('every command that a document names exists', async () => {
  const { scripts } = JSON.parse(await readDocument('package.json')) as { scripts: Record<string, string> }
  const texts = await Promise.all(documents.map(readDocument))
  const named = texts.flatMap((text) => [...text.matchAll(/npm run ([a-z]+)/g)].map(([, script = '']) => script))
  expect(named.filter((script) => !(script in scripts))).toEqual([])
})

describe.each(documents)('%s', (document) => {
  test('links lead somewhere', async () => {
    const base = new URL(document, root)
    const targets = linksOf(await readFile(base, 'utf8'))
    const found = await Promise.allSettled(targets.map((target) => access(new URL(target, base))))
    expect(targets.filter((_, index) => found[index]?.status === 'rejected')).toEqual([])
  })

  test('links to a part lead to a heading', async () => {
    const base = new URL(document, root)
    const text = await readFile(base, 'utf8')
    const lost: string[] = []
    for (const [file, anchor] of partsOf(text)) {
      const target = file === '' ? text : await readFile(new URL(file, base), 'utf8')
      if (!anchorsOf(target).includes(anchor)) lost.push(`${file}#${anchor}`)
    }
    expect(lost).toEqual([])
  })

  test('files that are named exist', async () => {
    const text = await readDocument(document)
    const named = [
      ...text.matchAll(/`((?:core|db|dev|docs|functions|netlify|providers|recipes|storage|test|web)\/[\w./-]*)`/g),
    ]
    const paths = named.map(([, path = '']) => path)
    const found = await Promise.allSettled(paths.map((path) => access(new URL(path, root))))
    expect(paths.filter((_, index) => found[index]?.status === 'rejected')).toEqual([])
  })
})
