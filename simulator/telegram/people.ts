// What people do in the simulated chat: write, send photos and albums, press buttons, stop the bot. The chat page and tests call it.
import { randomUUID } from 'node:crypto'
import sharp from 'sharp'
import {
  type ChatMessage,
  messageOf,
  newFileId,
  type Person,
  requirePerson,
  type State,
  type StoredFile,
  userOf,
} from './state.ts'

export interface Photo {
  bytes: Uint8Array<ArrayBuffer>
  type?: string
  caption?: string
}

/** Somebody who has opened the chat; known from then on, in the language in which they open it now. */
export function join(state: State, person: Omit<Person, 'blocked'>): Person {
  const known = Object.assign(state.people.get(person.id) ?? { blocked: false }, person)
  state.people.set(person.id, known)
  return known
}

export function write(state: State, from: number, text: string): ChatMessage {
  const message = post(state, from, { kind: 'text', text })
  update(state, { message: messageOf(state, message) })
  return message
}

/** Photos that are sent together arrive as one update each, with one `media_group_id`. */
export async function sendPhotos(state: State, from: number, photos: readonly Photo[]): Promise<void> {
  const media_group_id = photos.length > 1 ? randomUUID() : undefined
  for (const { bytes, type = 'image/jpeg', caption } of photos) {
    // Telegram makes a JPEG of every photo, at most 1,280 pixels a side.
    const jpeg = new Uint8Array(
      await sharp(bytes).rotate().resize(1_280, 1_280, { fit: 'inside', withoutEnlargement: true }).jpeg().toBuffer(),
    )
    const { width, height } = await sharp(jpeg).metadata()
    const file: StoredFile = {
      id: newFileId(),
      type: 'image/jpeg',
      name: `photo.${type.split('/')[1]}`,
      bytes: jpeg,
      width,
      height,
    }
    state.files.set(file.id, file)
    const message = post(state, from, { kind: 'photo', file, caption, media_group_id })
    update(state, { message: messageOf(state, message) })
  }
}

/** Presses a button of a bot's message; gives the query's id, under which its answer is found. */
export function press(state: State, from: number, messageId: number, data: string): string {
  const person = requirePerson(state, from)
  const message = state.messages.find((one) => one.message_id === messageId)
  if (!message) throw new Error(`there is no message ${messageId}`)
  const id = randomUUID()
  state.presses.set(id, { answered: false })
  update(state, {
    callback_query: {
      id,
      from: userOf(person),
      message: messageOf(state, message),
      chat_instance: String(message.chat),
      data,
    },
  })
  return id
}

/** Stops the bot, or starts it again: sends are refused with 403 from then on, or taken again. */
export function block(state: State, from: number, blocked: boolean): void {
  const person = requirePerson(state, from)
  const member = (status: string) => ({ user: { id: 1, is_bot: true, first_name: 'Stepgate' }, status })
  const change = {
    old_chat_member: member(blocked ? 'member' : 'kicked'),
    new_chat_member: member(blocked ? 'kicked' : 'member'),
  }
  person.blocked = blocked
  const chat = { id: person.id, type: 'private', first_name: person.first_name }
  update(state, { my_chat_member: { chat, from: userOf(person), date: secondsOf(state), ...change } })
}

function post(
  state: State,
  from: number,
  content: Pick<ChatMessage, 'kind' | 'text' | 'caption' | 'file' | 'media_group_id'>,
): ChatMessage {
  const message: ChatMessage = {
    message_id: state.nextMessage,
    chat: requirePerson(state, from).id,
    isBots: false,
    date: secondsOf(state),
    buttons: [],
    ...content,
  }
  state.nextMessage += 1
  state.messages.push(message)
  return message
}

function update(state: State, body: Record<string, unknown>): void {
  state.pending.push({ update_id: state.nextUpdate, body })
  state.nextUpdate += 1
}

const secondsOf = ({ options }: State) => Math.floor(options.now().getTime() / 1000)
