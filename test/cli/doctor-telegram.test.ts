// The doctor's look at the bot: where its updates go, whether its door is shut to strangers, and what --fix does about it.
import { expect, test } from 'vitest'
import type { Examined, Finding } from '../../cli/doctor/findings.ts'
import { runChecks } from '../../cli/doctor/findings.ts'
import { checkTelegram, fixTelegram } from '../../cli/doctor/telegram.ts'
import type { Config } from '../../core/config.ts'
import { openApi } from '../../notify/telegram/api.ts'
import { useBot } from '../functions/telegram-setup.ts'

const { app, telegram } = await useBot()

async function look(config: Partial<Config> = {}): Promise<Finding[]> {
  const examined = { config: { ...app.deps.config, ...config }, http: app.deps.http } as Examined
  return runChecks([checkTelegram], examined)
}

test('a bot whose updates come here, through a door that refuses strangers, is well', async () => {
  expect(await look()).toMatchObject([
    { state: 'ok', says: '@stepgate_bot sends its updates here' },
    { name: 'telegram door', state: 'ok' },
  ])
})

test('updates that go elsewhere are found, and --fix brings them here', async () => {
  await (await openApi(app.deps.config)).setWebhook('https://elsewhere.test/api/telegram')
  expect(await look()).toMatchObject([{ state: 'FAIL', says: expect.stringContaining('elsewhere.test') }])
  await (await openApi(app.deps.config)).deleteWebhook()
  expect(await look()).toMatchObject([{ state: 'FAIL', says: '@stepgate_bot sends its updates nowhere' }])
  expect(await fixTelegram(app.deps.config)).toContain(`updates go to ${app.address}/api/telegram`)
  expect((await look())[0]).toMatchObject({ state: 'ok' })
})

test('without its secret --fix tells Telegram nothing: the door would refuse what comes', async () => {
  expect(await fixTelegram({ ...app.deps.config, TELEGRAM_WEBHOOK_SECRET: undefined })).toBe(
    'TELEGRAM_WEBHOOK_SECRET is not set here, so Telegram was told nothing.',
  )
  expect((await look())[0]).toMatchObject({ state: 'ok' })
})

test('updates of too few kinds are found', async () => {
  const api = await openApi(app.deps.config)
  await api.setWebhook(`${app.address}/api/telegram`, { allowed_updates: ['message'] })
  expect(await look()).toMatchObject([{ state: 'FAIL', says: expect.stringContaining('callback_query') }])
  await fixTelegram(app.deps.config)
})

test('a token that Telegram does not know is said, and is in no word of it', async () => {
  const wrong = { TELEGRAM_BOT_TOKEN: '123456:another' }
  const found = await look(wrong)
  expect(found).toMatchObject([{ state: 'FAIL', says: 'Telegram answers 401: Unauthorized' }])
  expect(JSON.stringify([found, await fixTelegram({ ...app.deps.config, ...wrong })])).not.toContain('another')
})

test('Telegram itself is told no address but https, and without a bot there is nothing to say', async () => {
  expect(await look({ TELEGRAM_BOT_TOKEN: undefined })).toEqual([])
  expect(await fixTelegram({ ...app.deps.config, TELEGRAM_BOT_TOKEN: undefined })).toBeUndefined()
  expect(telegram.url).toContain('http:')
})
