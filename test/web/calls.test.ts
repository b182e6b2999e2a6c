// What an open page costs: function calls from the first visit to the last picture, at the usual 20 seconds a step.
import { expect, test } from 'vitest'
import { headline, type PageStack, startTryOn, usePage } from './page.ts'

/** A person looks at a picture before she goes on. */
const thinkSeconds = 8

const reported = await usePage()
const unreported = await usePage({ env: { ALLOW_HTTP_CALLBACKS: '0' } })

/** Every request to a function, pictures included. */
async function callsOfThreeGarments({ open, until, skip }: PageStack): Promise<string[]> {
  const { page, calls } = await open()
  await startTryOn(page, 3)
  for (const step of [1, 2]) {
    await until(headline(page, `Step ${step} of 3 is ready`), 1)
    await skip(thinkSeconds)
    await page.getByRole('button', { name: /^Continue/ }).click()
    await headline(page, `Step ${step + 1} of 3 is being made`).waitFor()
  }
  await until(headline(page, 'Ready'), 1)
  await page.getByRole('img', { name: 'Picture: Step 3' }).waitFor()
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
  for (const garments of [1, 1, 2]) {
    await startTryOn(page, garments)
    await page.getByRole('link', { name: 'Start page' }).click()
  }
  await page.getByRole('link', { name: 'History' }).click()
  await page.locator('.card').nth(2).waitFor()
  calls.length = 0
  await reported.until(page.locator('.badge.waiting_continue'), 1)
  expect(calls.filter((call) => call.endsWith('/tasks')).length, countsOf(calls).join(', ')).toBeLessThan(10)
  expect(calls.filter((call) => call.endsWith('/status'))).toEqual([])
})
