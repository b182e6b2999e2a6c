// What the simulated Telegram knows: people, their chats with the one bot, files, and updates that the bot has not taken yet.
import { randomBytes } from 'node:crypto'
import type { Faults } from './faults.ts'

export interface TelegramOptions {
  /** Where its own addresses point, without a trailing slash. */
  readonly baseUrl: string
  /** The bot's token, as BotFather gives one: `123456:abc…`. */
  readonly token: string
  readonly username: string
  readonly now: () => Date
}

export interface Person {
  readonly id: number
  readonly first_name: string
  readonly language_code: string
  /** Whether they have stopped the bot. */
  blocked: boolean
}

export interface Button {
  readonly text: string
  readonly callback_data: string
}

export interface StoredFile {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly width?: number | undefined
  readonly height?: number | undefined
}

/** One message of a chat, from the person or from the bot. */
export interface ChatMessage {
  readonly message_id: number
  readonly chat: number
  readonly isBots: boolean
  readonly date: number
  text?: string | undefined
  caption?: string | undefined
  file?: StoredFile | undefined
  kind: 'text' | 'photo' | 'document' | 'video'
  media_group_id?: string | undefined
  buttons: Button[][]
}

/** An update on its way to the webhook; Telegram sends it again until it is answered 2xx. */
export interface Update {
  readonly update_id: number
  readonly body: Record<string, unknown>
}

export interface Webhook {
  readonly url: string
  readonly secret: string | undefined
  readonly allowed: readonly string[] | undefined
}

export interface State {
  readonly options: TelegramOptions
  readonly people: Map<number, Person>
  readonly messages: ChatMessage[]
  readonly files: Map<string, StoredFile>
  readonly presses: Map<string, { answered: boolean; text?: string | undefined }>
  readonly faults: Faults
  pending: Update[]
  webhook: Webhook | undefined
  lastError: string | undefined
  nextUpdate: number
  nextMessage: number
}

export function createState(options: TelegramOptions, faults: Faults): State {
  return {
    options,
    people: new Map(),
    messages: [],
    files: new Map(),
    presses: new Map(),
    faults,
    pending: [],
    webhook: undefined,
    lastError: undefined,
    // Another number after a restart: the bot knows the updates that it has handled.
    nextUpdate: Math.floor(options.now().getTime() / 1000),
    nextMessage: 1,
  }
}

export const newFileId = (): string => randomBytes(24).toString('base64url')

export const botUser = ({ options }: State) => ({
  id: Number(options.token.split(':')[0]),
  is_bot: true,
  first_name: 'Stepgate',
  username: options.username,
})

/** The person as the Bot API shows them. */
export const userOf = ({ id, first_name, language_code }: Person) => ({ id, is_bot: false, first_name, language_code })

/** A message as the Bot API shows it. */
export function messageOf(state: State, message: ChatMessage): Record<string, unknown> {
  const person = requirePerson(state, message.chat)
  const { message_id, date, text, caption, file, kind, media_group_id, buttons } = message
  return {
    message_id,
    date,
    chat: { id: person.id, type: 'private', first_name: person.first_name },
    from: message.isBots ? botUser(state) : userOf(person),
    ...(text !== undefined && { text, ...(text.startsWith('/') && { entities: [commandIn(text)] }) }),
    ...(caption !== undefined && {
      caption,
      ...(caption.startsWith('/') && { caption_entities: [commandIn(caption)] }),
    }),
    ...(media_group_id && { media_group_id }),
    ...(file && {
      [kind]: kind === 'photo' ? [sizeOf(file)] : { ...sizeOf(file), file_name: file.name, mime_type: file.type },
    }),
    ...(buttons.length > 0 && { reply_markup: { inline_keyboard: buttons } }),
  }
}

const sizeOf = ({ id, bytes, width, height }: StoredFile) => ({
  file_id: id,
  file_unique_id: id.slice(0, 12),
  file_size: bytes.byteLength,
  ...(width !== undefined && { width, height }),
})

const commandIn = (text: string) => ({ type: 'bot_command', offset: 0, length: /^\S+/.exec(text)?.[0].length ?? 0 })

export function requirePerson(state: State, id: number): Person {
  const person = state.people.get(id)
  if (!person) throw new BotApiError(400, 'Bad Request: chat not found')
  return person
}

/** A refusal in the Bot API's own shape. */
export class BotApiError extends Error {
  override name = 'BotApiError'
  readonly code: number
  readonly parameters: { retry_after?: number } | undefined

  constructor(code: number, description: string, parameters?: { retry_after?: number }) {
    super(description)
    this.code = code
    this.parameters = parameters
  }
}
