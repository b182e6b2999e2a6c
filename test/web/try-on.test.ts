// The try-on as a person goes through it.
import { expect, test } from 'vitest'
import { fillIn, headline, openPage, startTryOn, usePage } from './page.ts'

const stack = await usePage()
const { app, open, skip, until } = stack
const paid = () => app.simulator.replicate.till().paid

test('three garments on a phone, each approved, compared with the start, downloaded, found again tomorrow', async () => {
  const { page, context } = await open({ phone: true, moves: true })
  await startTryOn(page, 3)
  await headline(page, 'Step 1 of 3 is being made').waitFor()
  await expect.poll(() => page.locator('.since').textContent()).toMatch(/^\d+ s so far · usually 20 s$/)
  await until(headline(page, 'Step 1 of 3 is ready'))
  await page.getByRole('img', { name: 'Picture: Step 1' }).waitFor()
  await page.getByRole('button', { name: 'Continue (step 2 of 3)' }).click()
  await headline(page, 'Step 2 of 3 is being made').waitFor()
  await until(headline(page, 'Step 2 of 3 is ready'))
  await page.getByRole('button', { name: 'Continue (step 3 of 3)' }).click()
  await until(headline(page, 'Ready'))
  expect(paid()).toBe(3)

  await page.getByRole('button', { name: 'Compare' }).click()
  await page.getByRole('slider').fill('20')
  await expect.poll(() => page.getByRole('img', { name: 'Picture: Start picture' }).isVisible()).toBe(true)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).last().click(),
  ])
  expect(download.suggestedFilename()).toBe('try-on-step-3.jpeg')
  // The large button saves what is seen.
  await page.getByRole('button', { name: 'Show: Step 1' }).click()
  const [earlier] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('.actions').getByRole('link', { name: 'Download' }).click(),
  ])
  expect(earlier.suggestedFilename()).toBe('try-on-step-1.jpeg')
  await page.close()

  await skip(20 * 3600)
  const tomorrow = await openPage(context, app.address, stack.complaints)
  await tomorrow.page.getByRole('link', { name: /Ready.*Try-on/ }).click()
  await headline(tomorrow.page, 'Ready').waitFor()
  await expect.poll(() => tomorrow.page.locator('.chain-item').count()).toBe(4)
})

/** Once told so, no file is ever read to its end. */
const neverRead = `(() => {
  const read = createImageBitmap
  globalThis.createImageBitmap = (...file) => (globalThis.readsNone ? new Promise(() => {}) : read(...file))
})()`

test('a step that is not liked is made again: the new picture comes to the front, the earlier one stays beside it, and goes on where it is the one in sight', async () => {
  const { page } = await open({ phone: true, script: neverRead })
  await startTryOn(page, 2)
  await until(headline(page, 'Step 1 of 2 is ready'))
  const picture = () => page.locator('.stage img').getAttribute('src')
  const first = await picture()
  // A change waits for the picture that it is to be made with.
  await page.getByRole('button', { name: 'Say what to change' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Remarks').fill('tucked in')
  const go = dialog.getByRole('button', { name: 'Make it so' })
  await expect.poll(() => go.isEnabled()).toBe(true)
  expect(await dialog.getByText('Which garment').count()).toBe(0)
  await page.evaluate('globalThis.readsNone = true')
  await dialog.locator('input[type=file]').setInputFiles('web/public/samples/dress.png')
  await expect.poll(() => go.isDisabled()).toBe(true)
  // What was said outlasts a reload, and is said of no other attempt.
  await page.reload()
  await page.getByRole('button', { name: 'Say what to change' }).click()
  expect(await dialog.getByLabel('Remarks').inputValue()).toBe('tucked in')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Try this step again' }).click()
  await headline(page, 'Step 1 of 2 is being made').waitFor()
  await until(page.locator('.attempts button').nth(1))
  await headline(page, 'Step 1 of 2 is ready').waitFor()
  await expect.poll(picture).not.toBe(first)
  await page.getByRole('button', { name: 'Say what to change' }).click()
  expect(await dialog.getByLabel('Remarks').inputValue()).toBe('')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Show: Try 1' }).click()
  await expect.poll(picture).toBe(first)
  expect(paid()).toBe(2)
  const going = page.waitForRequest('**/api/continue')
  await page.getByRole('button', { name: 'Continue with: Try 1' }).click()
  expect((await going).postDataJSON()).toMatchObject({ step: 1, attempt: 1, file: 1 })
})

test('stopping asks once, may be thought better of for nothing, keeps what was made, and ends the task', async () => {
  const { page, calls } = await open({ phone: true })
  await startTryOn(page, 3)
  await until(headline(page, 'Step 1 of 3 is ready'))
  await page.getByRole('button', { name: 'Stop here' }).click()
  await page.keyboard.press('Escape')
  await headline(page, 'Step 1 of 3 is ready').waitFor()
  await page.getByRole('button', { name: 'Stop here' }).click()
  await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Back')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Go on to the end without asking · $0.05' }).waitFor()
  expect(calls).not.toContain('POST /api/continue')
  await page.getByRole('button', { name: 'Continue (step 2 of 3) · $0.02' }).click()
  await headline(page, 'Step 2 of 3 is being made').waitFor()
  await until(headline(page, 'Step 2 of 3 is ready'))
  await page.getByRole('button', { name: 'Stop here' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop here' }).click()
  await headline(page, 'Stopped').waitFor()
  await page.getByRole('link', { name: 'Download' }).last().waitFor()
  await expect.poll(() => page.getByRole('button', { name: /Continue/ }).count()).toBe(0)
  expect(paid()).toBe(2)
})

test('a reload in the middle of a step finds it again, start picture and all', async () => {
  const { page } = await open({ phone: true })
  await startTryOn(page, 2)
  await skip(4)
  await page.reload()
  await headline(page, 'Step 1 of 2 is being made').waitFor()
  await page.getByRole('img', { name: 'Picture: Start picture' }).waitFor()
  await until(headline(page, 'Step 1 of 2 is ready'))
  expect(paid()).toBe(1)
})

test('what one tab does, another shows without being touched', async () => {
  const { page, context } = await open()
  await startTryOn(page, 2)
  const other = await openPage(context, page.url(), stack.complaints)
  await until(headline(page, 'Step 1 of 2 is ready'))
  await until(headline(other.page, 'Step 1 of 2 is ready'))
  await page.getByRole('button', { name: 'Continue (step 2 of 2)' }).click()
  await headline(other.page, 'Step 2 of 2 is being made').waitFor()
  // The stale click of a third look at the same gate moves nothing.
  await until(headline(other.page, 'Ready'))
  expect(paid()).toBe(2)
  // Nothing moves any more, so the history asks no more by itself.
  await other.page.getByRole('link', { name: 'History' }).click()
  await other.page.locator('.card').waitFor()
  await page.getByRole('link', { name: 'Start again with these' }).click()
  await page.locator('img.person').waitFor()
  await page.getByRole('button', { name: /^Start/ }).click()
  await other.page.locator('.card').nth(1).waitFor()
})

test('going on to the end without asking, from the form and from a gate; “Start again with these” forgets nothing', async () => {
  const { page } = await open({ phone: true })
  await fillIn(page, 2)
  await page.getByText('Go on to the end without asking').click()
  await page.getByRole('button', { name: 'Start · 2 steps' }).click()
  await until(headline(page, 'Ready'))
  await page.getByRole('link', { name: 'Start again with these' }).click()
  await page.locator('img.person').waitFor()
  await page.getByText('Go on to the end without asking').click()
  await page.locator('.samples .sample').nth(2).click()
  await page.getByRole('button', { name: 'Start · 3 steps' }).click()
  await until(headline(page, 'Step 1 of 3 is ready'))
  await page.getByRole('button', { name: 'Go on to the end without asking' }).click()
  await until(headline(page, 'Ready'))
  expect(paid()).toBe(5)
})

test('a step that fails says so in plain words, leads to the form with what it was given, and can be tried again', async () => {
  app.simulator.replicate.addFaults([{ on: 'outcome', fault: 'failed' }])
  const { page } = await open({ phone: true })
  await startTryOn(page, 1)
  await until(headline(page, 'Step 1 of 1 did not work'))
  expect(await page.locator('.help').textContent()).toContain('Try the step again')
  await page.getByRole('link', { name: 'Change the photo or the rest' }).click()
  await page.locator('img.person').waitFor()
  await page.getByText('Another photo').waitFor()
  await expect.poll(() => page.getByLabel('Garment 1: Note').inputValue()).toBe('Striped shirt')
  await page.goBack()
  await page.getByRole('button', { name: 'Try this step again' }).click()
  await until(headline(page, 'Ready'))
})

test('a form that lacks something says what, and a file that is no picture is refused by name', async () => {
  const { page, calls } = await open()
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByText('Add a photo of the person first.').waitFor()
  await page.locator('.sample-person').click()
  await page.getByText('Add at least one garment.').waitFor()
  const file = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not a picture') }
  await page.locator('.drop-small input').first().setInputFiles(file)
  await page.getByText("“notes.txt” can't be read as a picture").waitFor()
  expect(calls).toEqual([])
})

test('an app around the page hands in tokens of its own users: no session is made, and pictures are shown', async () => {
  const token = await app.signIn('ann')
  const { page, calls, context } = await open({ script: `globalThis.stepgate = { token: () => '${token}' }` })
  await startTryOn(page, 1)
  await until(headline(page, 'Ready'))
  await page.locator('.stage img.shown').waitFor()
  expect(await page.locator('.stage img').getAttribute('src')).toMatch(/^blob:/)
  await page.route('**/api/result*', (route) => route.abort(), { times: 1 })
  await page.getByRole('link', { name: 'Download' }).last().click()
  await page.getByRole('alert').getByText('There is no connection').waitFor()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).last().click(),
  ])
  expect(download.suggestedFilename()).toBe('try-on-step-1.jpeg')
  expect(calls).not.toContain('POST /api/session')
  expect(await context.cookies()).toEqual([])
})

test('the history leads to all tasks, also beyond the hundred newest, and fetches the pictures near to what is in sight, in an app too', async () => {
  const token = await app.signIn('ann')
  const { page, calls } = await open({ script: `globalThis.stepgate = { token: () => '${token}' }` })
  await startTryOn(page, 1)
  await until(headline(page, 'Ready'))
  const answer = await page.request.get(`${app.address}/api/tasks`, { headers: { authorization: `Bearer ${token}` } })
  const [task] = (await answer.json()).tasks
  const all = Array.from({ length: 130 }, (_, index) => ({ ...task, task_id: `task-${index}` }))
  await page.route('**/api/tasks*', (route) => {
    const { searchParams } = new URL(route.request().url())
    const from = Number(searchParams.get('cursor')?.replace('task-', '') ?? -1) + 1
    const tasks = all.slice(from, from + Number(searchParams.get('limit')))
    const next_cursor = tasks.at(-1) === all.at(-1) ? null : tasks.at(-1)?.task_id
    return route.fulfill({ json: { tasks, next_cursor } })
  })
  await page.setViewportSize({ width: 390, height: 300 })
  calls.length = 0
  await page.getByRole('link', { name: 'History' }).click()
  await page.locator('.card img.shown').first().waitFor()
  expect(calls.filter((call) => call === 'GET /api/result').length).toBeLessThan(12)
  for (const shown of [20, 40, 60, 80, 100]) {
    await expect.poll(() => page.locator('.card').count()).toBe(shown)
    await page.getByRole('button', { name: 'Show more' }).click()
  }
  await expect.poll(() => page.locator('.card').count()).toBe(130)
  await expect.poll(() => page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
})
