// The Bot API's methods that a bot of this product calls, with Telegram's own limits (npm:@grammyjs/types, its `methods.d.ts`).
import sharp from 'sharp'
import {
  BotApiError,
  type Button,
  botUser,
  type ChatMessage,
  messageOf,
  newFileId,
  requirePerson,
  type State,
  type StoredFile,
} from './state.ts'

/** A call's fields: JSON members, or the parts of a multipart form. */
export type Call = Readonly<Record<string, unknown>>
type Method = (state: State, call: Call) => Promise<unknown> | unknown

const limits = {
  text: 4_096,
  caption: 1_024,
  callbackBytes: 64,
  answer: 200,
  photoBytes: 10 * 1024 * 1024,
  photoSides: 10_000,
  otherBytes: 50 * 1024 * 1024,
  getFileBytes: 20 * 1024 * 1024,
}

export const methods: Readonly<Record<string, Method>> = {
  getMe: (state) => ({ ...botUser(state), can_join_groups: false, supports_inline_queries: false }),
  setWebhook: (state, { url, secret_token: secret, allowed_updates: allowed }) => {
    if (secret !== undefined && !/^[A-Za-z0-9_-]{1,256}$/.test(String(secret)))
      throw new BotApiError(400, 'Bad Request: secret token contains unallowed characters')
    const list = typeof allowed === 'string' ? JSON.parse(allowed) : allowed
    state.webhook = url
      ? {
          url: String(url),
          secret: secret === undefined ? undefined : String(secret),
          allowed: list as string[] | undefined,
        }
      : undefined
    return true
  },
  deleteWebhook: (state) => {
    state.webhook = undefined
    return true
  },
  getWebhookInfo: ({ webhook, pending, lastError }) => ({
    url: webhook?.url ?? '',
    has_custom_certificate: false,
    pending_update_count: pending.length,
    allowed_updates: webhook?.allowed,
    ...(lastError && { last_error_message: lastError }),
  }),
  setMyCommands: () => true,
  sendMessage: (state, call) => add(state, call, { kind: 'text', text: textOf(call, 'text', limits.text) }),
  sendPhoto: async (state, call) => {
    const file = await fileOf(state, call['photo'], limits.photoBytes)
    const { width, height, format } = await sharp(file.bytes)
      .metadata()
      .catch(() => ({ width: 0, height: 0, format: '' }))
    if (width === 0) throw new BotApiError(400, 'Bad Request: IMAGE_PROCESS_FAILED')
    if (width + height > limits.photoSides || Math.max(width, height) / Math.min(width, height) > 20)
      throw new BotApiError(400, 'Bad Request: PHOTO_INVALID_DIMENSIONS')
    // By its content, whatever the form says of it.
    const photo = { ...file, type: `image/${format}`, width, height }
    return add(state, call, { kind: 'photo', file: photo, caption: captionOf(call) })
  },
  sendDocument: (state, call) => addFile(state, call, 'document'),
  sendVideo: (state, call) => addFile(state, call, 'video'),
  editMessageReplyMarkup: (state, call) => {
    const message = state.messages.find((one) => one.isBots && one.message_id === Number(call['message_id']))
    if (!message || message.chat !== Number(call['chat_id']))
      throw new BotApiError(400, 'Bad Request: message to edit not found')
    const buttons = buttonsOf(call)
    if (JSON.stringify(buttons) === JSON.stringify(message.buttons))
      throw new BotApiError(400, 'Bad Request: message is not modified')
    message.buttons = buttons
    return messageOf(state, message)
  },
  answerCallbackQuery: ({ presses }, call) => {
    const press = presses.get(String(call['callback_query_id']))
    if (!press)
      throw new BotApiError(400, 'Bad Request: query is too old and response timeout expired or query ID is invalid')
    press.answered = true
    press.text = call['text'] === undefined ? undefined : textOf(call, 'text', limits.answer)
    return true
  },
  getFile: ({ files }, { file_id }) => {
    const file = files.get(String(file_id))
    if (!file) throw new BotApiError(400, 'Bad Request: invalid file_id')
    if (file.bytes.byteLength > limits.getFileBytes) throw new BotApiError(400, 'Bad Request: file is too big')
    const file_path = `${file.type.startsWith('image/') ? 'photos' : 'documents'}/${file.id}`
    return { file_id: file.id, file_unique_id: file.id.slice(0, 12), file_size: file.bytes.byteLength, file_path }
  },
}

async function addFile(state: State, call: Call, kind: 'document' | 'video') {
  const file = await fileOf(state, call[kind], limits.otherBytes)
  return add(state, call, { kind, file, caption: captionOf(call) })
}

function add(state: State, call: Call, content: Pick<ChatMessage, 'kind' | 'text' | 'caption' | 'file'>) {
  const person = requirePerson(state, Number(call['chat_id']))
  if (person.blocked) throw new BotApiError(403, 'Forbidden: bot was blocked by the user')
  const message: ChatMessage = {
    message_id: state.nextMessage,
    chat: person.id,
    isBots: true,
    date: Math.floor(state.options.now().getTime() / 1000),
    buttons: buttonsOf(call),
    ...content,
  }
  state.nextMessage += 1
  if (message.file) state.files.set(message.file.id, message.file)
  state.messages.push(message)
  return messageOf(state, message)
}

function textOf(call: Call, name: string, most: number): string {
  const text = String(call[name] ?? '')
  if (text === '') throw new BotApiError(400, 'Bad Request: message text is empty')
  if (text.length > most) throw new BotApiError(400, 'Bad Request: message is too long')
  return text
}

function captionOf(call: Call): string | undefined {
  if (call['caption'] === undefined) return undefined
  const caption = String(call['caption'])
  if (caption.length > limits.caption) throw new BotApiError(400, 'Bad Request: message caption is too long')
  return caption
}

function buttonsOf(call: Call): Button[][] {
  const given = call['reply_markup']
  const markup = (typeof given === 'string' ? JSON.parse(given) : given) as { inline_keyboard?: Button[][] } | undefined
  const rows = markup?.inline_keyboard ?? []
  for (const { callback_data: data } of rows.flat()) {
    const bytes = Buffer.byteLength(data)
    if (bytes < 1 || bytes > limits.callbackBytes) throw new BotApiError(400, 'Bad Request: BUTTON_DATA_INVALID')
  }
  return rows
}

/** A file that is sent along, or one that Telegram has already. Addresses on the web are not fetched here. */
async function fileOf(state: State, given: unknown, mostBytes: number): Promise<StoredFile> {
  if (given instanceof File) {
    if (given.size > mostBytes) throw new BotApiError(413, 'Request Entity Too Large')
    return {
      id: newFileId(),
      type: given.type || 'application/octet-stream',
      name: given.name,
      bytes: new Uint8Array(await given.arrayBuffer()),
    }
  }
  const known = state.files.get(String(given))
  if (!known) throw new BotApiError(400, 'Bad Request: wrong file identifier/HTTP URL specified')
  return known
}
