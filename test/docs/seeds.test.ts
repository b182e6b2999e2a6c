// docs/seeds.md names a place and a test for each promise, and the test exists under that name.
import { access } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { readDocument, root, rowsOf } from './documents.ts'

const rows = rowsOf(await readDocument('docs/seeds.md'))

test.each(rows)('%s: has a place, and a test with its name', async (_promise, place = '', held = '') => {
  const [file = '', names] = [/`([^`]+)`/.exec(held)?.[1], /`: (.+)$/.exec(held)?.[1]]
  const named = [...place.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path).filter((path) => path.includes('/'))
  for (const path of [...named, file]) await expect(access(new URL(path, root)), path).resolves.toBeUndefined()
  if (!names) return
  const text = await readDocument(file)
  for (const name of names.split('; ')) expect(text).toContain(name)
})
