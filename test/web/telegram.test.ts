// A person lets the bot tell them of a task of the page, goes on with it in the chat, and ends that: by real taps, page and chat side by side.
import { expect, test } from 'vitest'
import { registerBot } from '../../notify/telegram/register.ts'
import { useTelegram } from '../functions/telegram-setup.ts'
import { headline, startTryOn, usePage } from './page.ts'

const { telegram, env } = await useTelegram()
const stack = await usePage({ env: { ...env, TELEGRAM_LINK_URL: `${telegram.url}/open` } })
const { app, open, until } = stack
await registerBot(app.deps.config, app.address)

test('a task of the page is told in the chat, and goes on by the chat’s button', async () => {
  const { context, page } = await open({ phone: true })
  // A chat hears of what happens once it is linked: the step isn't done before, however slow the machine is.
  app.simulator.replicate.set({ seconds_per_step: 300 })
  await startTryOn(page, 2)
  const opening = context.waitForEvent('page')
  await page.getByRole('button', { name: 'Tell me in Telegram' }).click()
  const chat = await opening
  await chat.getByRole('button', { name: 'START' }).click()
  await chat.getByText('This chat is now told').waitFor()
  await page.bringToFront()
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
  await page.getByText('You are told in Telegram (You).').waitFor()
  await until(chat.getByRole('button', { name: /Continue/ }))
  await chat.getByRole('button', { name: /Continue/ }).click()
  await until(headline(page, /^Step 2 of 2/))
  await page.getByRole('button', { name: 'End that' }).click()
  await page.getByRole('button', { name: 'Tell me in Telegram' }).waitFor()
  expect(app.simulator.replicate.till().created).toBe(2)
})
