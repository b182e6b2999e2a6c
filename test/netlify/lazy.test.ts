// What is loaded late must look exactly like what it stands in for.
import type { Store } from '@netlify/blobs'
import { expect, test } from 'vitest'
import { lazyOutside, lazyStores } from '../../netlify/lazy.ts'
import { openOutside } from '../../netlify/outside.ts'
import { parseConfig } from '../../providers/config.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import { openWakeMark } from '../../storage/wake.ts'

const membersOf = (object: object = {}) => Object.keys(object).toSorted()
const now = () => new Date()

test('HTTP has the same methods', () => {
  const config = parseConfig({})
  expect(membersOf(lazyOutside(config).http)).toEqual(membersOf(openOutside(config)))
})

test('the stores have the same methods', () => {
  // Nothing is asked of it.
  const store = {} as Store
  const late = lazyStores()
  expect(membersOf(late.files)).toEqual(membersOf(openFiles(store)))
  expect(membersOf(late.wake)).toEqual(membersOf(openWakeMark(store, { now })))
  expect(membersOf(late.instants)).toEqual(membersOf(openInstants(store, now)))
})

test('a provider that is loaded late answers as itself', async () => {
  const config = parseConfig({ REPLICATE_API_TOKEN: 'r8_x', REPLICATE_BASE_URL: 'http://127.0.0.1:1' })
  const { http, providers } = lazyOutside(config)
  const found = await providers.get('replicate')?.check({ id: 'unknown', urls: {} })
  expect(found).toMatchObject({ kind: 'unreachable' })
  await http.close()
})
