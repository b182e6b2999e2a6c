// /generate 3 office cats: memes, strictly one after another. A second one while they are made is told how far they are, and may stop them.
import { AppError } from '../../core/errors.ts'
import { readTask } from '../../db/statements/reads.ts'
import { startAs } from '../start.ts'
import { type Chat, progressOf, refusalOf, say, wordsOf } from './chat.ts'

const usualCount = 3
const most = 10
const longestTopic = 200
const usualTopic = { en: 'everyday life', ru: 'будни' } as const

/** "3 office cats", "office cats", "3", or nothing. */
export function readWish(text: string, language: Chat['language']): { count: number; topic: string } | undefined {
  const whole = text.trim().replaceAll(/\s+/g, ' ')
  const [, number, topic = ''] = /^(\d+)(?: (.*))?$/.exec(whole) ?? [whole, undefined, whole]
  const count = number === undefined ? usualCount : Number(number)
  if (count < 1 || count > most || topic.length > longestTopic) return undefined
  return { count, topic: topic || usualTopic[language] }
}

export async function generate(chat: Chat, text: string): Promise<void> {
  const wish = readWish(text, chat.language)
  if (!wish) return say(chat, wordsOf(chat).howMany)
  const fields = { recipe: 'memes', ...wish }
  try {
    const asked = { user_id: chat.user_id, idempotency_key: `telegram:${chat.update_id}`, fields }
    const { started } = await startAs(chat.deps, chat.context, asked)
    await say(chat, wordsOf(chat).begun(wish), { buttons: [[{ kind: 'cancel', task_id: started.id }]] })
  } catch (error) {
    await refuseStart(chat, error)
  }
}

/** Where another task is in the way, it is named, with a button that stops it. */
export async function refuseStart(chat: Chat, error: unknown): Promise<void> {
  if (!(error instanceof AppError) || error.code !== 'already_running') return say(chat, refusalOf(chat, error))
  const id = error.extra['task_id']
  const task = typeof id === 'string' ? await readTask(chat.deps.db, { id, user_id: chat.user_id }) : undefined
  if (!task) return say(chat, wordsOf(chat).runningElsewhere)
  const text = wordsOf(chat).running({ ...progressOf(task), status: task.status })
  await say(chat, text, { buttons: [[{ kind: 'cancel', task_id: task.id }]] })
}
