// The contract's document, and the library that writes it, are loaded by the one function that serves it.
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

test('no other function loads the document, or the library that writes it', async () => {
  const folder = new URL('../../', import.meta.url)
  const loading: string[] = []
  for (const part of [
    'functions/',
    'functions/http/',
    'engine/',
    'netlify/',
    'netlify/functions/',
    'core/',
    'recipes/',
  ]) {
    for (const file of (await readdir(new URL(part, folder))).filter((name) => name.endsWith('.ts'))) {
      const source = await readFile(new URL(part + file, folder), 'utf8')
      if (/^(?!import type).*from '(.*\/(contract|openapi)\.ts|zod-openapi)'/m.test(source)) loading.push(part + file)
    }
  }
  expect(loading.toSorted()).toEqual(['functions/openapi.ts', 'netlify/functions/openapi.ts'])
})
