// The gate on a phone: an earlier picture is chosen and goes on, whoever else clicks; and another way is tried from a picture that is there.

import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { resultKey, type Task } from '../../core/task.ts'
import { headline, openPage, startTryOn, usePage } from './page.ts'

const stack = await usePage()
const { app, open, until } = stack
const paid = () => app.simulator.replicate.till().paid

/** The task of this test, as it is in the table. */
async function row(): Promise<Task> {
  const { rows } = await sql<Task>`select * from tasks order by id limit 1`.execute(app.deps.db)
  if (!rows[0]) throw new Error('there is no task')
  return rows[0]
}

test('try 1 is chosen after a redo, and clicks in two tabs go on with it once', async () => {
  const { page, context } = await open({ phone: true })
  await page.setViewportSize({ width: 390, height: 664 })
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  await page.getByRole('button', { name: /^Try this step again/ }).click()
  await until(page.locator('.attempts button').nth(1))
  await headline(page, 'Step 1 of 2 is ready').waitFor()
  const { page: other } = await openPage(context, page.url(), stack.complaints)
  await other.getByRole('button', { name: 'Show: Try 1' }).click()
  await page.getByRole('button', { name: 'Show: Try 1' }).click()
  const [here, there] = [page, other].map((tab) => tab.getByRole('button', { name: 'Continue with: Try 1' }))
  const clicks = [here, here, there, there].map((button) => button?.evaluate((it: { click(): void }) => it.click()))
  await Promise.allSettled(clicks)
  await until(headline(page, 'Ready'))
  const { steps, id } = await row()
  expect(steps[0]?.chosen).toEqual({ attempt: 1, file: 1 })
  expect(paid()).toBe(3)
  const input = app.simulator.replicate.till().predictions.at(-1)?.input as Record<string, unknown> | undefined
  const first = steps[0]?.past?.find(({ attempt }) => attempt === 1)
  expect(new URL(String(input?.['person_image'] ?? input?.['human_img'])).searchParams.get('file')).toBe(
    resultKey(id, 1, first?.prediction_id ?? ''),
  )
})

test('another way from a step’s picture begins with it and the garments that were to come; a picture that can’t be fetched is said', async () => {
  const { page, calls } = await open({ phone: true })
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  const uploads = calls.filter((call) => call === 'POST /api/upload').length
  const another = page.getByRole('link', { name: 'Try another way from here' })
  await page.route('**/api/result*', (route) => route.abort())
  await another.click()
  await page.locator('.actions .message').waitFor()
  await page.unroute('**/api/result*')
  // Who goes elsewhere while it is fetched is led nowhere.
  await page.route('**/api/result*', () => new Promise<void>(() => {}))
  const given = page.waitForEvent('requestfailed')
  await another.click()
  await page.getByRole('link', { name: 'History' }).click()
  await given
  await page.unroute('**/api/result*')
  await page.goBack()
  await another.click()
  await page.locator('img.person').waitFor()
  await page.getByRole('button', { name: 'Start · 1 step' }).click()
  await until(headline(page, 'Ready'))
  expect(paid()).toBe(2)
  expect(calls.filter((call) => call === 'POST /api/upload')).toHaveLength(uploads)
})

test('another way from a picture whose task is deleted meanwhile begins with the photo that the form has', async () => {
  const { page, calls } = await open()
  await startTryOn(page, 1)
  await until(headline(page, 'Ready'))
  const task_id = page.url().replace(/^.*\//, '')
  const another = page.getByRole('link', { name: 'Try another way from here' })
  await another.click()
  await page.locator('img.person').waitFor()
  await page.locator('.samples .sample').first().click()
  await page.locator('.garment').waitFor()
  await page.goBack()
  await another.click()
  // What the form has already is not taken out of it.
  await page.locator('.garment').waitFor()
  await page.request.post(`${app.address}/api/delete`, { data: { task_id } })
  await page.getByRole('button', { name: 'Start · 1 step' }).click()
  await until(headline(page, 'Ready'))
  expect(calls.filter((call) => call === 'POST /api/start')).toHaveLength(3)
})
