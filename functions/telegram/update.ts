// One update of Telegram's, from the update to what the person sees: which handler it goes to, what becomes of refusals and faults, and that
// a repeated one is handled once. functions/telegram.ts calls it.
import type { Context } from 'grammy'
import type { Update, User } from 'grammy/types'
import { markHandled, meetChat, silenceChat } from '../../db/statements/telegram.ts'
import type { Deps, EndpointContext } from '../../engine/deps.ts'
import { askMe, clientOptions, failureOf, loadGrammy } from '../../notify/telegram/api.ts'
import { languageOf } from '../../notify/telegram/words.ts'
import { type Chat, chatUser, isTemporary, say, wordsOf } from './chat.ts'
import { generate } from './generate.ts'
import { link, unlink } from './link.ts'
import { offers, takePhoto } from './photos.ts'
import { press } from './press.ts'
import { askToDelete, cancelRunning, showHistory, showStanding } from './tasks.ts'
import { words } from './words.ts'

type Meeting = Pick<Chat, 'deps' | 'context' | 'update_id' | 'delivery'>

export async function handleUpdate(
  deps: Deps,
  context: EndpointContext,
  update: Update,
  delivery: Chat['delivery'],
): Promise<void> {
  const { Bot } = await loadGrammy()
  const botInfo = await askMe(deps.config)
  const bot = new Bot(deps.config.TELEGRAM_BOT_TOKEN ?? '', { botInfo, client: clientOptions(deps.config) })
  const meeting: Meeting = { deps, context, update_id: update.update_id, delivery }
  bot.on('my_chat_member', async ({ myChatMember: { chat, new_chat_member: member } }) => {
    if (member.status === 'kicked' || member.status === 'left') await silenceChat(deps.db, { chat_id: chat.id })
  })
  const inPrivate = bot.chatType('private')
  inPrivate.command(
    'start',
    withChat(meeting, (chat, code) => (code ? link(chat, code) : help(chat))),
  )
  inPrivate.command('help', withChat(meeting, help))
  inPrivate.command('generate', withChat(meeting, generate))
  inPrivate.command('status', withChat(meeting, showStanding))
  inPrivate.command('cancel', withChat(meeting, cancelRunning))
  inPrivate.command('history', withChat(meeting, showHistory))
  inPrivate.command('delete', withChat(meeting, askToDelete))
  inPrivate.command('unlink', withChat(meeting, unlink))
  inPrivate.on('callback_query:data', (own) => withChat(meeting, (chat) => answerPress(chat, own))(own))
  inPrivate.on('message', (own) =>
    withChat(meeting, (chat) =>
      own.message.photo || own.message.document
        ? takePhoto(chat, own.message)
        : say(chat, wordsOf(chat).unknownCommand),
    )(own),
  )
  bot.on('callback_query', (own) => own.answerCallbackQuery(wordsFor(own.from).onlyPrivate).then(() => undefined))
  bot.on('message::bot_command', (own) => own.reply(wordsFor(own.from).onlyPrivate).then(() => undefined))
  await bot.handleUpdate(update)
}

const wordsFor = (from: User | undefined) => words[languageOf(from?.language_code)]

/** Who speaks becomes known; what was handled before is not handled again. */
function withChat(meeting: Meeting, handle: (chat: Chat, match: string) => Promise<void>) {
  return async (own: Context): Promise<void> => {
    const { from, api } = own
    if (!from || from.is_bot) return
    const { deps, update_id } = meeting
    const user_id = chatUser(from.id)
    // Not every update has it, whatever its type says.
    const name = String(from.first_name ?? '').slice(0, 64)
    const language = languageOf(from.language_code)
    const address = { chat_id: from.id, language, name }
    const { is_handled, linked } = await meetChat(deps.db, { user_id, update_id, address, now: deps.now?.() })
    if (is_handled) return
    const chat: Chat = { ...meeting, api, id: from.id, user_id, linked, name, language }
    await guarded(chat, () => handle(chat, typeof own.match === 'string' ? own.match : ''))
    await markHandled(deps.db, { chat_id: from.id, update_id })
  }
}

/** A fault of ours would be one again the next time, so the person is told; what is only away is thrown on, where Telegram repeats the update. */
async function guarded(chat: Chat, handle: () => Promise<void>): Promise<void> {
  try {
    await handle()
  } catch (error) {
    if (isTemporary(error) && !chat.delivery.isLast) throw error
    const reason = failureOf(error)?.reason
    chat.deps.log.error(
      { ...(reason ? { reason } : { err: error }), update: chat.update_id },
      'an update was not handled',
    )
    await say(chat, wordsOf(chat).fault)
  }
}

async function help(chat: Chat): Promise<void> {
  const { deps } = chat
  const offered = { edit: offers(deps, 'edit'), tryOn: offers(deps, 'try-on'), memes: offers(deps, 'memes') }
  await say(chat, wordsOf(chat).help(offered))
}

/** Longer ones are cut off by Telegram's own limit. */
const longestAnswer = 200

async function answerPress(chat: Chat, own: Context): Promise<void> {
  const { data = '', message } = own.callbackQuery ?? {}
  const { says, isDone } = await press(chat, data, new Date((message?.date ?? 0) * 1000))
  await own.answerCallbackQuery(says ? { text: says.slice(0, longestAnswer) } : undefined).catch(ignoreRefusal(chat))
  if (isDone) await own.editMessageReplyMarkup().catch(ignoreRefusal(chat))
}

/** The question is too old to be answered, or the message has lost its buttons already; or it isn't asked again, and all is shown. */
const ignoreRefusal = (chat: Chat) => (error: unknown) => {
  const failure = failureOf(error)
  if (failure?.kind !== 'refused' && !(failure && chat.delivery.isLast)) throw error
}
