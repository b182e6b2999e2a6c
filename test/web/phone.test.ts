// The page as people hold it: a small screen, photos of odd kinds, a camera that throws the page out, second thoughts.
import { readFile } from 'node:fs/promises'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { fillIn, headline, usePage } from './page.ts'

const { open, until } = await usePage({ moves: true })

const text = (name: string, mimeType = 'image/jpeg') => ({ name, mimeType, buffer: Buffer.from('not a picture') })
const heic = { ...text('IMG_0042.HEIC', 'image/heic') }
const personInput = (page: Page) => page.locator('.drop-person input').first()
const garmentInput = (page: Page) => page.locator('.drop-small input').first()

/** In sight without scrolling, the whole of it. */
async function isInView(locator: Locator): Promise<boolean> {
  const box = await locator.boundingBox()
  const { height = 0 } = locator.page().viewportSize() ?? {}
  return box !== null && box.y >= 0 && box.y + box.height <= height
}

test('Enter in the note of a garment starts nothing', async () => {
  const { page, calls } = await open({ phone: true })
  await fillIn(page, 1)
  await page.getByLabel('Garment 1: Note').fill('linen')
  await page.getByLabel('Garment 1: Note').press('Enter')
  await page.getByRole('button', { name: /^Striped shirt/ }).click()
  await page.locator('.garment').nth(1).waitFor()
  expect(calls).toEqual([])
})

test('a photo that cannot be read is named where it was chosen, in view, with what to do', async () => {
  const { page } = await open({ phone: true })
  await personInput(page).setInputFiles(heic)
  const message = page.locator('section[aria-labelledby=person-title] .message')
  await message.getByText("“IMG_0042.HEIC” can't be read").waitFor()
  expect(await message.textContent()).toContain('Most Compatible')
  await expect.poll(() => isInView(message)).toBe(true)
})

test('of several files that cannot be read, each is named', async () => {
  const { page } = await open({ phone: true })
  await garmentInput(page).setInputFiles([text('one.jpg'), text('two.jpg'), text('three.txt', 'text/plain')])
  const message = page.locator('section[aria-labelledby=garments-title] .message')
  for (const name of ['one.jpg', 'two.jpg', 'three.txt']) await message.getByText(`“${name}”`).waitFor()
  await expect.poll(() => isInView(message)).toBe(true)
})

test('Start without a photo speaks where the photo is missing, in view', async () => {
  const { page } = await open({ phone: true })
  await page.getByRole('button', { name: /^Start/ }).click()
  const message = page.locator('section[aria-labelledby=person-title] .message')
  await message.waitFor()
  await expect.poll(() => isInView(message)).toBe(true)
})

test.each([
  ['avatar', 'section[aria-labelledby=photos-title]', 'Add at least 10 photos'],
  ['edit', 'section[aria-labelledby=field-image]', 'Missing: The picture'],
])('%s: Start speaks where something is missing, and once, in view of a small screen', async (recipe, part, words) => {
  const { page } = await open({ phone: true, path: `/#/new/${recipe}` })
  await page.setViewportSize({ width: 320, height: 568 })
  await page.getByRole('button', { name: /^Start/ }).click()
  const message = page.locator(`${part} .message`)
  await message.getByText(words).waitFor()
  await expect.poll(() => isInView(message)).toBe(true)
  await expect.poll(() => page.getByText(words).count()).toBe(1)
})

test('a bad file is named beside ten good ones, and in place of what is still missing', async () => {
  const { page } = await open({ phone: true })
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByText('Add a photo of the person first.').waitFor()
  await personInput(page).setInputFiles(heic)
  await page.getByText("“IMG_0042.HEIC” can't be read").waitFor()
  await expect.poll(() => page.getByText('Add a photo of the person first.').count()).toBe(0)
  const good = { name: 'shirt.png', mimeType: 'image/png', buffer: await readFile('web/public/samples/shirt.png') }
  await garmentInput(page).setInputFiles([...Array.from({ length: 10 }, () => good), text('last.jpg')])
  await page.getByText('“last.jpg”').waitFor()
  await expect.poll(() => page.locator('.garment').count()).toBe(10)
})

test('a reload leaves the form as it was, and it can be started', async () => {
  const { page, calls } = await open({ phone: true })
  await fillIn(page, 2)
  await page.getByLabel('Garment 2: Note').fill('wide legs')
  // The draft is written before a camera can throw the page out; here the test asks when it is.
  await expect.poll(() => page.evaluate(draftNotes)).toEqual(['Striped shirt', 'wide legs'])
  await page.reload()
  await page.locator('img.person').waitFor()
  await expect.poll(() => page.getByLabel('Garment 2: Note').inputValue()).toBe('wide legs')
  expect(calls).toEqual([])
  await page.getByRole('button', { name: 'Start · 2 steps' }).click()
  await headline(page, 'Step 1 of 2 is being made').waitFor()
  await page.getByRole('link', { name: 'Start page' }).click()
  await page.reload()
  await page.locator('.sample-person').waitFor()
})

test('a form that an earlier page has kept in another shape begins anew', async () => {
  const { page } = await open({ phone: true })
  await fillIn(page, 1)
  await expect.poll(() => page.evaluate(draftNotes)).toEqual(['Striped shirt'])
  await page.evaluate(`new Promise((resolve) => {
    const opening = indexedDB.open('stepgate')
    opening.onsuccess = () => {
      const { transaction } = opening.result.transaction('drafts', 'readwrite').objectStore('drafts').put({ pieces: 1 }, 'try-on')
      transaction.oncomplete = () => resolve(opening.result.close())
    }
  })`)
  await page.reload()
  await fillIn(page, 1)
  await expect.poll(() => page.locator('.garment').count()).toBe(1)
})

test('a sample that does not come is said where it was tapped, and may be tapped again', async () => {
  const { page } = await open({ phone: true })
  await page.route('**/samples/shirt.png', (route) => route.fulfill({ status: 502, body: 'bad gateway' }))
  await page.getByRole('button', { name: /^Striped shirt/ }).click()
  await page.locator('section[aria-labelledby=garments-title]').getByText('The picture could not be loaded').waitFor()
  await page.unroute('**/samples/shirt.png')
  await page.getByRole('button', { name: /^Striped shirt/ }).click()
  await page.locator('.garment').waitFor()
  await expect.poll(() => page.locator('.message').count()).toBe(0)
})

const draftNotes = `new Promise((resolve) => {
  const opening = indexedDB.open('stepgate')
  opening.onsuccess = () => {
    const reading = opening.result.transaction('drafts').objectStore('drafts').get('try-on')
    reading.onsuccess = () => {
      opening.result.close()
      resolve(reading.result?.garments.map(({ note }) => note))
    }
  }
})`

/** As the browser does when a person drags the sample trousers to the page. */
const drop = (selector: string) => `(async () => {
  const data = new DataTransfer()
  const blob = await (await fetch('/samples/trousers.png')).blob()
  data.items.add(new File([blob], 'photo.png', { type: 'image/png' }))
  document.querySelector('${selector}').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }))
})()`

test('a garment from a file is not called a top without a word', async () => {
  const { page } = await open()
  await page.evaluate(drop('.drop-small'))
  await page.getByText('Taken as: Top.').waitFor()
  await page.locator('.garment').getByText('Bottom', { exact: true }).click()
  await expect.poll(() => page.getByText('Taken as').count()).toBe(0)
})

test('a drop beside the boxes is taken: first as the person, then as a garment', async () => {
  const { page } = await open()
  await page.evaluate(drop('h1'))
  await page.locator('img.person').waitFor()
  await page.evaluate(drop('h1'))
  await page.locator('.garment').waitFor()
  await expect.poll(() => page.locator('.garment').count()).toBe(1)
})

test('a drop beside the boxes is taken by the field for pictures, and never leaves the page where there is none', async () => {
  const { page } = await open({ path: '/#/new/edit' })
  await page.evaluate(drop('h1'))
  await page.locator('img.person').waitFor()
  await page.goto(new URL('/#/new/memes', page.url()).href)
  await page.getByLabel('Line 1').waitFor()
  const dropped = `(() => {
    const event = new DragEvent('drop', { bubbles: true, cancelable: true })
    return !document.querySelector('h1').dispatchEvent(event)
  })()`
  expect(await page.evaluate(dropped)).toBe(true)
})

test('by keyboard the focus stays near what it pressed, though that is taken out or can do no more', async () => {
  const { page } = await open()
  await page.locator('.samples .sample').nth(0).press('Enter')
  await page.locator('.samples .sample').nth(1).press('Enter')
  await page.getByRole('button', { name: 'Earlier: Garment 2' }).press('Enter')
  await expect.poll(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Earlier: Garment 1')
  await page.locator('.sample-person').press('Enter')
  await page.locator('img.person').waitFor()
  await expect
    .poll(() => page.evaluate("document.activeElement.closest('section')?.ariaLabelledByElements[0].id"))
    .toBe('person-title')
})

test('after Remove the focus goes to the next garment, and from the last to adding one', async () => {
  const { page } = await open()
  await fillIn(page, 2)
  const focused = () =>
    page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.type')
  await page.getByRole('button', { name: 'Remove: Garment 1' }).click()
  expect(await focused()).toBe('Remove: Garment 1')
  await page.getByRole('button', { name: 'Remove: Garment 1' }).click()
  await expect.poll(focused).toBe('file')
})

test.each(['en-US', 'ru-RU'])(
  'at 320 px the logo keeps its size, and nothing is wider than the screen: %s',
  async (locale) => {
    const { page } = await open({ phone: true, locale })
    await page.setViewportSize({ width: 320, height: 568 })
    expect((await page.locator('.logo').boundingBox())?.width).toBeGreaterThan(28)
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBe(320)
  },
)

test('nothing that can be pressed lies on a picture, however short the screen', async () => {
  const { page } = await open({ phone: true })
  await page.setViewportSize({ width: 390, height: 500 })
  await fillIn(page, 1)
  const covers = async (picture: string, buttons: string) => {
    const box = await page.locator(picture).first().boundingBox()
    const others = await Promise.all((await page.locator(buttons).all()).map((button) => button.boundingBox()))
    return others.some((other) => box && other && other.y < box.y + box.height && other.y + other.height > box.y)
  }
  expect(await covers('img.person', '.drop-person .button')).toBe(false)
  await page.getByRole('button', { name: /^Start/ }).click()
  await until(headline(page, 'Ready'))
  await page.locator('.stage img.shown').waitFor()
  expect(await covers('.stage img', '.stage .chip')).toBe(false)
})
