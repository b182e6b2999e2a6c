// docs/promises.md names guards and mutants that exist.
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { mutants } from '../simulation/mutants.ts'
import { readDocument, root } from './documents.ts'

const promises = await readDocument('docs/promises.md')

/** All source that a promise can rest on. */
async function readSource(): Promise<string> {
  const folders = ['core/', 'db/', 'engine/', 'functions/', 'providers/', 'storage/']
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(new URL(folder, root), { recursive: true })).map((file) => folder + file),
    ),
  )
  return (
    await Promise.all(
      files
        .flat()
        .filter((file) => /\.(ts|sql)$/.test(file))
        .map(readDocument),
    )
  ).join('\n')
}

test('every mutant that is named is on the list of mutants', async () => {
  const named = [...promises.matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)+)`/g)].map(([, name = '']) => name)
  expect(named.length).toBeGreaterThan(8)
  const known = new Set(mutants.map(({ name }) => name))
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

test('every function, constraint, column and code that is named is in the source', async () => {
  const source = await readSource()
  const named = [...promises.matchAll(/`([a-z][a-zA-Z_]+)`/g)].map(([, name = '']) => name)
  expect(named).toContain('recordStored')
  expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(source))).toEqual([])
})

test('the ten promises are all there', () => {
  expect([...promises.matchAll(/^### (\d+)\. /gm)].map(([, number]) => Number(number))).toEqual(
    Array.from({ length: 10 }, (_, index) => index + 1),
  )
})
