// The bot under `npm start`: where no token of one's own is set, a simulated Telegram with a page that shows the chat. start.ts calls it.
import { randomBytes } from 'node:crypto'
import { startTelegram, visitor } from '../simulator/telegram/index.ts'

interface LocalBot {
  /** What the functions are told of it. */
  settings: Record<string, string>
  /** The page with the chat. */
  chat: string
  close(): Promise<void>
}

export async function startBot(): Promise<LocalBot> {
  // Like BotFather's, and good for nothing but this process's own Telegram.
  const secret = () => randomBytes(24).toString('base64url')
  const token = `123456:${secret()}`
  const telegram = await startTelegram({ port: 0, token })
  // The chat that a start before this one has linked: where it isn't found, it would be told nothing any more.
  telegram.chat(visitor)
  return {
    settings: {
      TELEGRAM_BOT_TOKEN: token,
      TELEGRAM_WEBHOOK_SECRET: secret(),
      TELEGRAM_API_URL: telegram.url,
      TELEGRAM_LINK_URL: `${telegram.url}/open`,
    },
    chat: telegram.url,
    close: telegram.close,
  }
}
