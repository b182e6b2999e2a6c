// The bot with everything real around it: endpoints behind their doors, a database, a provider and a Telegram, all speaking HTTP.
import { afterAll, beforeEach } from 'vitest'
import { registerBot } from '../../notify/telegram/register.ts'
import { startTelegram, type TelegramServer } from '../../simulator/telegram/index.ts'
import { type TestDeps, type TestOptions, useTestDeps } from '../setup/deps.ts'

const botToken = '123456:token-of-a-test'
export const botSecret = 'webhook_secret_of_a_test'

export interface BotTest {
  app: TestDeps
  telegram: TelegramServer
  /** What an instance beside the first is told of the bot. */
  env: Record<string, string>
  /** Until every update was taken, and all that it began is over. */
  settle(): Promise<void>
}

/** A Telegram for a whole file, and what a deployment is told of its bot. */
export async function useTelegram({
  clock,
}: Pick<TestOptions, 'clock'> = {}): Promise<Pick<BotTest, 'telegram' | 'env'>> {
  const telegram = await startTelegram({ port: 0, token: botToken, ...(clock && { now: clock.now }) })
  afterAll(() => telegram.close())
  const env = { TELEGRAM_BOT_TOKEN: botToken, TELEGRAM_WEBHOOK_SECRET: botSecret, TELEGRAM_API_URL: telegram.url }
  return { telegram, env }
}

export async function useBot(options: TestOptions = {}): Promise<BotTest> {
  const { telegram, env } = await useTelegram(options)
  const app = await useTestDeps({ mounted: true, ...options, env: { ...env, ...options.env } })
  // Pings alone move tasks: what a webhook moves is told by its own request, whenever that ends.
  beforeEach(() => {
    app.simulator.replicate.set({ webhooks: false })
    app.simulator.fal.set({ webhooks: false })
  })
  await registerBot(app.deps.config, app.address)
  return {
    app,
    telegram,
    env,
    settle: async () => {
      await telegram.settled()
      await app.settle()
    },
  }
}
