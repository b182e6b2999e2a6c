// The doctor's look at the environment alone: what is wrong is named, and keeps nothing else from being looked at.
import { expect, test } from 'vitest'
import { checkEnvironment, readEnvironment } from '../../cli/doctor/environment.ts'
import { type Examined, runChecks } from '../../cli/doctor/findings.ts'

const well = {
  ...{ DATABASE_URL: 'postgres://me:word@db.example/main', FAL_KEY: 'fal_key', PUBLIC_URL: 'https://app.example' },
  ...{ CRON_SECRET: '9a8b7c6d5e4f30211203f4e5d6c7b8a9', SESSION_SECRET: 'f3b0a9d2c47e61f85b0c9d1e2a7f4c6b' },
}

test.each<[string, Record<string, string>, string[]]>([
  ['a bucket without its keys', { S3_BUCKET: 'b' }, ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY']],
  [
    'a store that is named, and half set up',
    { STORAGE: 's3', S3_BUCKET: 'b', S3_ENDPOINT: 'https://s3.example' },
    ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
  ],
  ['one of three keys', { VAPID_PUBLIC_KEY: 'p' }, ['VAPID_PRIVATE_KEY', 'VAPID_SUBJECT']],
  ['tokens of nobody', { AUTH_ISSUER: 'https://x.example' }, ['AUTH_JWKS_URL']],
  ['a malformed variable beside one that is alone', { CRON_SECRET: 'short', TURNSTILE_SITE_KEY: 'k' }, ['CRON_SECRET']],
])('%s', (_name, change, named) => {
  const { config, faults } = readEnvironment({ ...well, ...change })
  expect(faults.map(({ says }) => says.split(':')[0])).toEqual(named)
  expect(config).toMatchObject({ DATABASE_URL: well.DATABASE_URL, PUBLIC_URL: well.PUBLIC_URL, FAL_KEY: 'fal_key' })
})

test('a bot without the secret of its door is told', async () => {
  const look = async (env: Record<string, string>) => {
    const { config } = readEnvironment(env)
    return (await runChecks([checkEnvironment], { env, config } as unknown as Examined)).map(({ says }) => says)
  }
  const bot = { ...well, TELEGRAM_BOT_TOKEN: '123456:a-token' }
  expect(await look(bot)).toEqual(["TELEGRAM_WEBHOOK_SECRET is not set: the bot's updates get 503"])
  expect(await look({ ...bot, TELEGRAM_WEBHOOK_SECRET: 'a-secret-of-a-test' })).toEqual([
    '7 variables are set, and sound',
  ])
})
