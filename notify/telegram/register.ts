// Tells Telegram where the bot's updates go, and which commands it has. `npm run doctor -- --fix` and `npm start` call it.
import type { Config } from '../../core/config.ts'
import { openApi } from './api.ts'
import { type Language, languages } from './words.ts'

/** Only what the bot handles. */
export const wantedUpdates = ['message', 'callback_query', 'my_chat_member'] as const

export const webhookAddress = (site: string): string => `${site}/api/telegram`

/** `site`: where the deployment is reached. */
export async function registerBot(config: Config, site: string): Promise<void> {
  const api = await openApi(config)
  await api.setWebhook(webhookAddress(site), {
    ...(config.TELEGRAM_WEBHOOK_SECRET && { secret_token: config.TELEGRAM_WEBHOOK_SECRET }),
    allowed_updates: wantedUpdates,
  })
  for (const language of languages) {
    const commands = Object.entries(commandsOf[language]).map(([command, description]) => ({ command, description }))
    // English is also what everybody else sees.
    await api.setMyCommands(commands, language === 'en' ? {} : { language_code: language })
  }
}

const commandsOf: Record<Language, Record<string, string>> = {
  en: {
    generate: 'Memes: how many, and about what',
    status: 'Your tasks, and how the system is',
    cancel: 'Stop what is running',
    history: 'What you have made',
    delete: 'Delete everything of yours',
    help: 'What I can do',
  },
  ru: {
    generate: 'Мемы: сколько и о чём',
    status: 'Ваши задачи и состояние системы',
    cancel: 'Остановить генерацию',
    history: 'Что вы уже сделали',
    delete: 'Удалить всё ваше',
    help: 'Что я умею',
  },
}
