// The composition root on an environment, before anything is asked of database, store or providers.
import type { Context } from '@netlify/functions'
import { afterEach, expect, test, vi } from 'vitest'
import { openLog } from '../../engine/log.ts'
import { doorsOver, openDeps } from '../../netlify/runtime.ts'
import { parseConfig } from '../../providers/config.ts'

afterEach(() => vi.unstubAllEnvs())

const context = { waitUntil: () => undefined } as unknown as Context
const ask = (door: (request: Request, context: Context) => Promise<Response>) =>
  door(new Request('http://stepgate.test'), context)

const openConfig = () => {
  const config = parseConfig({ DATABASE_URL: process.env['NETLIFY_DB_URL'] })
  return { config, log: openLog({ LOG_LEVEL: 'silent', LOG_FORMAT: 'json' }) }
}

test('a database that the platform gives to a running container anew is the one that is used; otherwise nothing is opened twice', async () => {
  const opened: unknown[] = []
  const door = doorsOver(() => {
    const deps = openConfig()
    opened.push(deps.config.DATABASE_URL)
    return deps
  })
  const call = door(async (_request, { config }) => Response.json(config.DATABASE_URL))
  const askWith = async (url: string) => {
    vi.stubEnv('NETLIFY_DB_URL', url)
    return (await ask(call)).json()
  }
  const first = 'postgres://a:b@one.test/db'
  const second = 'postgres://a:b@two.test/db'
  expect([await askWith(first), await askWith(first), await askWith(second)]).toEqual([first, first, second])
  expect(opened).toEqual([first, second])
})

test('an environment that is wrong answers 503, and is read again with the next request', async () => {
  const call = doorsOver(openConfig)(async () => new Response('fine'))
  vi.stubEnv('NETLIFY_DB_URL', 'mysql://one.test')
  const refused = await ask(call)
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'not_configured' }])
  vi.stubEnv('NETLIFY_DB_URL', 'postgres://a:b@one.test/db')
  expect((await ask(call)).status).toBe(200)
})

test('requests that come at once share one opening, even one that takes a while', async () => {
  let count = 0
  const barrier = Promise.withResolvers<void>()
  const call = doorsOver(async () => {
    count += 1
    await barrier.promise
    return openConfig()
  })(async () => new Response('fine'))
  const answers = [ask(call), ask(call)]
  barrier.resolve()
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200])
  expect(count).toBe(1)
})

test('a provider whose code is loaded with its first call answers as itself', async () => {
  vi.stubEnv('DATABASE_URL', 'postgres://a:b@127.0.0.1:1/db')
  vi.stubEnv('REPLICATE_API_TOKEN', 'r8_a-token-of-a-test')
  vi.stubEnv('REPLICATE_BASE_URL', 'http://127.0.0.1:1')
  const { http, db, providers } = await openDeps()
  const found = await providers.get('replicate')?.check({ id: 'unknown', urls: {} })
  expect(found).toMatchObject({ kind: 'unreachable' })
  await Promise.all([http.close(), db.destroy()])
})
