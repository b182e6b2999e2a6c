// What is loaded late must look exactly like what it stands in for.
import type { Store } from '@netlify/blobs'
import { expect, test } from 'vitest'
import { parseConfig } from '../../core/config.ts'
import { lazyOutside, lazyStores } from '../../netlify/lazy.ts'
import { openOutside } from '../../netlify/outside.ts'
import { openFiles } from '../../storage/files.ts'
import { openInstants } from '../../storage/instants.ts'
import { openWakeMark } from '../../storage/wake.ts'

const membersOf = (object: object = {}) => Object.keys(object).toSorted()
const now = () => new Date()

test.each([{}, { REPLICATE_API_TOKEN: 'r8_x' }, { FAL_KEY: 'x' }, { REPLICATE_API_TOKEN: 'r8_x', FAL_KEY: 'x' }])(
  'with %o there are the same providers, each with the same methods',
  (env) => {
    const config = parseConfig(env)
    const late = lazyOutside(config)
    const real = openOutside(config)
    expect(membersOf(late.http)).toEqual(membersOf(real.http))
    expect([...late.providers.keys()]).toEqual([...real.providers.keys()])
    for (const [name, provider] of real.providers) {
      expect(late.providers.get(name)?.name).toBe(provider.name)
      expect(membersOf(late.providers.get(name))).toEqual(membersOf(provider))
    }
  },
)

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
