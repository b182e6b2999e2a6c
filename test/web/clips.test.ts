// Results that aren't pictures: a clip with its poster, in the stage, the chain and the history; a sound; and what this browser can't play. And
// the dialog that asks what to change in the fields of the recipe's own changes.
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { wave } from '../../simulator/media/wave.ts'
import { headline, usePage } from './page.ts'

const { open, until } = await usePage()

async function startClip(page: Page): Promise<void> {
  const picture = { create: { width: 480, height: 320, channels: 3, background: { r: 40, g: 120, b: 190 } } } as const
  const buffer = await sharp(picture).jpeg().toBuffer()
  await page.locator('.drop-small input').setInputFiles({ name: 'harbour.jpg', mimeType: 'image/jpeg', buffer })
  await page.locator('img.person').waitFor()
  await page.getByRole('button', { name: 'Start · 2 steps' }).click()
  await until(headline(page, 'Step 1 of 2 is ready'))
}

/** The task's files are said to be of this type, and are these bytes. */
async function pretend(page: Page, type: string, body: Buffer): Promise<void> {
  await page.route('**/api/status*', async (route) => {
    const response = await route.fetch()
    if (response.status() !== 200) return route.fulfill({ response })
    const view = (await response.text()).replaceAll(/"type":"image\/\w+"/g, `"type":"${type}"`)
    await route.fulfill({ contentType: 'application/json', body: view })
  })
  await page.route('**/api/result*', (route) => route.fulfill({ contentType: type, body }))
}

test('a clip is shown with controls and its still as the poster, is saved as .mp4, and stands in the history by its still', async () => {
  const { page } = await open({ phone: true, path: '/#/new/clip' })
  await startClip(page)
  expect(await page.locator('video').count()).toBe(0)
  await page.getByRole('button', { name: 'Continue (step 2 of 2)' }).click()
  await until(headline(page, 'Ready'))
  const clip = page.getByLabel('Clip: Step 2')
  await clip.waitFor()
  const [src, poster, controls, plays, preload] = await Promise.all(
    ['src', 'poster', 'controls', 'playsinline', 'preload'].map((name) => clip.getAttribute(name)),
  )
  expect([controls, preload]).toEqual(['', 'metadata'])
  expect(plays).not.toBeNull()
  expect(src).toMatch(/step=2&attempt=1$/)
  expect(poster).toMatch(/step=1&attempt=1$/)
  const part = await page.request.get(new URL(String(src), page.url()).href, { headers: { range: 'bytes=0-99' } })
  expect([part.status(), part.headers()['content-type']]).toEqual([206, 'video/mp4'])

  expect(await page.locator('.chain video').getAttribute('controls')).toBeNull()
  await expect.poll(() => page.locator('.chain .play').count()).toBe(1)
  const saving = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download' }).first().click()
  expect((await saving).suggestedFilename()).toBe('clip-step-2.mp4')

  await page.getByRole('link', { name: 'History' }).click()
  await page.locator('.card .play').waitFor()
  await expect.poll(() => page.locator('.card img').getAttribute('src')).toBe(poster)
  expect(await page.locator('.card video').count()).toBe(0)
})

test('what to change is asked in the fields of the recipe’s own changes, nothing said is nothing sent, and a refusal stays beside what was said', async () => {
  const { page } = await open({ path: '/#/new/clip' })
  await startClip(page)
  await page.getByRole('button', { name: 'Say what to change' }).click()
  const dialog = page.getByRole('dialog')
  const go = dialog.getByRole('button', { name: 'Make it so' })
  expect(await go.isDisabled()).toBe(true)
  await dialog.getByText('Say first what shall be different.').waitFor()
  await dialog.getByLabel('What it shall be').fill(' the tide goes out ')
  const errors = [{ path: 'change', message: 'prompt: names nobody' }]
  const refusal = {
    title: 'invalid',
    status: 400,
    detail: 'The request is not valid.',
    code: 'invalid_request',
    errors,
  }
  const answer = { status: 400, contentType: 'application/problem+json', body: JSON.stringify(refusal) }
  await page.route('**/api/redo', (route) => route.fulfill(answer), { times: 1 })
  await go.click()
  await dialog.getByText('Not right yet: What it shall be.').waitFor()
  const redo = page.waitForRequest('**/api/redo')
  await dialog.getByRole('button', { name: 'Make it so · $0.07' }).click()
  expect((await redo).postDataJSON()).toMatchObject({ step: 1, attempt: 1, change: { prompt: 'the tide goes out' } })
  await until(page.locator('.attempts button').nth(1))
  await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
  const [frame, tools] = await Promise.all(['.stage .frame', '.stage-tools'].map((part) => boxOf(page, part)))
  expect(Number(tools?.y) - Number(frame?.y) - Number(frame?.height)).toBeLessThan(10)

  // No try-on is begun with a picture of a harbour.
  await page.getByRole('link', { name: 'Change this picture' }).click()
  await page.locator('img.person').waitFor()
  await page.getByLabel('What it shall be').fill('at night')
  const start = page.waitForRequest('**/api/start')
  await page.getByRole('button', { name: 'Start · 1 step' }).click()
  expect((await start).postDataJSON()).toMatchObject({ recipe: 'edit', image: expect.stringMatching(/^.api.result/) })
  await page.locator('.task.edit').waitFor()
})

const boxOf = (page: Page, part: string) => page.locator(part).first().boundingBox()

test('a sound is played in the page, named in its language', async () => {
  const { page } = await open({ path: '/#/new/memes', locale: 'ru-RU' })
  await pretend(page, 'audio/wav', wave('a tune', 1))
  await page.getByLabel('Строчка 1').fill('кот объясняет бюджет')
  await page.getByRole('button', { name: /^Начать/ }).click()
  await until(headline(page, 'Готово'))
  const sound = page.getByLabel('Звук: Шаг 1')
  await sound.waitFor()
  expect(await sound.getAttribute('controls')).toBe('')
  expect(await page.locator('.stage img, .stage video').count()).toBe(0)
  await expect.poll(() => page.getByRole('link', { name: 'Скачать' }).count()).toBeGreaterThan(0)
})

test('a clip that this browser can’t play says so, and can be downloaded', async () => {
  const { page } = await open({ path: '/#/new/memes' })
  await pretend(page, 'video/quicktime', Buffer.from('no film'))
  await page.getByLabel('Line 1').fill('a cat explains the budget')
  await page.getByRole('button', { name: 'Start · 1 step' }).click()
  await until(headline(page, 'Ready'))
  await page.getByText('This cannot be played here.').waitFor()
  expect(await page.getByLabel('Clip: Step 1').getAttribute('poster')).toBeNull()
  await expect.poll(() => page.getByRole('link', { name: 'Download' }).count()).toBeGreaterThan(0)
})
