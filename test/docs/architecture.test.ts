// docs/architecture.md's walks lead through files that are there, in an order in which one leads to the next.
import { access } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { importsOf } from '../netlify/imports.ts'
import { codeOf, readDocument, root, rowsOf, sectionOf } from './documents.ts'

const text = await readDocument('docs/architecture.md')

/** Files that are reached through an interface: an endpoint is handed them, and imports none. */
const isHanded = (file: string) => file.startsWith('providers/')

test.each([
  { walk: 'start → INSERT', end: /insert into tasks/i },
  { walk: 'webhook → waiting_continue', end: /waiting_continue/ },
  { walk: "ping → provider's POST", end: /'POST'/ },
])('$walk is walked in at most eight files, each of which leads to the next', async ({ walk, end }) => {
  const [section = ''] = sectionOf(text, `### ${walk}`).split('\n## ')
  const steps = rowsOf(section).map(([file = '', what = '']) => ({ file: codeOf(file), what }))
  expect(steps.length).toBeGreaterThan(3)
  expect(steps.length).toBeLessThanOrEqual(8)
  const reached = new Set<string>()
  for (const [index, { file, what }] of steps.entries()) {
    expect(index === 0 || isHanded(file) || reached.has(file), `${file} is imported by none before it`).toBe(true)
    const source = await readDocument(file)
    const [, name] = /^`(\w+)/.exec(what) ?? []
    if (name) expect(source, `${file} has ${name}`).toMatch(new RegExp(`\\b${name}\\b`))
    for (const next of (await importsOf(file)).code) reached.add(next)
  }
  expect(await readDocument(steps.at(-1)?.file ?? '')).toMatch(end)
})

test('every folder and file that it names is there', async () => {
  const paths = [
    ...text.matchAll(
      /`((?:core|db|providers|storage|recipes|engine|functions|netlify|web|cli|simulator|dev|build|bench|test)\/[\w./-]*)`/g,
    ),
  ]
  expect(paths.length).toBeGreaterThan(40)
  for (const [, path = ''] of paths) await expect(access(new URL(path, root)), path).resolves.toBeUndefined()
})
