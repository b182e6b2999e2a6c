// What the platform writes into the environment anew with each invocation is what the invocation works with.
import type { Context } from '@netlify/functions'
import { afterEach, expect, test } from 'vitest'
import { openLog } from '../../engine/log.ts'
import { doorsOver } from '../../netlify/light.ts'
import { parseConfig } from '../../providers/config.ts'

afterEach(() => {
  delete process.env['NETLIFY_DB_URL']
})

test('a database that the platform gives to a running container anew is the one that is used; otherwise nothing is opened twice', async () => {
  const opened: unknown[] = []
  const door = doorsOver(() => {
    const config = parseConfig({ DATABASE_URL: process.env['NETLIFY_DB_URL'] })
    opened.push(config.DATABASE_URL)
    return { config, log: openLog({ LOG_LEVEL: 'silent', LOG_FORMAT: 'json' }) }
  })
  const call = door(async (_request, { config }) => Response.json(config.DATABASE_URL))
  const ask = async (url: string) => {
    process.env['NETLIFY_DB_URL'] = url
    const answer = await call(new Request('http://stepgate.test'), { waitUntil: () => undefined } as unknown as Context)
    return answer.json()
  }
  const first = 'postgres://a:b@one.test/db'
  const second = 'postgres://a:b@two.test/db'
  expect([await ask(first), await ask(first), await ask(second)]).toEqual([first, first, second])
  expect(opened).toEqual([first, second])
})
