// The simulated Telegram as grammY meets it: its official types and client, updates by webhook, limits and faults.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Bot, type GrammyError, InlineKeyboard, InputFile, webhookCallback } from 'grammy'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chat, startTelegram, type TelegramServer } from '../../simulator/telegram/index.ts'

const token = '123456:simulated'
const secret = 'webhook_secret'
let telegram: TelegramServer
let server: Server
let bot: Bot
let chat: Chat
const heard: { id: number; what: string }[] = []

beforeAll(async () => {
  telegram = await startTelegram({ port: 0, token })
  chat = telegram.chat({ id: 42, first_name: 'Ann', language_code: 'ru' })
  bot = new Bot(token, { client: { apiRoot: telegram.url } })
  bot.command('generate', async (context) => {
    heard.push({ id: context.update.update_id, what: `generate ${context.match}` })
    await context.reply('working', { reply_markup: new InlineKeyboard().text('Stop', 'stop:1') })
  })
  bot.on('callback_query:data', async (context) => {
    heard.push({ id: context.update.update_id, what: context.callbackQuery.data })
    await context.answerCallbackQuery('stopped')
  })
  bot.on('message:photo', async (context) => {
    const file = await context.getFile()
    heard.push({
      id: context.update.update_id,
      what: `photo ${context.message.media_group_id ? 'of an album' : 'alone'} ${file.file_path}`,
    })
  })
  bot.on(
    'my_chat_member',
    (context) => void heard.push({ id: context.update.update_id, what: context.myChatMember.new_chat_member.status }),
  )
  const handle = webhookCallback(bot, 'http', { secretToken: secret })
  server = createServer((request, response) => void handle(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await bot.api.setWebhook(`http://127.0.0.1:${port}/`, { secret_token: secret })
})

afterAll(async () => {
  server.close()
  await telegram.close()
})

const picture = (side = 8) =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#c33' } })
    .png()
    .toBuffer()

test('a command reaches the bot, its answer and buttons the chat, and a press its answer', async () => {
  chat.write('/generate 3')
  await telegram.settled()
  expect(chat.messages.at(-1)).toMatchObject({ isBots: true, text: 'working' })
  expect(await chat.press('Stop')).toBe('stopped')
  expect(heard.map(({ what }) => what)).toEqual(['generate 3', 'stop:1'])
})

test('an album arrives as one update a photo, and its files can be fetched', async () => {
  heard.length = 0
  const bytes = new Uint8Array(await picture())
  await chat.sendPhotos([
    { bytes, type: 'image/png', caption: 'me' },
    { bytes, type: 'image/png' },
  ])
  await telegram.settled()
  expect(heard.map(({ what }) => what.replace(/photos.*/, ''))).toEqual(['photo of an album ', 'photo of an album '])
  const path = heard[0]?.what.split(' ').at(-1)
  const file = await fetch(`${telegram.url}/file/bot${token}/${path}`)
  expect(file.headers.get('content-type')).toBe('image/jpeg')
})

test('limits are Telegram’s own', async () => {
  const tooLong = bot.api.sendMessage(42, 'x'.repeat(4_097))
  await expect(tooLong).rejects.toThrow('message is too long')
  const button = bot.api.sendMessage(42, 'x', { reply_markup: new InlineKeyboard().text('a', 'é'.repeat(33)) })
  await expect(button).rejects.toThrow('BUTTON_DATA_INVALID')
  await expect(bot.api.sendPhoto(42, new InputFile(Buffer.from('no picture')))).rejects.toThrow('IMAGE_PROCESS_FAILED')
  await expect(bot.api.sendPhoto(42, new InputFile(await picture(6_000)))).rejects.toThrow('PHOTO_INVALID_DIMENSIONS')
  await bot.api.sendPhoto(42, new InputFile(await picture()), { caption: 'here' })
  expect(chat.messages.at(-1)).toMatchObject({ kind: 'photo', caption: 'here', file: { type: 'image/png' } })
})

test('a call is refused with 429 and a pause, or done although its answer is lost', async () => {
  telegram.addFaults([{ method: 'sendMessage', fault: '429', retry_after: 7 }])
  const refused = await bot.api.sendMessage(42, 'a').catch((error: GrammyError) => error)
  expect(refused).toMatchObject({ error_code: 429, parameters: { retry_after: 7 } })
  telegram.addFaults([{ method: 'sendMessage', fault: 'lost' }])
  await expect(bot.api.sendMessage(42, 'said, unheard')).rejects.toThrow()
  expect(chat.messages.at(-1)?.text).toBe('said, unheard')
})

test('an update is delivered twice with one id, and a person who blocks the bot cannot be written to', async () => {
  heard.length = 0
  telegram.addFaults([{ method: 'update', fault: 'repeat' }])
  chat.write('/generate 1')
  await telegram.settled()
  expect(heard.map(({ what }) => what)).toEqual(['generate 1', 'generate 1'])
  expect(new Set(heard.map(({ id }) => id)).size).toBe(1)
  chat.block(true)
  await telegram.settled()
  expect(heard.at(-1)?.what).toBe('kicked')
  await expect(bot.api.sendMessage(42, 'a')).rejects.toThrow('bot was blocked by the user')
  chat.block(false)
})
