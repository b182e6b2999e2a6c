// A message of the bot: words, perhaps a stored file, and buttons. It is made to fit Telegram's limits: a picture of another type or too large
// is drawn anew as a JPEG, what can't be one, or is refused, is sent as a document, and what can't be that is only told of. The channel and
// the commands send with it.
import type { Api } from 'grammy'
import { buttonData, type Press } from '../../core/button.ts'
import { chosenFile, resultKey, storedAttempt, type Task } from '../../core/task.ts'
import { fileEnding } from '../../core/view.ts'
import type { Files, StoredFile } from '../../storage/files.ts'
import { failureOf, loadGrammy } from './api.ts'
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

interface Chat {
  id: number
  language: Language
}

interface Sending {
  api: Api
  files: Files
  /** Ends the call where nobody waits for it any more. */
  signal?: AbortSignal
}

/** Throws what the Bot API refuses. */
export async function sendMessage(sending: Sending, chat: Chat, message: Message): Promise<void> {
  const { api, files } = sending
  const found = message.file ? await files.read(message.file) : undefined
  const reply_markup = message.buttons && { inline_keyboard: keyboardOf(chat.language, message.buttons) }
  const more = { ...(reply_markup && { reply_markup }) }
  if (found && found.file.size <= limits.documentBytes) {
    const caption = shortened(message.text, limits.caption)
    if (await isFileSent(sending, chat.id, found, { caption, ...more })) return
  } else await found?.body.cancel()
  const text = message.file && found ? `${message.text}\n${words[chat.language].unsendable}` : message.text
  await api.sendMessage(chat.id, shortened(text, limits.text), more, signalOf(sending))
}

/** grammY's types are those of a library that its build for the web does without. */
const signalOf = ({ signal }: Sending) => signal as Parameters<Api['sendMessage']>[3]

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

/** As what it is, or else as a document. False: Telegram takes it in no way. */
async function isFileSent(sending: Sending, chat: number, { file, body }: Found, more: object): Promise<boolean> {
  const { api } = sending
  const signal = signalOf(sending)
  const { InputFile } = await loadGrammy()
  const bytes = await new Response(body).bytes()
  const name = `result.${fileEnding(file.type)}`
  const photo = file.type.startsWith('image/') ? await photoOf(bytes) : undefined
  const ways: (() => Promise<unknown>)[] = [() => api.sendDocument(chat, new InputFile(bytes, name), more, signal)]
  if (file.type === 'video/mp4') ways.unshift(() => api.sendVideo(chat, new InputFile(bytes, name), more, signal))
  if (photo) ways.unshift(() => api.sendPhoto(chat, new InputFile(photo, 'picture.jpg'), more, signal))
  for (const send of ways) {
    try {
      await send()
      return true
    } catch (error) {
      if (failureOf(error)?.kind !== 'refused') throw error
    }
  }
  return false
}

/** The picture as Telegram takes a photo, or undefined where it can't be one: damaged, too large to be drawn, or as long as a ribbon. */
async function photoOf(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  // Loaded with the first picture: it is heavy.
  const { default: sharp } = await import('sharp')
  try {
    const image = sharp(bytes, { limitInputPixels: maxPixels })
    const { format, width, height } = await image.metadata()
    if (Math.max(width, height) / Math.min(width, height) > limits.photoRatio) return undefined
    const isTaken = format === 'jpeg' || format === 'png'
    if (isTaken && bytes.byteLength <= limits.photoBytes && width + height <= limits.photoSides) return bytes
    const side = { width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true } as const
    return await image.resize(side).flatten({ background: '#fff' }).jpeg({ quality: 90 }).toBuffer()
  } catch {
    return undefined
  }
}

/** The file that is a step's result, as it was chosen; of the newest step by default. */
export function resultOf(task: Pick<Task, 'id' | 'steps'>, step = task.steps.length): string | undefined {
  const stored = storedAttempt(task, step)
  return stored && resultKey(task.id, step, stored.prediction_id, chosenFile(task, step) - 1)
}
