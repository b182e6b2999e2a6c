// Being told with the page closed, in a chat or by the browser, as the client asks for it. client.ts takes these calls into the whole.
import type { TelegramLink, TelegramLinks } from '../../core/answers.ts'
import { readJson } from './answer.ts'
import type { Ask, Post } from './request.ts'

interface PushKey {
  public_key: string | null
}

/** Of the DOM's, as much as is sent. */
interface PushSubscriptionJSON {
  endpoint?: string
  expirationTime?: number | null
  keys?: Record<string, string>
}

export const openNews = (ask: Ask, post: Post) => ({
  /** Whether there is a Telegram bot, and which chats are told of the user's tasks. */
  telegramLinks: (signal?: AbortSignal) =>
    ask('/api/telegram-link', { signal }, (response) => readJson<TelegramLinks>(response, ['offered', 'chats'])),
  /** A link that opens the bot's chat, good once: the chat is then told. */
  linkTelegram: () => post<TelegramLink>('/api/telegram-link', {}, ['url', 'expires_at']),
  /** No chat is told any more. */
  unlinkTelegram: () => post<TelegramLinks>('/api/telegram-link', { remove: true }, ['offered', 'chats']),
  /** What a browser subscribes with, to be told with the page closed; null: not here. */
  pushKey: async () =>
    (await ask('/api/push', {}, (response) => readJson<PushKey>(response, ['public_key']))).public_key,
  /** Takes what `PushSubscription.toJSON()` gives. */
  listen: (subscription: PushSubscriptionJSON & { language?: 'en' | 'ru' }) =>
    post<PushKey>('/api/push', subscription, ['public_key']),
  /** The browser whose subscription has this address is told no more. */
  unlisten: (endpoint: string) => post<PushKey>('/api/push', { endpoint, remove: true }, ['public_key']),
})
