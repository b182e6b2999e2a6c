// A chat with one person, as the handlers of its commands, photos and buttons get it: who speaks, and how to answer.
import type { Api } from 'grammy'
import { AppError, type ProblemCode } from '../../core/errors.ts'
import type { Task } from '../../core/task.ts'
import { DatabaseError } from '../../db/driver/errors.ts'
import { markHandled } from '../../db/statements/telegram.ts'
import type { Deps, EndpointContext } from '../../engine/deps.ts'
import { failureOf } from '../../notify/telegram/api.ts'
import { type Message, sendMessage } from '../../notify/telegram/message.ts'
import type { Language, Progress } from '../../notify/telegram/words.ts'
import { StoreFault } from '../../storage/store.ts'
import { words } from './words.ts'

export interface Chat {
  deps: Deps
  context: EndpointContext
  api: Api
  id: number
  /** The chat's own user, who is a user like any other. */
  user_id: string
  /** Users of the page who have linked this chat: it may press their buttons, and starts nothing for them. */
  linked: readonly string[]
  name: string
  language: Language
  update_id: number
  /** Set once Telegram won't send the update again: its answer is out, or it counts as handled. */
  delivery: { isLast: boolean }
}

/** No user of ours and no identity provider's has such an id. */
export const chatUser = (from: number): string => `telegram:${from}`

export async function say(chat: Chat, text: string, more: Omit<Message, 'text'> = {}): Promise<void> {
  await sendMessage({ api: chat.api, files: chat.deps.files }, chat, { text, ...more })
}

/** Before what a repeated update must not do once more: send several pictures, or stop a task that was begun since. */
export async function takeAsHandled({ deps, id: chat_id, update_id, delivery }: Chat): Promise<void> {
  await markHandled(deps.db, { chat_id, update_id })
  delivery.isLast = true
}

export const wordsOf = ({ language }: Chat) => words[language]

export const progressOf = ({
  recipe,
  current_step,
  total_steps,
}: Pick<Task, 'recipe' | 'current_step' | 'total_steps'>): Progress => ({
  ...{ recipe, step: current_step, total: total_steps },
})

/** A refusal in the person's words. Whatever else it is, is thrown on. */
export function refusalOf(chat: Chat, error: unknown): string {
  if (!(error instanceof AppError)) throw error
  const { [error.code]: known }: Partial<Record<ProblemCode, string>> = wordsOf(chat).refused
  if (known === undefined) throw error
  return error.code === 'invalid_request' ? `${known} ${error.message}` : known
}

/** Something is away for the moment, and Telegram's repetition of the update may find it there; or the person can't be answered. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'unavailable'
  if (error instanceof DatabaseError) return error.isConnectionLost
  return error instanceof StoreFault || failureOf(error) !== undefined
}
