// The bot as a person meets it: what each command answers, and what forged, repeated and stale updates do not do.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { switchSpending } from '../../db/statements/pauses.ts'
import { readWish } from '../../functions/telegram/generate.ts'
import { telegram as endpoint } from '../../functions/telegram.ts'
import { worker } from '../../functions/worker.ts'
import { costs, fault } from '../scenarios/setup.ts'
import { openClient } from '../setup/client.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret } from '../setup/deps.ts'
import type { Row } from '../setup/factory.ts'
import { losingAnswer } from '../setup/lost-answer.ts'
import { botSecret, useBot } from './telegram-setup.ts'

const clock = testClock()
const { app, telegram, env, settle } = await useBot({ clock, env: { TELEGRAM_OPERATORS: '7' } })

let people = 1_000
const somebody = (language_code = 'en', id?: number) => {
  people += 1
  return telegram.chat({ id: id ?? people, first_name: 'Ann', language_code })
}
type Chat = ReturnType<typeof somebody>

const last = (chat: Chat) => chat.messages.findLast(({ isBots }) => isBots)
const said = (chat: Chat) =>
  chat.messages.filter(({ isBots }) => isBots).map(({ text, caption }) => text ?? caption ?? '')

async function write(chat: Chat, text: string): Promise<string> {
  chat.write(text)
  await settle()
  return last(chat)?.text ?? ''
}

async function pingOnce(seconds = 3): Promise<void> {
  clock.advance(seconds)
  await app.call(worker, { path: '/api/worker', token: cronSecret })
  await app.settle()
}

const rows = async (user: number): Promise<Row[]> =>
  (await sql<Row>`select * from tasks where user_id = ${`telegram:${user}`} order by id`.execute(app.deps.db)).rows

const update = (body: object, headers: Record<string, string> = { 'x-telegram-bot-api-secret-token': botSecret }) =>
  app.call(endpoint, { path: '/api/telegram', body, headers })

const messageFrom = (id: number, text: string, update_id: number) => ({
  update_id,
  message: {
    ...{ message_id: 1, date: 1, chat: { id, type: 'private' }, from: { id, is_bot: false, first_name: 'Eve' }, text },
    entities: [{ type: 'bot_command', offset: 0, length: text.split(' ')[0]?.length }],
  },
})

test.each([
  ['', { count: 3, topic: 'everyday life' }],
  ['2', { count: 2, topic: 'everyday life' }],
  ['3 office cats', { count: 3, topic: 'office cats' }],
  ['  3   office\n cats ', { count: 3, topic: 'office cats' }],
  ['office cats', { count: 3, topic: 'office cats' }],
  ['3d printers', { count: 3, topic: '3d printers' }],
  ['10', { count: 10, topic: 'everyday life' }],
  ['0', undefined],
  ['11', undefined],
  [`3 ${'x'.repeat(201)}`, undefined],
])('/generate %s', (text, wish) => {
  expect(readWish(text, 'en')).toEqual(wish)
})

test('a person is told what there is, in their language', async () => {
  expect(await write(somebody('en-GB'), '/start')).toContain('/generate 3 office cats')
  const russian = somebody('ru')
  expect(await write(russian, '/help')).toContain('/generate 3 офисные коты')
  expect(await write(russian, 'привет')).toContain('/help')
})

test('/generate starts a batch for the chat’s own user, with a button that stops it', async () => {
  const chat = somebody('en', 11)
  expect(await write(chat, '/generate 2 deadlines')).toContain('2 memes about “deadlines”')
  const [row] = await rows(11)
  expect(row).toMatchObject({ recipe: 'memes', total_steps: 2, status: 'processing' })
  expect(await chat.press('Stop')).toBe('Stopped.')
  expect((await rows(11))[0]).toMatchObject({ status: 'canceled' })
  expect(last(chat)?.buttons).toEqual([])
  expect(await chat.pressData(last(chat)?.message_id ?? 0, 's:AAAAAAAAAAAAAAAAAAAAAA')).toBe(
    'This is not a task of yours.',
  )
})

test('a number that is none, or too many, is answered with how to say it', async () => {
  expect(await write(somebody(), '/generate 11')).toContain('1 to 10')
})

test('an update that is delivered again starts nothing again, and is answered once', async () => {
  const chat = somebody('en', 12)
  telegram.addFaults([{ method: 'update', fault: 'repeat' }])
  await write(chat, '/generate 2')
  expect(await rows(12)).toHaveLength(1)
  expect(said(chat)).toHaveLength(1)
  expect(costs(app).created).toBe(1)
})

test('an answer that Telegram did not take comes again with the update, and the task is started once', async () => {
  const chat = somebody('en', 13)
  telegram.addFaults([{ method: 'sendMessage', fault: '429', retry_after: 1 }])
  await write(chat, '/generate 2')
  expect(await rows(13)).toHaveLength(1)
  expect(said(chat)).toEqual(['🔒 Making 2 memes about “everyday life”, one after another.'])
})

test('an answer that Telegram refuses for good ends the update', async () => {
  const chat = somebody('en', 14)
  chat.block(true)
  await settle()
  expect(await write(chat, '/status')).toBe('')
  expect((await update(messageFrom(14, '/status', 99_001))).status).toBe(200)
  expect(app.logged.filter(({ msg }) => msg === 'a person could not be answered')).not.toEqual([])
})

test.each([
  ['a wrong secret', { 'x-telegram-bot-api-secret-token': 'webhook_secret_of_another' }],
  ['no secret', {}],
])('an update with %s is refused, and nothing is moved', async (_name, headers) => {
  const answer = await update(messageFrom(15, '/generate 2', 99_002), headers)
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ code: 'bad_signature' })
  expect(await rows(15)).toEqual([])
})

test.each([[{}], [{ update_id: 'x' }], [[]]])('what is no update is refused by its field: %j', async (body) => {
  const answer = await update(body)
  expect(answer.status).toBe(400)
})

test('an update of a kind that the bot does not know is taken, and does nothing', async () => {
  expect((await update({ update_id: 99_003, poll: { id: '1' } })).status).toBe(200)
  expect((await update({ update_id: 99_004 })).status).toBe(200)
})

test.each([
  ['without a name', { from: { id: 30, is_bot: false } }, 'I make pictures'],
  [
    'with a NUL in its text',
    { text: '/generate 11\0', entities: [{ type: 'bot_command', offset: 0, length: 9 }] },
    '1 to 10',
  ],
  ['of a sender without an id', { from: { is_bot: false, first_name: 'Eve' } }, undefined],
  ['that has no chat', { chat: null }, undefined],
])('an update %s is answered, and not repeated', async (_name, odd, answered) => {
  const chat = somebody('en', 30)
  const shown = said(chat).length
  const { message, ...rest } = messageFrom(30, '/help', 99_030 + people)
  expect((await update({ ...rest, message: { ...message, ...odd } })).status).toBe(200)
  await settle()
  expect(said(chat).slice(shown)).toEqual(answered === undefined ? [] : [expect.stringContaining(answered)])
})

test('a command in a group is told that the bot works in private chats alone', async () => {
  telegram.chat({ id: 16, first_name: 'Group', language_code: 'en' })
  const { message, ...rest } = messageFrom(16, '/generate 2', 99_005)
  await update({ ...rest, message: { ...message, chat: { id: 16, type: 'group', title: 'Group' } } })
  await settle()
  expect(said(somebody('en', 16))).toEqual(['I only work in private chats.'])
  expect(await rows(16)).toEqual([])
})

test('a button of another person’s task, a stale one and one that was made up are refused in a sentence', async () => {
  const [ann, eve] = [somebody('en', 17), somebody('ru', 18)]
  await write(ann, '/generate 1')
  const [row] = await rows(17)
  const stop = last(ann)?.buttons[0]?.[0]?.callback_data ?? ''
  await write(eve, '/start')
  const message = last(eve)?.message_id ?? 0
  expect(await eve.pressData(message, stop)).toBe('Это не ваша задача.')
  expect(await eve.pressData(message, 'c:nonsense')).toBe('Эта кнопка больше не действует.')
  expect(await eve.pressData(message, 'x')).toBe('Эта кнопка больше не действует.')
  expect((await rows(17))[0]).toMatchObject({ status: 'processing', updated_at: row?.updated_at })
  expect(await ann.pressData(last(ann)?.message_id ?? 0, stop)).toBe('Stopped.')
  expect(await ann.pressData(last(ann)?.message_id ?? 0, stop)).toBe('It is over already.')
})

test('/cancel stops what runs, and asks where it is more than one', async () => {
  const chat = somebody('en', 19)
  expect(await write(chat, '/cancel')).toBe('Nothing of yours is running.')
  await write(chat, '/generate 1')
  expect(await write(chat, '/cancel')).toBe('⏹ Memes: stopped. What was made stays.')
  expect((await rows(19))[0]).toMatchObject({ status: 'canceled' })
})

test('a /cancel that died after it had stopped a task stops no other one when Telegram repeats it', async () => {
  const chat = somebody('en', 29)
  await write(chat, '/generate 1 cats')
  const isCancel = (text: string) => text.includes("set status = 'canceled'")
  const db = losingAnswer(app.database.url, { fits: isCancel, meanwhile: async () => undefined })
  const command = { path: '/api/telegram', body: messageFrom(29, '/cancel', 99_029) }
  const headers = { 'x-telegram-bot-api-secret-token': botSecret }
  await openClient({ ...app.deps, db }).call(endpoint, { ...command, headers })
  await settle()
  await write(chat, '/generate 1 dogs')
  expect((await app.call(endpoint, { ...command, headers })).status).toBe(200)
  expect((await rows(29)).map(({ status }) => status)).toEqual(['canceled', 'processing'])
  await db.destroy()
})

test('/history lists what was made, and shows its pictures again', async () => {
  const chat = somebody('en', 20)
  expect(await write(chat, '/history')).toContain('You have made nothing yet')
  await write(chat, '/generate 1 cats')
  for (let pings = 0; pings < 20 && (await rows(20))[0]?.status !== 'completed'; pings += 1) await pingOnce()
  expect(await write(chat, '/history')).toMatch(/1\. 2026-03-01 \d\d:\d\d memes: done, 1 of 1/)
  expect(await chat.press('🖼 1')).toBeUndefined()
  expect(last(chat)).toMatchObject({ kind: 'photo', caption: 'memes: done, 1 of 1' })
})

test('pictures that were shown are not shown anew where Telegram takes no answer to the press', async () => {
  const chat = somebody('en', 28)
  await write(chat, '/generate 1 cats')
  for (let pings = 0; pings < 20 && (await rows(28))[0]?.status !== 'completed'; pings += 1) await pingOnce()
  await write(chat, '/history')
  const shown = said(chat).length
  telegram.addFaults([{ method: 'answerCallbackQuery', fault: '429' }])
  await chat.press('🖼 1').catch(() => undefined)
  await settle()
  expect(said(chat).slice(shown)).toEqual(['memes: done, 1 of 1'])
})

test('/status shows an operator the figures of health, and nobody else', async () => {
  expect(await write(somebody('en', 7), '/status')).toMatch(/locks held: 0/)
  expect(await write(somebody('en', 21), '/status')).not.toMatch(/locks held/)
})

test('/delete asks first, and then leaves nothing of the chat’s user', async () => {
  const chat = somebody('en', 23)
  await write(chat, '/generate 1 cats')
  for (let pings = 0; pings < 20 && (await rows(23))[0]?.status !== 'completed'; pings += 1) await pingOnce()
  const [row] = await rows(23)
  expect(await app.deps.files.keys(`results/${row?.id}/`)).toHaveLength(1)
  await write(chat, '/delete')
  expect(await chat.press('Keep it')).toBe('Nothing was deleted.')
  expect(await rows(23)).toHaveLength(1)
  await write(chat, '/delete')
  const question = last(chat)
  const yes = question?.buttons[0]?.[0]?.callback_data ?? ''
  clock.advance(601)
  expect(await chat.pressData(question?.message_id ?? 0, yes)).toBe('This button is not valid any more.')
  expect(await rows(23)).toHaveLength(1)
  await write(chat, '/delete')
  expect(await chat.press('Delete everything')).toContain('Everything of yours is deleted')
  await settle()
  expect(await rows(23)).toEqual([])
  expect(await app.deps.files.keys(`results/${row?.id}/`)).toEqual([])
  const kept = await sql`select from listeners where user_id = 'telegram:23'
    union all select from outbox where user_id = 'telegram:23' union all select from telegram_chats where chat_id = 23`.execute(
    app.deps.db,
  )
  expect(kept.rows).toEqual([])
  expect(await write(chat, '/history')).toContain('You have made nothing yet')
})

test('what may not begin is said in the person’s words', async () => {
  const chat = somebody('ru', 22)
  await switchSpending(app.deps.db, { isStopped: true, by: 'test' })
  expect(await write(chat, '/generate 1')).toBe('Сейчас здесь не начинается ничего нового. Начатое будет закончено.')
})

test('a button for a batch that another one is in the way of says so, and is no fault', async () => {
  const chat = somebody('en', 24)
  fault(app, { on: 'outcome', fault: 'failed' })
  await write(chat, '/generate 1 cats')
  for (let pings = 0; pings < 20 && (await rows(24))[0]?.status !== 'failed'; pings += 1) await pingOnce()
  const failed = chat.messages.findLast(({ buttons }) => buttons[0]?.[0]?.text === '🔁 Again')
  await write(chat, '/generate 1 dogs')
  const answer = await chat.pressData(failed?.message_id ?? 0, failed?.buttons[0]?.[0]?.callback_data ?? '')
  expect(answer).toBe('Another generation is still running. Wait until it is done, or stop it.')
  expect(app.logged.filter(({ level }) => level === 'error')).toEqual([])
})

test('who has stored as much as they may is told so', async () => {
  const full = app.openInstance({ env, config: { STORED_MB_PER_USER: 0 } })
  const headers = { 'x-telegram-bot-api-secret-token': botSecret }
  const chat = somebody('en', 25)
  await full.call(endpoint, { path: '/api/telegram', body: messageFrom(25, '/generate 1', 99_025), headers })
  expect(last(chat)?.text).toBe('Your results take all the room that they may. /delete makes some.')
})

test('a recipe is offered in the chat at whichever provider has a key', async () => {
  const falAlone = app.openInstance({ env: { ...env, REPLICATE_API_TOKEN: undefined } })
  const headers = { 'x-telegram-bot-api-secret-token': botSecret }
  const chat = somebody('en', 26)
  await falAlone.call(endpoint, { path: '/api/telegram', body: messageFrom(26, '/help', 99_026), headers })
  expect(last(chat)?.text).toContain('A photo with a caption')
  expect(last(chat)?.text).not.toContain('/generate')
})
