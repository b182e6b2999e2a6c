// Stories in the chat: memes that come one by one as they are made, a try-on approved step by step by buttons, and what is told when
// nothing goes as it should.
import { sql } from 'kysely'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { buttonData } from '../../core/button.ts'
import { storedAttempt } from '../../core/task.ts'
import { albumRestMs } from '../../functions/telegram/photos.ts'
import { worker } from '../../functions/worker.ts'
import { useBot } from '../functions/telegram-setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret } from '../setup/deps.ts'
import type { Row } from '../setup/factory.ts'
import { costs, fault } from './setup.ts'

const clock = testClock()
let rested = Promise.withResolvers<void>()
const wait = (ms: number) => (ms === albumRestMs ? rested.promise : new Promise<void>(() => undefined))
const { app, telegram, settle } = await useBot({ clock, wait })

const chatOf = (id: number, language_code = 'en') => telegram.chat({ id, first_name: 'Ann', language_code })
type Chat = ReturnType<typeof chatOf>

const fromBot = (chat: Chat) => chat.messages.filter(({ isBots }) => isBots)
const captions = (chat: Chat) => fromBot(chat).map(({ text, caption }) => text ?? caption)
const buttonsOf = (chat: Chat) =>
  fromBot(chat)
    .at(-1)
    ?.buttons.map((row) => row.map(({ text }) => text))

async function write(chat: Chat, text: string): Promise<void> {
  chat.write(text)
  await settle()
}

async function rowOf(user: number): Promise<Row> {
  const { rows } =
    await sql<Row>`select * from tasks where user_id = ${`telegram:${user}`} order by id desc limit 1`.execute(
      app.deps.db,
    )
  return rows[0] as Row
}

async function pingUntil(user: number, done: (row: Row) => boolean): Promise<Row> {
  for (let pings = 0; pings < 60; pings += 1) {
    const row = await rowOf(user)
    if (done(row)) return row
    clock.advance(3)
    await app.call(worker, { path: '/api/worker', token: cronSecret })
    await app.settle()
  }
  throw new Error('the task does not get there')
}

async function sendAlbum(chat: Chat, count: number): Promise<void> {
  rested = Promise.withResolvers()
  const bytes = new Uint8Array(
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#3c6' } })
      .png()
      .toBuffer(),
  )
  await chat.sendPhotos(Array.from({ length: count }, () => ({ bytes, type: 'image/png' })))
  await telegram.settled()
  rested.resolve()
  await settle()
}

const isWaiting = ({ status }: Row) => status === 'waiting_continue'
const isOver = ({ finished_at }: Row) => finished_at !== null

test('each meme comes as soon as it is made, in order and once', async () => {
  const chat = chatOf(61)
  await write(chat, '/generate 3 cats')
  for (const step of [1, 2, 3]) {
    await pingUntil(61, ({ steps }) => steps.length >= step)
    expect(captions(chat).slice(1)).toEqual(
      ['Memes: 1 of 3.', 'Memes: 2 of 3.', 'Memes: 3 of 3. ✅ All done.'].slice(0, step),
    )
  }
  expect(fromBot(chat).map(({ kind }) => kind)).toEqual(['text', 'photo', 'photo', 'photo'])
  expect(costs(app)).toEqual({ sent: 3, created: 3, canceled: 0 })
})

test('a try-on is approved in the chat: again, on, and done, each button once', async () => {
  const chat = chatOf(62, 'ru')
  await sendAlbum(chat, 3)
  await pingUntil(62, isWaiting)
  expect(captions(chat).at(-1)).toBe('Примерка: шаг 1 из 2 готов. Продолжаем?')
  expect(buttonsOf(chat)).toEqual([['▶️ Дальше', '🔁 Ещё раз'], ['⏹ Стоп']])
  const first = fromBot(chat).at(-1)
  expect(first?.kind).toBe('photo')
  expect(await chat.press('Ещё раз')).toBe('Шаг 1 делается ещё раз.')
  await settle()
  await pingUntil(62, isWaiting)
  expect(costs(app).created).toBe(2)
  expect(first?.buttons).toEqual([])
  expect(await chat.press('Дальше')).toBe('Перехожу к шагу 2 из 2.')
  await settle()
  await pingUntil(62, isOver)
  expect(captions(chat).at(-1)).toBe('Примерка: 2 из 2. ✅ Всё готово.')
  expect(costs(app).created).toBe(3)
})

test('after a redo an earlier attempt is chosen, shown once more, and gone on with', async () => {
  const chat = chatOf(67)
  await sendAlbum(chat, 3)
  const first = await pingUntil(67, isWaiting)
  await chat.press('Again')
  await settle()
  await pingUntil(67, (row) => isWaiting(row) && row.attempt === 2)
  expect(buttonsOf(chat)?.[1]).toEqual(['🖼 Choose', '⏹ Stop'])
  await chat.press('Choose')
  expect(
    fromBot(chat)
      .slice(-2)
      .map(({ caption }) => caption),
  ).toEqual(['Attempt 1', 'Attempt 2'])
  const [one] = fromBot(chat).at(-2)?.buttons[0] ?? []
  expect(await chat.pressData(fromBot(chat).at(-2)?.message_id ?? 0, one?.callback_data ?? '')).toBe('Attempt 1 it is.')
  expect(captions(chat).at(-1)).toContain('step 1 of 2 is done')
  const row = await rowOf(67)
  expect(storedAttempt(row, 1)?.prediction_id).toBe(storedAttempt(first, 1)?.prediction_id)
  const forged = buttonData({ kind: 'choose', task_id: row.id, step: 1, attempt: 9, file: 1 })
  expect(await chat.pressData(fromBot(chat).at(-1)?.message_id ?? 0, forged)).toBe('This one cannot be chosen.')
  expect(await chat.press('Continue')).toBe('On to step 2 of 2.')
  expect(await chat.pressData(fromBot(chat).at(-1)?.message_id ?? 0, one?.callback_data ?? '')).toContain(
    'decided before',
  )
})

test('a stale button of an earlier attempt pays nothing, and says so', async () => {
  const chat = chatOf(63)
  await sendAlbum(chat, 2)
  await sendAlbum(chat, 3)
  await pingUntil(63, isWaiting)
  const gate = fromBot(chat).findLast(({ buttons }) => buttons.length === 2)
  const [go, again] = gate?.buttons[0]?.map(({ callback_data }) => callback_data ?? '') ?? []
  const at = gate?.message_id ?? 0
  expect(await chat.pressData(at, again ?? '')).toBe('Step 1 is made once more.')
  await pingUntil(63, isWaiting)
  const before = costs(app).created
  expect(await chat.pressData(at, again ?? '')).toContain('decided before')
  expect(await chat.pressData(at, go ?? '')).toBe('On to step 2 of 2.')
  expect(await chat.pressData(at, go ?? '')).toContain('decided before')
  await settle()
  expect(costs(app).created).toBe(before + 1)
})

test('a failure is told in words, with a button that tries the step again', async () => {
  const chat = chatOf(64)
  fault(app, { on: 'outcome', fault: 'failed' })
  await write(chat, '/generate 1')
  await pingUntil(64, isOver)
  expect(captions(chat).at(-1)).toBe('❌ Memes: step 1 of 1 did not work: the model failed.')
  expect(await chat.press('Again')).toBe('Step 1 is made once more.')
  await pingUntil(64, ({ status }) => status === 'completed')
  expect(captions(chat).at(-1)).toContain('done')
})

test('a person who blocks the bot is told nothing more, and hears again after a word of theirs', async () => {
  const chat = chatOf(65)
  await write(chat, '/generate 2')
  chat.block(true)
  await settle()
  await pingUntil(65, isOver)
  expect(fromBot(chat)).toHaveLength(1)
  const { rows } = await sql`select from outbox where due_at is not null`.execute(app.deps.db)
  expect(rows).toEqual([])
  chat.block(false)
  await write(chat, '/generate 1')
  await pingUntil(65, isOver)
  expect(captions(chat).at(-1)).toContain('done')
})

test('Telegram asks for patience: the picture comes later, and once', async () => {
  const chat = chatOf(66)
  await write(chat, '/generate 1')
  telegram.addFaults([{ method: 'sendPhoto', fault: '429', retry_after: 40 }])
  await pingUntil(66, isOver)
  expect(fromBot(chat)).toHaveLength(1)
  clock.advance(41)
  await app.call(worker, { path: '/api/worker', token: cronSecret })
  await app.settle()
  expect(fromBot(chat)).toHaveLength(2)
})
