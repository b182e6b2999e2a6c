// What a person does about what is kept of them, and what strangers then see: a link is shared and revoked, a task is deleted for good.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { whileStopped } from '../functions/contract-calls.ts'
import { fillIn, headline, openPage, startTryOn, usePage } from './page.ts'

const stack = await usePage()
const { app, open, until } = stack

/** A task that is ready, and the address of its picture. */
async function dressOne(page: Page): Promise<URL> {
  await startTryOn(page, 1)
  await until(headline(page, 'Ready'))
  return pictureOn(page)
}

const pictureOn = async (page: Page): Promise<URL> =>
  new URL((await page.locator('.stage img').getAttribute('src')) ?? '', app.address)

async function share(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Share the picture' }).click()
  return page.getByLabel('Whoever has this link sees the picture').inputValue()
}

test('the picture in sight is shared: shown to a stranger and to chat programs, and to nobody once it is taken back', async () => {
  const { page } = await open({ phone: true })
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  const own = await pictureOn(page)
  await page.getByRole('button', { name: /^Continue/ }).click()
  await until(headline(page, 'Ready'))
  await page.getByRole('button', { name: 'Show: Step 1' }).click()
  const link = await share(page)
  // A browser as it is: the others have a clock of ours as a script, and the shared page lets none run.
  const context = await page.context().browser()?.newContext({ locale: 'ru-RU' })
  const stranger = await context?.newPage()
  if (!context || !stranger) throw new Error('the browser is gone')
  await stranger.goto(link)
  await stranger.getByText('Кто поделился этой картинкой').waitFor()
  await expect.poll(() => stranger.evaluate('document.querySelector("img").naturalWidth')).toBeGreaterThan(0)
  const [image = '', shown] = await Promise.all(
    ['meta[property="og:image"]', 'meta[property="og:url"]'].map((tag) =>
      stranger.locator(tag).getAttribute('content'),
    ),
  )
  expect(shown).toBe(link)
  const picture = await stranger.request.get(String(image))
  const owned = await page.request.get(own.href)
  expect([picture.status(), (await picture.body()).equals(await owned.body())]).toEqual([200, true])
  expect((await stranger.request.get(own.href)).status()).toBe(401)
  expect(await context.cookies()).toEqual([])

  // In a later visit, which knows of no link.
  await page.reload()
  await page.getByRole('button', { name: 'End all links of this task' }).click()
  await expect.poll(() => page.getByRole('button', { name: 'End all links of this task' }).count()).toBe(0)
  expect((await stranger.reload())?.status()).toBe(404)
  expect((await stranger.request.get(String(image))).status()).toBe(404)
  await context.close()
})

test('a task is deleted for good after one question, though the answer was lost at first: gone from the history and from another tab, its picture and its shared link answer 404', async () => {
  const { page, calls } = await open()
  const picture = await dressOne(page)
  const [link, address] = [await share(page), page.url()]
  const { page: other } = await openPage(page.context(), address, stack.complaints)
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click()
  expect(calls).not.toContain('POST /api/delete')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.route(
    '**/api/delete',
    async (route) => {
      await route.fetch()
      await route.abort('connectionreset')
    },
    { times: 1 },
  )
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.locator('.privacy .message').waitFor()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('Nothing here yet.').waitFor()
  await headline(other, 'This was not found.').waitFor()
  const statuses = [picture.href, link].map(async (url) => (await page.request.get(url)).status())
  expect(await Promise.all(statuses)).toEqual([404, 404])
  await page.goto(address)
  await headline(page, 'This was not found.').waitFor()
})

test('after a refused start, a photo that is taken out of the form is deleted here too, and one that is gone here is sent again', async () => {
  const { page, calls } = await open()
  const uploads = () => app.deps.files.keys('uploads/')
  await app.deps.files.clear('uploads/', 100)
  await fillIn(page, 2)
  await whileStopped(app.deps, async () => {
    await page.getByRole('button', { name: /^Start/ }).click()
    await page.getByText('New pictures are switched off for now.').waitFor()
  })
  expect(await uploads()).toHaveLength(3)
  await page.getByRole('button', { name: 'Remove: Garment 2' }).click()
  await expect.poll(uploads).toHaveLength(2)
  // As a day later, or where a form is filled in again.
  await app.deps.files.clear('uploads/', 100)
  await page.getByRole('button', { name: /^Start/ }).click()
  await until(headline(page, 'Ready'))
  expect(calls.filter((call) => call === 'POST /api/upload')).toHaveLength(5)
})
