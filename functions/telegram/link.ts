// Links a chat to a user of the page, by the one-time code of a deep link, and takes the link away. A linked chat is told of that user's
// tasks, and its buttons move them; it starts nothing for them, so that a link sent to a stranger gives away none of the stranger's photos.
import { createHash, randomBytes } from 'node:crypto'
import { linkChat, silenceChat } from '../../db/statements/telegram.ts'
import { type Chat, say, wordsOf } from './chat.ts'

/** 22 characters, of the 64 that a deep link may carry. */
export const newCode = (): string => randomBytes(16).toString('base64url')
export const hashOf = (code: string): string =>
  createHash('sha256').update(`telegram link\n${code}`).digest('base64url')

export async function link(chat: Chat, code: string): Promise<void> {
  const { deps, id: chat_id, name, language } = chat
  const words = wordsOf(chat)
  const address = { chat_id, language, name }
  const isLinked = await linkChat(deps.db, { code_hash: hashOf(code), address, now: deps.now?.() })
  if (!isLinked) return say(chat, words.notLinked)
  const { PUBLIC_URL } = deps.config
  await say(chat, words.linked(PUBLIC_URL ? new URL(PUBLIC_URL).host : 'Stepgate'))
}

export async function unlink(chat: Chat): Promise<void> {
  const { deps, id: chat_id, linked } = chat
  const words = wordsOf(chat)
  if (linked.length === 0) return say(chat, words.wasNotLinked)
  await silenceChat(deps.db, { chat_id, user_ids: [...linked] })
  await say(chat, words.unlinked)
}
