// Messages of the bot that a picture, Telegram or a late turn makes difficult: the words and buttons of a gate come in any case, and once.
import { crc32, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Delivery } from '../../core/event.ts'
import { resultKey } from '../../core/task.ts'
import type { NotifyDeps } from '../../notify/channel.ts'
import { openTelegram } from '../../notify/telegram.ts'
import { parseConfig } from '../../providers/config.ts'
import { openFiles } from '../../storage/files.ts'
import { useTelegram } from '../functions/telegram-setup.ts'
import { type TaskOverrides, taskRow } from '../setup/factory.ts'
import { chunksOf, png, useStore } from '../storage/setup.ts'

const { telegram, env } = await useTelegram()
const files = openFiles((await useStore())('files'))
const deps = { config: parseConfig(env), files, recipes: new Map() } as unknown as NotifyDeps
const channel = await openTelegram(deps)
const inTime = new AbortController().signal

let people = 500
function somebody(language_code = 'en') {
  people += 1
  return { id: people, language: language_code, chat: telegram.chat({ id: people, first_name: 'Ann', language_code }) }
}
type Person = ReturnType<typeof somebody>

const deliveryTo = ({ id, language }: Person, type: Delivery['type'], overrides: TaskOverrides): Delivery => ({
  ...{ id: crypto.randomUUID(), type, at: new Date(), user_id: 'ada', budget: null, channel: 'telegram', tries: 1 },
  ...{ receiver: crypto.randomUUID(), address: { chat_id: id, language }, task: taskRow(overrides) },
})

/** At its gate, with this picture. */
async function waitingWith(person: Person, bytes: Uint8Array): Promise<Delivery> {
  const record = { step: 1, status: 'completed', attempt: 1, prediction_id: 'p', submitted_at: null } as const
  const steps = [{ ...record, finished_at: null, files: [{ type: 'image/png', size: bytes.byteLength }] }]
  const delivery = deliveryTo(person, 'task.waiting', { status: 'waiting_continue', steps })
  const options = { accept: ['image/png'], maxBytes: 1_000_000, signal: inTime }
  await files.write(resultKey(delivery.task.id, 1, 'p'), chunksOf(bytes), options)
  return delivery
}

const chunk = (name: string, data: Buffer): Buffer => {
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  const named = Buffer.concat([Buffer.from(name), data])
  size.writeUInt32BE(data.byteLength)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([size, named, sum])
}

/** Of a hundred million pixels, by its header. */
function hugePng(): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(10_000, 0)
  header.writeUInt32BE(10_000, 4)
  header.writeUInt8(8, 8)
  const parts = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(10_001))),
    chunk('IEND', Buffer.alloc(0)),
  ]
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...parts])
}

const gate = [['▶️ Continue', '🔁 Again'], ['⏹ Stop']]
const shown = ({ chat }: Person) =>
  chat.messages.map(({ kind, buttons }) => ({ kind, buttons: buttons.map((row) => row.map(({ text }) => text)) }))

test('a picture that is too large to be drawn comes as a document, with the buttons of its gate', async () => {
  const person = somebody()
  expect(await channel.send(await waitingWith(person, hugePng()), inTime)).toEqual({ kind: 'delivered' })
  expect(shown(person)).toEqual([{ kind: 'document', buttons: gate }])
})

test.each([
  ['photo', ['sendPhoto'], 'document'],
  ['photo and as a document', ['sendPhoto', 'sendDocument'], 'text'],
])(
  'a picture that Telegram refuses as a %s comes otherwise, with the buttons of its gate',
  async (_, refused, kind) => {
    const person = somebody()
    telegram.addFaults(refused.map((method) => ({ method, fault: '400' })))
    expect(await channel.send(await waitingWith(person, png(300)), inTime)).toEqual({ kind: 'delivered' })
    expect(shown(person)).toEqual([{ kind, buttons: gate }])
  },
)

test('news whose time is over before its turn is not sent: it is recorded as not sent, and comes again', async () => {
  const person = somebody()
  const delivery = await waitingWith(person, png(300))
  expect(await channel.send(delivery, AbortSignal.abort())).toMatchObject({ kind: 'later' })
  expect(shown(person)).toEqual([])
})

test.each([
  ['en', 'paid for twice'],
  ['ru', 'дважды'],
])('%s: what may have been begun is offered again with the word that it may be paid twice', async (language, words) => {
  const person = somebody(language)
  const failed = { status: 'failed', error_code: 'submission_unconfirmed', current_step: 1 } as const
  await channel.send(deliveryTo(person, 'task.failed', failed), inTime)
  expect(person.chat.messages.at(-1)?.text).toContain(words)
})
