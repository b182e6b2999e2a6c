// What an open page costs: function calls from the first visit to the last picture, at the usual 20 seconds a step.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { fillIn, headline, type PageStack, usePage } from './page.ts'

/** A person looks at a picture before they go on. */
const thinkSeconds = 8

const reported = await usePage({ still: true })
const unreported = await usePage({ still: true, env: { ALLOW_HTTP_CALLBACKS: '0' } })

/** An answer is there within a fifth of a second. */
const answerSeconds = 0.2

async function begin({ until }: PageStack, page: Page, garments: number): Promise<void> {
  await until(page.locator('.sample-person'), answerSeconds)
  await fillIn(page, garments)
  await page.getByRole('button', { name: /^Start/ }).click()
  await until(page.locator('.task'), answerSeconds)
}

/** Every request to a function, pictures included. */
async function callsOfThreeGarments(stack: PageStack): Promise<string[]> {
  const { open, until, skip } = stack
  const { page, calls } = await open()
  await skip(answerSeconds)
  await begin(stack, page, 3)
  for (const step of [1, 2]) {
    await until(headline(page, `Step ${step} of 3 is ready`), 1)
    await skip(thinkSeconds)
    await page.getByRole('button', { name: /^Continue/ }).click()
    await until(headline(page, `Step ${step + 1} of 3 is being made`), answerSeconds)
  }
  await until(headline(page, 'Ready'), 1)
  await until(page.getByRole('img', { name: 'Picture: Step 3' }), answerSeconds)
  return calls
}

const countsOf = (calls: readonly string[]) =>
  Object.entries(Object.groupBy(calls, (call) => call)).map(([call, made]) => `${made?.length} × ${call}`)

test('three garments with the page open throughout: under 25 calls with webhooks', async () => {
  const calls = await callsOfThreeGarments(reported)
  expect(calls.length, countsOf(calls).join(', ')).toBeLessThan(25)
})

test('three garments with the page open throughout: under 40 calls without webhooks, which then move the task', async () => {
  const calls = await callsOfThreeGarments(unreported)
  expect(calls.length, countsOf(calls).join(', ')).toBeLessThan(40)
})

test('the history asks once for all tasks', async () => {
  const { page, calls } = await reported.open()
  await reported.skip(answerSeconds)
  for (const garments of [1, 1, 2]) {
    await begin(reported, page, garments)
    await page.getByRole('link', { name: 'Start page' }).click()
  }
  await page.getByRole('link', { name: 'History' }).click()
  await reported.until(page.locator('.card').nth(2), answerSeconds)
  calls.length = 0
  await reported.until(page.locator('.badge.waiting_continue'), 1)
  expect(calls.filter((call) => call.endsWith('/tasks')).length, countsOf(calls).join(', ')).toBeLessThan(10)
  expect(calls.filter((call) => call.endsWith('/status'))).toEqual([])
})
