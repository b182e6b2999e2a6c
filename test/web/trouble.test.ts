// A net that comes and goes, answers that get lost, fingers that click twice, sessions that end.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { fillIn, headline, startTryOn, usePage } from './page.ts'

const stack = await usePage()
const { app, open, skip, until } = stack
const paid = () => app.simulator.replicate.till().paid
const created = () => app.simulator.replicate.till().created

/** The functions do what they are asked, once, and the answer never arrives. */
async function loseAnswer(page: Page, path: string): Promise<void> {
  await page.route(
    `**${path}`,
    async (route) => {
      await route.fetch()
      await route.abort('connectionreset')
    },
    { times: 1 },
  )
}

test('offline in the middle of a step: it says so, keeps trying, and shows the result when it is back', async () => {
  const { page, context } = await open({ phone: true })
  await startTryOn(page, 2)
  await headline(page, 'Step 1 of 2 is being made').waitFor()
  await context.setOffline(true)
  await page.getByText('No connection.').waitFor()
  await skip(60)
  await headline(page, 'Step 1 of 2 is being made').waitFor()
  await context.setOffline(false)
  await until(headline(page, 'Step 1 of 2 is ready'))
  await expect.poll(() => page.locator('.trouble').textContent()).toBe('')
})

test('a click without a connection is done once it is back, and once only', async () => {
  const { page, context } = await open()
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  await context.setOffline(true)
  await page.getByRole('button', { name: /^Continue/ }).click()
  await page.getByText('That did not get through yet.').waitFor()
  await expect.poll(() => page.getByRole('button', { name: /^Continue/ }).isDisabled()).toBe(true)
  await context.setOffline(false)
  await until(headline(page, 'Step 2 of 2 is being made'))
  await until(headline(page, 'Ready'))
  expect(paid()).toBe(2)
})

test('a silent server: it says when it tries again, until a click gets through; a picture that never came is followed by one that does', async () => {
  const { page } = await open()
  await page.route('**/api/result*', (route) => route.abort())
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  await page.locator('.chain .photo-failed').waitFor()
  expect(await page.locator('button button').count()).toBe(0)
  await page.route('**/api/status*', (route) => route.fulfill({ status: 502, body: 'bad gateway' }))
  await until(page.getByText(/^No answer from the server. Trying again in \d+ s.$/))
  await page.route('**/api/status*', (route) => route.fulfill({ status: 500, body: 'a fault' }))
  await until(page.getByText(/^The server has a problem just now. Trying again in \d+ s.$/))
  await until(page.getByText(/^The server has given no good answer for minutes. Trying again in 30 s./), 20)
  const asked = page.waitForRequest('**/api/status*')
  await page.getByRole('button', { name: 'Try now' }).click()
  await asked
  await page.unroute('**/api/status*')
  await page.unroute('**/api/result*')
  await page.getByRole('button', { name: 'Try this step again' }).click()
  await headline(page, 'Step 1 of 2 is being made').waitFor()
  await expect.poll(() => page.locator('.trouble').textContent()).toBe('')
  await until(headline(page, 'Step 1 of 2 is ready'))
  await page.locator('.chain .photo.shown').nth(1).waitFor()
})

test('who leaves while a click is on its way has nothing watched for them; what was done elsewhere meanwhile is shown on coming back', async () => {
  const { page, calls } = await open()
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  const { promise: left, resolve: leave } = Promise.withResolvers<void>()
  await page.route('**/api/continue', async (route) => {
    await left
    await route.continue()
  })
  await page.getByRole('button', { name: /^Continue/ }).click()
  await page.getByRole('link', { name: 'History' }).click()
  await page.locator('.card').waitFor()
  const answered = page.waitForResponse('**/api/continue')
  leave()
  await answered
  calls.length = 0
  await until(page.locator('.badge.completed'))
  expect(calls.filter((call) => call === 'GET /api/status')).toEqual([])

  await page.locator('.card').click()
  await headline(page, 'Ready').waitFor()
  const task_id = page.url().replace(/^.*\//, '')
  await page.request.post(`${app.address}/api/delete`, { data: { task_id } })
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
  await headline(page, 'This was not found.').waitFor()
})

test('a start whose answer was lost starts nothing twice, neither at the next try nor after a reload', async () => {
  const { page, calls } = await open()
  await fillIn(page, 1)
  await loseAnswer(page, '/api/start')
  await page.getByRole('button', { name: /^Start/ }).click()
  await until(headline(page, 'Ready'))
  expect(calls.filter((call) => call === 'POST /api/start')).toHaveLength(2)
  expect(created()).toBe(1)

  await page.getByRole('link', { name: 'Start again with these' }).click()
  await page.locator('img.person').waitFor()
  await page.route('**/api/start', async (route) => {
    await route.fetch()
    await route.abort('connectionreset')
  })
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByText('That did not get through yet.').waitFor()
  await page.reload()
  await page.unroute('**/api/start')
  await page.locator('img.person').waitFor()
  await page.getByRole('button', { name: /^Start/ }).click()
  await until(headline(page, 'Ready'))
  expect(created()).toBe(2)
})

test('a redo whose answer was lost, and which was ready before the next try, is not paid twice; a click that came too late is told', async () => {
  const { page, calls } = await open()
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  await loseAnswer(page, '/api/redo')
  await page.getByRole('button', { name: 'Try this step again' }).click()
  await page.getByText('That did not get through yet.').waitFor()
  await until(page.locator('.task:not(:has(.message)) .frame img[src*="attempt=2"]'))
  await headline(page, 'Step 1 of 2 is ready').waitFor()
  expect(calls.filter((call) => call === 'POST /api/redo')).toHaveLength(2)
  expect(paid()).toBe(2)
  await page.route(
    '**/api/redo',
    async (route) => {
      const { task_id } = route.request().postDataJSON()
      await page.request.post(`${app.address}/api/cancel`, { data: { task_id } })
      await route.continue()
    },
    { times: 1 },
  )
  await page.getByRole('button', { name: 'Try this step again' }).click()
  await headline(page, 'Stopped').waitFor()
  await page.getByRole('alert').getByText('The task is over already.').waitFor()
})

test('double clicks do nothing twice', async () => {
  const { page, calls } = await open()
  await fillIn(page, 2)
  await page.getByRole('button', { name: /^Start/ }).dblclick()
  await until(headline(page, 'Step 1 of 2 is ready'))
  await page.getByRole('button', { name: /^Continue/ }).dblclick()
  await until(headline(page, 'Ready'))
  expect(calls.filter((call) => /start|continue/.test(call))).toEqual(['POST /api/start', 'POST /api/continue'])
  expect(created()).toBe(2)
  const sharing = page.waitForResponse('**/api/share')
  await page.evaluate(`{ const button = document.querySelector('.share button'); button.click(); button.click() }`)
  await sharing
  await page.locator('input.link').waitFor()
  expect(calls.filter((call) => call === 'POST /api/share')).toHaveLength(1)
})

test('a session that has ended makes place for a new one, and it is said that the earlier tasks went with it', async () => {
  const { page } = await open()
  await startTryOn(page, 1)
  stack.skipOnServer(31 * 24 * 3600)
  await page.reload()
  await page.getByText('Your earlier session has ended').waitFor()
  await page.getByText('This was not found.').waitFor()
  await page.getByRole('link', { name: 'Start page', exact: true }).click()
  await startTryOn(page, 1)
  await until(headline(page, 'Ready'))
})

test.each(['', 'forged.token.value'])(
  'a cookie that was lost or forged (%j) is replaced at the next request',
  async (value) => {
    const { page, context, calls } = await open()
    await startTryOn(page, 1)
    await context.clearCookies()
    if (value) await context.addCookies([{ name: 'stepgate_session', value, url: app.address }])
    await page.getByRole('link', { name: 'History' }).click()
    await page.getByText('Your earlier session has ended').waitFor()
    await page.getByText('Nothing here yet.').waitFor()
    expect(calls.filter((call) => call === 'POST /api/session')).toHaveLength(2)
  },
)

test("somebody else's task, and one that never was, are answered in words", async () => {
  const other = await open()
  await startTryOn(other.page, 1)
  const { page } = await open()
  for (const hash of [new URL(other.page.url()).hash, '#/task/0192f6c1-7a7b-7000-8000-000000000000']) {
    await page.goto(`${app.address}/${hash}`)
    await headline(page, 'This was not found.').waitFor()
    await expect.poll(() => page.title()).toBe('This was not found. · Stepgate')
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('This was not found.')
  }
})
