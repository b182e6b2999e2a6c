// A user of the page links a chat by a one-time deep link: who may, how often, what the chat may do then, and how it ends.
import { expect, test } from 'vitest'
import type { TelegramLink, TelegramLinks } from '../../core/answers.ts'
import { session } from '../../functions/session.ts'
import { status } from '../../functions/status.ts'
import { telegramLink } from '../../functions/telegram-link.ts'
import { begun, isWaiting, pingUntil } from '../scenarios/setup.ts'
import { testClock } from '../setup/clock.ts'
import type { Instance } from '../setup/deps.ts'
import { useBot } from './telegram-setup.ts'

const clock = testClock()
const { app, telegram, settle } = await useBot({ clock })
const path = '/api/telegram-link'

const chatOf = (id: number) => telegram.chat({ id, first_name: `Ann${id}`, language_code: 'en' })
type Chat = ReturnType<typeof chatOf>

async function write(chat: Chat, text: string): Promise<string> {
  chat.write(text)
  await settle()
  return chat.messages.findLast(({ isBots }) => isBots)?.text ?? ''
}

async function offer(user: string): Promise<string> {
  const answer = await app.call(telegramLink, { path, body: {}, token: await app.signIn(user) })
  expect(answer.status).toBe(201)
  const { url } = (await answer.json()) as TelegramLink
  expect(url).toMatch(/^https:\/\/t\.me\/stepgate_bot\?start=[\w-]{22}$/)
  return new URL(url).searchParams.get('start') ?? ''
}

async function linksOf(user: string): Promise<TelegramLinks> {
  return (await (await app.call(telegramLink, { path, token: await app.signIn(user) })).json()) as TelegramLinks
}

test('a link is good once, for one chat', async () => {
  const code = await offer('ada')
  expect(await write(chatOf(51), `/start ${code}`)).toContain('This chat is now told')
  expect(await write(chatOf(52), `/start ${code}`)).toContain('not valid')
  // As Telegram repeats it where our answer was lost, or the person who sees nothing happen.
  expect(await write(chatOf(51), `/start ${code}`)).toContain('This chat is now told')
  expect(await linksOf('ada')).toMatchObject({ offered: true, chats: [{ name: 'Ann51' }] })
  expect(await linksOf('eve')).toMatchObject({ chats: [] })
  await write(chatOf(51), '/unlink')
  expect(await write(chatOf(51), `/start ${code}`)).toContain('not valid')
})

test('a link is good for ten minutes, and a newer one takes its place', async () => {
  const [first, second] = [await offer('bea'), await offer('bea')]
  expect(await write(chatOf(53), `/start ${first}`)).toContain('not valid')
  clock.advance(601)
  expect(await write(chatOf(53), `/start ${second}`)).toContain('not valid')
})

test('a user’s name in a link links nothing: anybody can write one', async () => {
  expect(await write(chatOf(54), '/start ada')).toContain('not valid')
})

test('a linked chat moves the page’s tasks by their buttons, until it is unlinked', async () => {
  const story = await begun(app, { user: 'cyd', garments: 2 })
  await pingUntil(app, story, isWaiting, { clock })
  const id = Buffer.from(story.id.replaceAll('-', ''), 'hex').toString('base64url')
  const chat = chatOf(55)
  await write(chat, '/start')
  const message = chat.messages.at(-1)?.message_id ?? 0
  expect(await chat.pressData(message, `c:${id}:1`)).toBe('This is not a task of yours.')
  await write(chat, `/start ${await offer('cyd')}`)
  expect(await write(chat, '/status')).toContain('try-on: waits for you, 1 of 2')
  expect(await chat.pressData(message, `c:${id}:1`)).toBe('On to step 2 of 2.')
  expect(await chat.pressData(message, `c:${id}:1`)).toContain('decided before')
  await app.settle()
  expect(await write(chat, '/unlink')).toContain('your own tasks alone')
  expect(await chat.pressData(message, `s:${id}`)).toBe('This is not a task of yours.')
  const view = await app.call(status, { path: `/api/status?task_id=${story.id}`, token: story.token })
  expect(await view.json()).toMatchObject({ status: 'processing', current_step: 2 })
})

test('a linked chat starts for its own user, never for the page’s', async () => {
  const chat = chatOf(56)
  await write(chat, `/start ${await offer('dot')}`)
  await write(chat, '/generate 1')
  expect(await write(chat, '/history')).toContain('memes')
  const own = await app.call(telegramLink, { path, token: await app.signIn('dot') })
  expect(await own.json()).toMatchObject({ chats: [{ name: 'Ann56' }] })
  expect(await write(chat, '/cancel')).toContain('Memes: stopped')
})

test('the page ends it, and what was offered before is good for nothing', async () => {
  const chat = chatOf(57)
  await write(chat, `/start ${await offer('eli')}`)
  const code = await offer('eli')
  const ended = await app.call(telegramLink, { path, body: { remove: true }, token: await app.signIn('eli') })
  expect([ended.status, await ended.json()]).toEqual([200, { offered: true, chats: [] }])
  expect(await write(chat, `/start ${code}`)).toContain('not valid')
})

test('without a bot nothing is offered, and the session says so: no page has to ask', async () => {
  const bare = app.openInstance({ env: { TELEGRAM_BOT_TOKEN: undefined } })
  const opened = async ({ call }: Instance) => (await call(session, { method: 'POST', path: '/api/session' })).json()
  expect([await opened(app), await opened(bare)]).toMatchObject([{ telegram: true }, { telegram: false }])
  const token = await bare.signIn('ada')
  const answer = await bare.call(telegramLink, { path, token })
  expect(await answer.json()).toEqual({ offered: false, chats: [] })
  expect((await bare.call(telegramLink, { path, body: {}, token })).status).toBe(503)
})
