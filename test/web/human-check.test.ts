// Where a deployment asks for a human, the page shows Cloudflare's widget before the first session. A stand-in plays Cloudflare's script
// and its judge; the page's own Content-Security-Policy holds.
import type { BrowserContext } from 'playwright-core'
import { expect, test } from 'vitest'
import { serve } from '../setup/serve.ts'
import { fillIn, usePage } from './page.ts'

const judge = await serve(async (request, response) => {
  const { response: token } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { response: string }
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ success: token === 'token-of-the-site' }))
})
const env = { TURNSTILE_SITE_KEY: 'the-site', TURNSTILE_SECRET_KEY: 'the-secret', TURNSTILE_VERIFY_URL: judge }
const { open } = await usePage({ env })

const widget = `globalThis.turnstile = {
  render(container, { sitekey, callback }) {
    const box = document.createElement('button')
    box.textContent = 'I am human'
    box.onclick = () => callback(sitekey === 'the-site' ? 'token-of-the-site' : 'none')
    container.append(box)
    return 'the-widget'
  },
  remove() { document.querySelector('.human').replaceChildren() },
}`

const cloudflare = (context: BrowserContext, body: string | undefined) =>
  context.route('https://challenges.cloudflare.com/turnstile/v0/api.js*', (route) =>
    body === undefined ? route.abort() : route.fulfill({ contentType: 'text/javascript', body }),
  )

/** Cloudflare's script comes when the caller says so. */
async function holdScript(context: BrowserContext): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  await context.route('https://challenges.cloudflare.com/turnstile/v0/api.js*', async (route) => {
    await promise
    await route.fulfill({ contentType: 'text/javascript', body: widget })
  })
  return resolve
}

test('a new visitor ticks the box once, and what they asked for goes on', async () => {
  const { page, context, calls } = await open({ phone: true })
  await cloudflare(context, widget)
  await fillIn(page, 1)
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByRole('button', { name: 'I am human' }).click()
  await page.locator('.task').waitFor()
  await page.reload()
  await page.locator('.task').waitFor()
  expect(calls.filter((call) => call === 'POST /api/session')).toHaveLength(2)
})

test('a script that does not come is said, and the next try asks again', async () => {
  const { page, context } = await open({ phone: true })
  await cloudflare(context, undefined)
  await fillIn(page, 1)
  const start = page.getByRole('button', { name: /^Start/ })
  await start.click()
  await page.getByText('The check could not be loaded.').waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('Show that you are human first.').first().waitFor()
  await context.unroute('https://challenges.cloudflare.com/turnstile/v0/api.js*')
  await cloudflare(context, widget)
  await start.click()
  await page.getByRole('button', { name: 'I am human' }).click()
  await page.locator('.task').waitFor()
})

test('a script of which nothing is heard is said, and taken when it comes after all', async () => {
  const { page, context } = await open({ phone: true })
  const come = await holdScript(context)
  await fillIn(page, 1)
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByRole('dialog').waitFor()
  await context.clock.runFor(20_000)
  await page.getByText('The check could not be loaded.').waitFor()
  come()
  await page.getByRole('button', { name: 'I am human' }).click()
  await page.locator('.task').waitFor()
})

test('a script that comes after the dialog was closed leaves no second widget in it', async () => {
  const { page, context } = await open({ phone: true })
  const arrive = await holdScript(context)
  await fillIn(page, 1)
  const start = page.getByRole('button', { name: /^Start/ })
  await start.click()
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('Show that you are human first.').first().waitFor()
  arrive()
  await page.waitForFunction('globalThis.turnstile')
  await start.click()
  await page.getByRole('button', { name: 'I am human' }).click()
  await page.locator('.task').waitFor()
})
