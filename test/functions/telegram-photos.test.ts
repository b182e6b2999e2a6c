// Photos in the chat: an album is a person and then garments, whenever its photos come; a single one is changed as its caption says.
import { sql } from 'kysely'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { albumRestMs } from '../../functions/telegram/photos.ts'
import { telegram as endpoint } from '../../functions/telegram.ts'
import type { ChatMessage, Photo } from '../../simulator/telegram/index.ts'
import { StoreFault } from '../../storage/store.ts'
import { openClient } from '../setup/client.ts'
import { testClock } from '../setup/clock.ts'
import type { Row } from '../setup/factory.ts'
import { botSecret, useBot } from './telegram-setup.ts'

let rests: PromiseWithResolvers<void>[] = []
let isImpatient = false
/** After each photo its album rests until the test says so; answers are waited for as ever. */
const wait = (ms: number) => {
  const rest = Promise.withResolvers<void>()
  if (ms === albumRestMs) rests.push(rest)
  else if (isImpatient) rest.resolve()
  return rest.promise
}
const { app, telegram, settle } = await useBot({ clock: testClock(), wait })

async function photo(side: number, caption?: string): Promise<Photo> {
  const image = sharp({ create: { width: side, height: side, channels: 3, background: '#36c' } })
  return { bytes: new Uint8Array(await image.png().toBuffer()), type: 'image/png', ...(caption && { caption }) }
}

const chatOf = (id: number, language_code = 'en') => telegram.chat({ id, first_name: 'Ann', language_code })
type Chat = ReturnType<typeof chatOf>
const last = (chat: Chat) => chat.messages.findLast(({ isBots }) => isBots)
const rows = async (user: number): Promise<Row[]> =>
  (await sql<Row>`select * from tasks where user_id = ${`telegram:${user}`} order by id`.execute(app.deps.db)).rows

/** Sent, taken, and at rest. */
async function sendAlbum(chat: Chat, photos: Photo[]): Promise<void> {
  rests = []
  await chat.sendPhotos(photos)
  await telegram.settled()
  for (const rest of rests) rest.resolve()
  await settle()
}

/** A photo that Telegram knows, as an update of its own. */
function photoCall(id: number, media_group_id: string, message_id: number, known: ChatMessage | undefined) {
  const from = { id, is_bot: false, first_name: 'Ann', language_code: 'en' }
  const photo = [{ file_id: known?.file?.id }]
  const message = { message_id, date: 1, media_group_id, photo, from, chat: { id, type: 'private' } }
  const headers = { 'x-telegram-bot-api-secret-token': botSecret }
  return { path: '/api/telegram', body: { update_id: 99_000 + message_id, message }, headers }
}

/** The longer side of each stored input, in the order of the task's fields. */
async function sidesOf({ id }: Row): Promise<number[]> {
  const keys = (await app.deps.files.keys(`inputs/${id}/`)).toSorted()
  return Promise.all(
    keys.map(async (key) => {
      const found = await app.deps.files.read(key)
      return (await sharp(await new Response(found?.body).bytes()).metadata()).width
    }),
  )
}

test('an album starts one try-on: the first photo is the person, the others are garments in their order', async () => {
  const chat = chatOf(31)
  await sendAlbum(chat, [await photo(101, 'tight'), await photo(102), await photo(103)])
  const [row, ...others] = await rows(31)
  expect(others).toEqual([])
  expect(row).toMatchObject({ recipe: 'try-on', total_steps: 2 })
  expect(row?.input).toMatchObject({ prompt_hints: 'tight' })
  expect(await sidesOf(row as Row)).toEqual([101, 102, 103])
  expect(last(chat)?.text).toContain('then come 2 garments')
})

test('an album is begun by whoever brought its last photo, not while others still come', async () => {
  const chat = chatOf(36)
  rests = []
  await chat.sendPhotos([await photo(101), await photo(102), await photo(103)])
  await telegram.settled()
  const earlier = rests.splice(0)
  const containers = chat.messages.map(() => openClient(app.deps))
  for (const [index, container] of containers.entries())
    await container.call(endpoint, photoCall(36, 'album', 200 + index, chat.messages[index]))
  for (const [index, rest] of rests.entries()) {
    expect(await rows(36)).toEqual([])
    rest.resolve()
    await containers[index]?.settle()
  }
  expect(await rows(36)).toMatchObject([{ total_steps: 2 }])
  // The album that was sent before was never whole: the newer one took its place.
  for (const rest of earlier) rest.resolve()
  await settle()
  expect(await rows(36)).toHaveLength(1)
})

test('photos of an album that are delivered twice start nothing twice', async () => {
  const chat = chatOf(32)
  telegram.addFaults([{ method: 'update', fault: 'repeat', times: 2 }])
  await sendAlbum(chat, [await photo(101), await photo(102)])
  expect(await rows(32)).toHaveLength(1)
  expect(chat.messages.filter(({ isBots }) => isBots)).toHaveLength(1)
})

test('a photo that comes after its album was begun is said to be left out', async () => {
  const chat = chatOf(33)
  await sendAlbum(chat, [await photo(101), await photo(102)])
  const [first] = chat.messages
  const call = photoCall(33, first?.media_group_id ?? '', 99, first)
  expect((await app.call(endpoint, call)).status).toBe(200)
  expect(await rows(33)).toHaveLength(1)
  expect(last(chat)?.text).toContain('too late')
})

test('of an album that was begun nothing is kept but its name, whatever comes late', async () => {
  const chat = chatOf(39)
  await sendAlbum(chat, [await photo(101, 'very tight'), await photo(102)])
  expect((await rows(39))[0]?.input).toMatchObject({ prompt_hints: 'very tight' })
  const [first] = chat.messages
  const call = photoCall(39, first?.media_group_id ?? '', 98, first)
  Object.assign(call.body.message, { caption: 'very late' })
  expect((await app.call(endpoint, call)).status).toBe(200)
  const { rows: kept } = await sql<{ album: object }>`select album from telegram_chats where chat_id = 39`.execute(
    app.deps.db,
  )
  expect(kept.map(({ album }) => album)).toEqual([
    { id: first?.media_group_id, started: true, photos: [], caption: null },
  ])
})

test('a photo that cannot be kept after its update was answered is said to have failed', async () => {
  const chat = chatOf(40)
  await chat.sendPhotos([await photo(64)])
  await settle()
  const call = photoCall(40, '', 97, chat.messages[0])
  Object.assign(call.body.message, { caption: 'a red sky', media_group_id: undefined })
  const { write } = app.deps.files
  const away = Promise.withResolvers<void>()
  app.deps.files.write = async () => {
    await away.promise
    throw new StoreFault('away')
  }
  isImpatient = true
  expect((await app.call(endpoint, call)).status).toBe(200)
  isImpatient = false
  away.resolve()
  await settle()
  app.deps.files.write = write
  expect(last(chat)?.text).toContain('Try again')
  expect(await rows(40)).toEqual([])
})

test('a single photo is answered with what to do, and starts nothing', async () => {
  const chat = chatOf(34, 'ru')
  await chat.sendPhotos([await photo(50)])
  await settle()
  expect(last(chat)?.text).toContain('альбом')
  expect(await rows(34)).toEqual([])
})

test('a photo with a caption is changed as the caption says, once however often its update comes', async () => {
  const chat = chatOf(37)
  telegram.addFaults([{ method: 'update', fault: 'repeat' }])
  await chat.sendPhotos([await photo(64, '  a red sky ')])
  await settle()
  const [row, ...others] = await rows(37)
  expect(others).toEqual([])
  expect(row).toMatchObject({ recipe: 'edit', total_steps: 1, input: { prompt: 'a red sky' } })
  expect(await sidesOf(row as Row)).toEqual([64])
  expect(chat.messages.filter(({ isBots }) => isBots).map(({ text }) => text)).toEqual([
    expect.stringContaining('Working on it'),
  ])
})

test('a photo whose caption can’t be taken is answered with what is wrong with it, and starts nothing', async () => {
  const chat = chatOf(38)
  await chat.sendPhotos([await photo(64, 'x'.repeat(4_001))])
  await settle()
  expect(last(chat)?.text).toContain('prompt')
  expect(await rows(38)).toEqual([])
})

test('an album whose photos Telegram does not give is said not to have begun', async () => {
  const chat = chatOf(35)
  telegram.addFaults([{ method: 'getFile', fault: '500' }])
  await sendAlbum(chat, [await photo(101), await photo(102)])
  expect(await rows(35)).toHaveLength(0)
  expect(last(chat)?.text).toContain('Try again')
})
