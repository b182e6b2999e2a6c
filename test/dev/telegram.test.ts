// The bot of `npm start`: what it has linked before a restart is told afterwards.
import { expect, onTestFinished, test } from 'vitest'
import { startBot } from '../../dev/telegram.ts'

test('the chat of the page is there from the beginning: a message after a restart finds it', async () => {
  const { settings, chat, close } = await startBot()
  onTestFinished(close)
  const send = (chat_id: number) =>
    fetch(`${settings['TELEGRAM_API_URL']}/bot${settings['TELEGRAM_BOT_TOKEN']}/sendMessage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chat_id, text: 'Your picture is ready.' }),
    })
  expect([(await send(1)).status, (await send(2)).status]).toEqual([200, 400])
  const page = await fetch(chat, { headers: { 'accept-language': 'ru' } })
  expect(await page.text()).toContain('Your picture is ready.')
})
