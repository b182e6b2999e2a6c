// /delete: everything of the chat's own user goes, as by POST /api/delete, after a question that is good for ten minutes. What users of the
// page have, whom this chat is linked to, stays theirs.
import { confirmSeconds } from '../../core/erasing.ts'
import { clockOf } from '../../engine/deps.ts'
import { deleteEverything } from '../delete.ts'
import { type Chat, say, wordsOf } from './chat.ts'

export async function askToForget(chat: Chat): Promise<void> {
  await say(chat, wordsOf(chat).confirmForget, { buttons: [[{ kind: 'forget' }, { kind: 'keep' }]] })
}

/** `askedAt`: when the question was sent, by Telegram's word. */
export async function forget(chat: Chat, askedAt: Date): Promise<string> {
  const { deps, context, user_id } = chat
  const now = clockOf(deps)
  if (now.getTime() - askedAt.getTime() > confirmSeconds * 1000) return wordsOf(chat).unknownButton
  const { erased } = await deleteEverything(deps, context, { user_id, session: [], until: now })
  return erased ? wordsOf(chat).forgotten : wordsOf(chat).forgettingGoesOn
}
