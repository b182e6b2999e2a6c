// The three tests that the bot was asked for with (lock, memory, what is known after a restart), by their commands and in their words.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { telegram as endpoint } from '../../functions/telegram.ts'
import { worker } from '../../functions/worker.ts'
import { botSecret, useBot } from '../functions/telegram-setup.ts'
import { testClock } from '../setup/clock.ts'
import { cronSecret } from '../setup/deps.ts'
import { barrier, costs, fault, isCreate } from './setup.ts'

const clock = testClock()
const { app, telegram, env, settle } = await useBot({ clock })
const chatOf = (id: number) => telegram.chat({ id, first_name: 'Аня', language_code: 'ru' })
type Chat = ReturnType<typeof chatOf>

const last = (chat: Chat) => chat.messages.findLast(({ isBots }) => isBots)

async function write(chat: Chat, text: string): Promise<string> {
  chat.write(text)
  await settle()
  return last(chat)?.text ?? ''
}

async function ping(seconds = 3): Promise<void> {
  clock.advance(seconds)
  await app.call(worker, { path: '/api/worker', token: cronSecret })
  await app.settle()
}

test('lock: /generate 3, then /generate 2 at once: already running, with its progress and a button that stops it', async () => {
  const chat = chatOf(71)
  expect(await write(chat, '/generate 3')).toContain('🔒 Делаю 3 мема')
  expect(await write(chat, '/generate 2')).toMatch(/^⚠️ Генерация уже выполняется: мемы, 1 из 3\./)
  expect(costs(app).created).toBe(1)
  expect(await write(chat, '/status')).toContain('🔒 Генерация: ЗАНЯТА (мемы, 1 из 3)')
  expect(await chat.press('Стоп')).toBe('Остановлено.')
  expect(await write(chat, '/generate 2')).toContain('🔒 Делаю 2 мема')
  const { rows } = await sql`select from tasks where user_id = 'telegram:71'`.execute(app.deps.db)
  expect(rows).toHaveLength(2)
})

test('lock: another person’s generation is in nobody’s way', async () => {
  await write(chatOf(72), '/generate 3')
  expect(await write(chatOf(73), '/generate 2')).toContain('🔒 Делаю 2 мема')
})

test('memory: /status tells how much is used, and that the generation is free', async () => {
  const said = await write(chatOf(74), '/status')
  expect(said).toMatch(/^🔓 Генерация: СВОБОДНА$/m)
  expect(said).toMatch(/^💾 Память: \d+ MB из \d+ MB$/m)
  expect(said).toMatch(/^🩺 Последняя проблема: неизвестна ни одна$/m)
})

test('after a restart: /status tells what the process died of, and the memory that it had', async () => {
  const chat = chatOf(75)
  const death = barrier('after', isCreate)
  const dying = app.openInstance({ env, http: death.http, isApart: true })
  const from = { id: 75, is_bot: false, first_name: 'Аня', language_code: 'ru' }
  const entities = [{ type: 'bot_command', offset: 0, length: 9 }]
  const message = { message_id: 9, date: 1, chat: { id: 75, type: 'private' }, from, text: '/generate 1', entities }
  const headers = { 'x-telegram-bot-api-secret-token': botSecret }
  const call = { path: '/api/telegram', body: { update_id: 99_001, message }, headers }
  expect((await dying.call(endpoint, call)).status).toBe(200)
  // It dies while Replicate answers, and nothing of it is left but a lease; the next process finds out.
  await death.reached
  await ping(100)
  const said = await write(chat, '/status')
  expect(said).toMatch(/^🩺 Последняя проблема: процесс оборвался посреди работы, .+ \(память тогда: \d+ MB\)$/m)
  // Nothing was lost or paid again, and nothing is locked.
  for (let pings = 0; pings < 10; pings += 1) await ping(10)
  expect(chat.messages.filter(({ kind }) => kind === 'photo')).toMatchObject([{ caption: '✅ Мемы: готово.' }])
  expect(await write(chat, '/status')).toMatch(/^🔓 Генерация: СВОБОДНА$/m)
  expect(costs(app).created).toBe(1)
})

test('after a restart: /status tells the last failure too', async () => {
  const chat = chatOf(76)
  fault(app, { on: 'outcome', fault: 'failed' })
  await write(chat, '/generate 1')
  for (let pings = 0; pings < 10; pings += 1) await ping()
  expect(await write(chat, '/status')).toMatch(/^🩺 Последняя проблема: модель не справилась, /m)
})
