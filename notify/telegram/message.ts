// A message of the bot: words, perhaps a stored file, and buttons. It is made to fit Telegram's limits: a picture of another type or too large
// is drawn anew as a JPEG, what can't be one is sent as a document, and what is larger still is only told of. The channel and the commands
// send with it.
import type { Api } from 'grammy'
import { buttonData, type Press } from '../../core/button.ts'
import { chosenFile, resultKey, storedAttempt, type Task } from '../../core/task.ts'
import { fileEnding } from '../../core/view.ts'
import type { Files, StoredFile } from '../../storage/files.ts'
import { loadGrammy } from './api.ts'
import { type Language, words } from './words.ts'

/** As Telegram documents them. */
const limits = {
  text: 4_096,
  caption: 1_024,
  photoBytes: 10_000_000,
  documentBytes: 50_000_000,
  /** Width and height together. */
  photoSides: 10_000,
  photoRatio: 20,
}
/** Telegram shows no more of a photo. */
const longestSide = 2_560
const maxPixels = 50_000_000

export interface Button extends Press {
  /** Instead of the kind's own words. */
  text?: string
}

export interface Message {
  text: string
  /** A stored file's key. */
  file?: string | undefined
  buttons?: readonly (readonly Button[])[]
}

export interface Chat {
  id: number
  language: Language
}

type Sending = { api: Api; files: Files }

/** Throws what the Bot API refuses. */
export async function sendMessage({ api, files }: Sending, chat: Chat, message: Message): Promise<void> {
  const found = message.file ? await files.read(message.file) : undefined
  const reply_markup = message.buttons && { inline_keyboard: keyboardOf(chat.language, message.buttons) }
  const more = { ...(reply_markup && { reply_markup }) }
  if (found && found.file.size <= limits.documentBytes) {
    const caption = shortened(message.text, limits.caption)
    return sendFile(api, chat.id, found, { caption, ...more })
  }
  await found?.body.cancel()
  const text = message.file && found ? `${message.text}\n${words[chat.language].unsendable}` : message.text
  await api.sendMessage(chat.id, shortened(text, limits.text), more)
}

const keyboardOf = (language: Language, rows: NonNullable<Message['buttons']>) =>
  rows.map((row) =>
    row.map(({ text, ...press }) => ({ text: text ?? wordOf(language, press.kind), callback_data: buttonData(press) })),
  )

function wordOf(language: Language, kind: Press['kind']): string {
  return kind === 'results' ? '🖼' : words[language].buttons[kind]
}

const shortened = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

interface Found {
  file: StoredFile
  body: ReadableStream<Uint8Array>
}

async function sendFile(api: Api, chat: number, { file, body }: Found, more: object): Promise<void> {
  const { InputFile } = await loadGrammy()
  const bytes = await new Response(body).bytes()
  const name = `result.${fileEnding(file.type)}`
  const photo = file.type.startsWith('image/') ? await photoOf(bytes) : undefined
  if (photo) await api.sendPhoto(chat, new InputFile(photo, 'picture.jpg'), more)
  else if (file.type === 'video/mp4') await api.sendVideo(chat, new InputFile(bytes, name), more)
  else await api.sendDocument(chat, new InputFile(bytes, name), more)
}

/** The picture as Telegram takes a photo, or undefined where it can't be one: as long as a ribbon. */
async function photoOf(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  // Loaded with the first picture: it is heavy.
  const { default: sharp } = await import('sharp')
  const image = sharp(bytes, { limitInputPixels: maxPixels })
  const { format, width, height } = await image.metadata()
  if (Math.max(width, height) / Math.min(width, height) > limits.photoRatio) return undefined
  const isTaken = format === 'jpeg' || format === 'png'
  if (isTaken && bytes.byteLength <= limits.photoBytes && width + height <= limits.photoSides) return bytes
  const side = { width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true } as const
  return image.resize(side).flatten({ background: '#fff' }).jpeg({ quality: 90 }).toBuffer()
}

/** The file that is a step's result, as it was chosen; of the newest step by default. */
export function resultOf(task: Pick<Task, 'id' | 'steps'>, step = task.steps.length): string | undefined {
  const stored = storedAttempt(task, step)
  return stored && resultKey(task.id, step, stored.prediction_id, chosenFile(task, step) - 1)
}
