// Photos that are sent to the bot: one with a caption is changed as it says, an album is a person and then garments to try on. An album's
// photos come one by one, each in an update of its own: the update that seems to bring the last one starts the task.
import type { Message } from 'grammy/types'
import { AppError } from '../../core/errors.ts'
import { readStarted } from '../../db/statements/reads.ts'
import { type Album, addToAlbum, takeAlbum } from '../../db/statements/telegram.ts'
import type { Deps } from '../../engine/deps.ts'
import { offeredRecipes } from '../../engine/offer.ts'
import { downloadPhoto, failureOf } from '../../notify/telegram/api.ts'
import { startAs } from '../start.ts'
import { uploadAs } from '../upload.ts'
import { type Chat, say, wordsOf } from './chat.ts'
import { refuseStart } from './generate.ts'

/** From an album's last photo to its start. They come within a second of each other. */
export const albumRestMs = 2_000

export const offers = (deps: Deps, name: string): boolean => offeredRecipes(deps).some((recipe) => recipe.name === name)

/** Photos, and images that are sent as files; `undefined` where it is something else. */
function fileIdOf({ photo, document }: Pick<Message, 'photo' | 'document'>): string | undefined {
  // Telegram lists a photo's sizes; the last is the largest.
  return photo?.at(-1)?.file_id ?? (document?.mime_type?.startsWith('image/') ? document.file_id : undefined)
}

export async function takePhoto(chat: Chat, message: Message): Promise<void> {
  const file_id = fileIdOf(message)
  if (!file_id) return say(chat, wordsOf(chat).unknownCommand)
  const { media_group_id: album, message_id, caption } = message
  if (album) return joinAlbum(chat, { album, photo: { message_id, file_id }, caption })
  const words = wordsOf(chat)
  if (!offers(chat.deps, 'edit')) return say(chat, caption ? words.editNotOffered : words.photoAlone)
  if (!caption) return say(chat, words.photoAlone)
  await begin(chat, `telegram:${chat.update_id}`, words.editTaken, async () => {
    const [image] = await keep(chat, [file_id])
    return { recipe: 'edit', image, prompt: caption }
  })
}

async function joinAlbum(
  chat: Chat,
  { album: name, ...added }: { album: string } & Pick<Parameters<typeof addToAlbum>[1], 'photo' | 'caption'>,
): Promise<void> {
  const { deps, context, id: chat_id } = chat
  if (!offers(deps, 'try-on')) return say(chat, wordsOf(chat).tryOnNotOffered)
  const album = await addToAlbum(deps.db, { chat_id, album: name, ...added })
  if (!album || album.started) return say(chat, wordsOf(chat).latePhoto)
  // After the answer: Telegram may send the next photo only then.
  context.waitUntil(beginAtRest(chat, name, album.photos.length))
}

/** Where this dies, nothing was begun and nothing is said: the person sends the album again. Never rejects. */
async function beginAtRest(chat: Chat, album: string, count: number): Promise<void> {
  const { deps, id: chat_id } = chat
  try {
    await rest(deps)
    const whole = await takeAlbum(deps.db, { chat_id, album, count })
    if (whole) await tryOn(chat, whole)
  } catch (error) {
    deps.log.error({ ...reasonOf(error), update: chat.update_id }, 'an album was not begun')
    await say(chat, wordsOf(chat).fault).catch((again) =>
      deps.log.warn(reasonOf(again), 'a person could not be answered'),
    )
  }
}

/** A refusal of Telegram's holds what was sent to it, which is no log's. */
function reasonOf(error: unknown): { err: unknown } | { reason: string } {
  const failure = failureOf(error)
  return failure ? { reason: failure.reason } : { err: error }
}

const rest = ({ wait }: Deps): Promise<void> =>
  wait ? wait(albumRestMs, new AbortController().signal) : new Promise((resolve) => setTimeout(resolve, albumRestMs))

async function tryOn(chat: Chat, { id, photos, caption }: Album): Promise<void> {
  const words = wordsOf(chat)
  if (photos.length < 2) return say(chat, words.photoAlone)
  const hints = caption?.trim().slice(0, 500)
  await begin(chat, `telegram:${chat.id}:${id}`, words.photosTaken({ garments: photos.length - 1 }), async () => {
    const [person_image, ...garments] = await keep(
      chat,
      photos.map(({ file_id }) => file_id),
    )
    return { recipe: 'try-on', person_image, garments, ...(hints && { prompt_hints: hints }) }
  })
}

/** What was begun by the same update before is not fetched again: its photos would be other files, and so another request. */
async function begin(chat: Chat, idempotency_key: string, taken: string, read: () => Promise<object>): Promise<void> {
  const { deps, context, user_id } = chat
  try {
    const earlier = await readStarted(deps.db, { user_id, idempotency_key })
    const task = earlier ?? (await startAs(deps, context, { user_id, idempotency_key, fields: await read() })).started
    await say(chat, taken, { buttons: [[{ kind: 'cancel', task_id: task.id }]] })
  } catch (error) {
    // The same update at the same time: the other one begins it, and says so.
    if (error instanceof AppError && error.code === 'idempotency_mismatch') return
    await refuseStart(chat, error)
  }
}

/** One after the other, so that one picture at a time is unfolded in memory. */
async function keep(chat: Chat, fileIds: readonly string[]): Promise<string[]> {
  const addresses: string[] = []
  for (const id of fileIds) addresses.push(await uploadAs(chat.deps, chat.user_id, await download(chat, id)))
  return addresses
}

async function download({ deps, api }: Chat, fileId: string): Promise<Uint8Array> {
  const bytes = await downloadPhoto(deps.config, await api.getFile(fileId))
  if (!bytes) throw new AppError('body_too_large', 'A photo may have at most 20 MB.')
  return bytes
}
