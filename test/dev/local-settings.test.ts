// What `npm start` tells the functions: whichever keys are one's own, it is an environment that they can begin with.
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { isAllLocal, localSettings, ownKeys, settingsText } from '../../dev/local-settings.ts'
import { parseConfig } from '../../providers/config.ts'

const secrets = {
  ...{ CRON_SECRET: 'cron-secret-of-a-test', SESSION_SECRET: 'session-secret-of-a-test-session-secret' },
  ...{ REPLICATE_API_TOKEN: 'r8_made', REPLICATE_WEBHOOK_SECRET: 'whsec_bWFkZQ==', FAL_KEY: 'fal_made' },
  NOTIFY_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  ...{ VAPID_PUBLIC_KEY: 'public', VAPID_PRIVATE_KEY: 'private' },
}

/** As start.ts begins: a simulated app listens where all is local. */
function begunWith(env: Record<string, string>) {
  const isOwn = ownKeys(env)
  const settings = localSettings(env, {
    ...{ address: 'http://localhost:8888', databaseUrl: 'postgres://postgres:word@127.0.0.1:5432/postgres' },
    ...{ storage: "/home/o'brien/.data/storage", secrets, isOwn },
    simulator: isOwn.replicate && isOwn.fal ? undefined : 'http://127.0.0.1:8899',
    bot: undefined,
    hook: isAllLocal(isOwn) ? 'http://127.0.0.1:9000/hook' : undefined,
  })
  return { settings, config: parseConfig({ ...env, ...settings }) }
}

test.each([
  [{}],
  [{ REPLICATE_API_TOKEN: 'r8_own' }],
  [{ FAL_KEY: 'fal_own' }],
  [{ REPLICATE_API_TOKEN: 'r8_own', FAL_KEY: 'fal_own' }],
])('the functions can begin with what they are told beside %j, and a key of its own costs what it costs', (env) => {
  const isPaid = Object.keys(env).length > 0
  const { config } = begunWith(env)
  expect(config.BUDGET_PER_USER_PER_DAY).toBe(isPaid ? 2_000_000 : 10_000_000)
  expect(config.PUBLIC_URL).toBe(isPaid ? undefined : 'http://localhost:8888')
  expect({ ...config, ...env }).toEqual({ ...config })
})

test('the file for tools says the same as the environment, whatever stands in a path', () => {
  const { settings } = begunWith({})
  expect(parseEnv(settingsText(settings))).toEqual(settings)
})
