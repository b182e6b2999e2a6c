// Ways into the forms: files, drops, the clipboard, and what becomes of pictures before they leave the device; and the other recipes'
// forms.
import { readFile } from 'node:fs/promises'
import { unzipSync } from 'fflate'
import type { Page, Route } from 'playwright-core'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { headline, usePage } from './page.ts'

const { open, until } = await usePage()

/** What a camera makes: large, lying on its side, and with a home's position in it. */
const photo = async (red = 200) =>
  sharp({ create: { width: 3000, height: 2000, channels: 3, background: { r: red, g: 120, b: 90 } } })
    .withMetadata({ orientation: 6 })
    .withExifMerge({ IFD3: { GPSLatitude: '55/1 45/1 0/1', GPSLatitudeRef: 'N' } })
    .jpeg()
    .toBuffer()

/** The body of the next start request. */
async function nextStart(page: Page): Promise<Record<string, unknown>> {
  const request = await page.waitForRequest('**/api/start')
  return request.postDataJSON()
}

/** As the browser does when a person drags a file here, or presses Ctrl+V. */
const give = (kind: 'drop' | 'paste', selector: string, base64: string) => `(() => {
  const bytes = Uint8Array.from(atob('${base64}'), (letter) => letter.charCodeAt(0))
  const data = new DataTransfer()
  data.items.add(new File([bytes], 'photo.jpg', { type: 'image/jpeg' }))
  const event = '${kind}' === 'drop'
    ? new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data })
    : new ClipboardEvent('paste', { bubbles: true, clipboardData: data })
  document.querySelector('${selector}').dispatchEvent(event)
})()`

test('a photo leaves the device small, upright, and without the place where it was taken', async () => {
  const file = await photo()
  expect(await sharp(file).metadata()).toMatchObject({ orientation: 6, exif: expect.any(Buffer) })
  const { page } = await open()
  const sent: Buffer[] = []
  await page.route('**/api/upload', async (route) => {
    sent.push(route.request().postDataBuffer() ?? Buffer.alloc(0))
    await route.fallback()
  })
  await page
    .locator('.drop-person input')
    .first()
    .setInputFiles({ name: 'p.jpg', mimeType: 'image/jpeg', buffer: file })
  await page.locator('img.person').waitFor()
  await page
    .locator('.drop-small input')
    .first()
    .setInputFiles([{ name: 'g.jpg', mimeType: 'image/jpeg', buffer: file }])
  await page.getByRole('button', { name: 'Start · 1 step' }).click()
  await page.locator('.task').waitFor()
  const [first = Buffer.alloc(0)] = sent
  expect(await sharp(first).metadata()).toMatchObject({ format: 'jpeg', width: 1067, height: 1600 })
  expect((await sharp(first).metadata()).exif).toBeUndefined()
  expect(first.byteLength).toBeLessThan(file.byteLength)
})

test('pictures are dropped where they belong, or pasted: first the person, then garments', async () => {
  const { page } = await open()
  const base64 = (
    await sharp(await photo())
      .resize(60)
      .toBuffer()
  ).toString('base64')
  await page.evaluate(give('paste', 'body', base64))
  await page.locator('img.person').waitFor()
  await page.evaluate(give('paste', 'body', base64))
  await page.locator('.garment').first().waitFor()
  await page.evaluate(give('drop', '.drop-small', base64))
  await page.locator('.garment').nth(1).waitFor()
})

test('of two photos for one place the one chosen last stays, though the first takes longer to read', async () => {
  const { page } = await open({ path: '/#/new/edit' })
  const small = await sharp(await photo())
    .resize(60)
    .toBuffer()
  await page.getByRole('button', { name: /^Start/ }).click()
  for (const field of ['The picture', 'What it shall be']) await page.getByText(`Still missing: ${field}.`).waitFor()
  await expect.poll(() => page.evaluate('document.activeElement.type')).toBe('file')
  const place = page.locator('.drop-small input').first()
  await place.setInputFiles({ name: 'large.jpg', mimeType: 'image/jpeg', buffer: await photo() })
  await page.locator('.drop input').first().setInputFiles({ name: 'small.jpg', mimeType: 'image/jpeg', buffer: small })
  await page.locator('img.person').waitFor()
  await expect.poll(() => page.getByText('Preparing the picture…').count()).toBe(0)
  await expect.poll(() => page.evaluate("document.querySelector('img.person').naturalWidth")).toBe(60)
})

test('of pictures that are taken out the focus goes to the next; of more photos than fit the first are taken, and it is said', async () => {
  const { page } = await open({ path: '/#/new/edit' })
  const buffer = await sharp(await photo())
    .resize(60)
    .toBuffer()
  const files = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `${index}.jpg`, mimeType: 'image/jpeg', buffer }))
  await page.locator('section', { hasText: 'More pictures' }).locator('input').setInputFiles(files(2))
  await page.locator('.pile img').nth(1).waitFor()
  await page.getByRole('button', { name: 'Remove: 2' }).click()
  await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Remove: 1')
  await page.getByRole('link', { name: 'Avatar' }).click()
  await headline(page, 'Train an avatar').waitFor()
  await page.locator('.drop-small input').setInputFiles(files(21))
  await page.getByText('20 photos. At most 20. 1 more was left out.').waitFor()
  const zip = { name: 'photos.zip', mimeType: 'application/zip', buffer: Buffer.from('PK') }
  await page.locator('.drop-small input').setInputFiles(zip)
  await page.getByText('The zip file is sent in place of the 20 photos.').waitFor()
  await page.getByRole('button', { name: 'Remove: photos.zip' }).click()
  await page.locator('.pile img').nth(19).waitFor()
})

test('garments are described, put in another order, and taken out', async () => {
  const { page } = await open()
  await page.locator('.sample-person').click()
  for (const name of ['Striped shirt', 'Blue trousers', 'Green jacket'])
    await page.getByRole('button', { name }).click()
  await page.locator('.garment').nth(2).waitFor()
  await page.getByRole('button', { name: 'Earlier: Garment 2' }).click()
  await page.getByRole('button', { name: 'Remove: Garment 3' }).click()
  await page.getByLabel('Garment 2: Note').fill('wide sleeves')
  await page.locator('.garment').nth(1).getByText('Dress').click()
  const start = nextStart(page)
  await page.getByRole('button', { name: 'Start · 2 steps' }).click()
  const { garments } = await start
  expect(garments).toMatchObject([
    { category: 'lower_body', description: 'Blue trousers' },
    { category: 'dresses', description: 'wide sleeves' },
  ])
})

/** Files are read only once a test says so. */
const holding = `(() => {
  const read = createImageBitmap
  let held
  globalThis.holdFiles = () => (held = Promise.withResolvers())
  globalThis.readFiles = () => held.resolve()
  globalThis.createImageBitmap = async (...file) => (await held?.promise, read(...file))
})()`

/** Somebody quicker than any browser's database: opens this dialog in the instant that its button is there, and notes what it says. */
const pressedAtOnce = `new MutationObserver(() => {
  if ('foundAtOnce' in globalThis) return
  const button = [...document.querySelectorAll('button')].find((one) => one.textContent === 'Say what to change')
  if (!button) return
  button.click()
  const dialog = document.querySelector('dialog[open]')
  globalThis.foundAtOnce = dialog ? dialog.querySelector('textarea, input').value : 'not open yet'
}).observe(document, { subtree: true, childList: true })`

/** A start would go without what is still being read, so there is none meanwhile. */
async function chooseSlowly(page: Page, files: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  await page.evaluate('holdFiles()')
  await page.locator('.drop-small input').setInputFiles(files)
  expect(await page.getByRole('button', { name: 'Preparing the picture…' }).isDisabled()).toBe(true)
  await page.evaluate('readFiles()')
  await page
    .locator('.pile img')
    .nth(files.length - 1)
    .waitFor()
}

/** The next start is answered while this is still being read. */
async function addWhileStarting(page: Page, file: { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
  const add = async (route: Route) => {
    await page.evaluate('holdFiles()')
    await page.locator('.drop-small input').setInputFiles([file])
    await route.fallback()
  }
  await page.route('**/api/start', add, { times: 1 })
}

test('avatar: a pile of photos becomes one zip of small photos without places, then weights to keep, and pictures are made with it', async () => {
  const { page } = await open({ script: `${holding}\n${pressedAtOnce}` })
  await page.getByRole('link', { name: 'Avatar' }).click()
  await headline(page, 'Train an avatar').waitFor()
  await page.getByText('costs up to $6.00').waitFor()
  const starting = page.getByRole('button', { name: 'Start training' })
  await starting.click()
  await page.getByText('Add at least 10 photos').waitFor()
  const files = await Promise.all([10, 60, 120, 240].map(photo))
  const buffers = files.map((buffer, index) => ({ name: `${index}.jpg`, mimeType: 'image/jpeg', buffer }))
  await chooseSlowly(page, buffers)
  await page.getByText('A style').click()
  await page.getByText('costs up to $2.00').waitFor()
  await page.getByLabel('Its name in prompts').fill('zorblax')
  const start = nextStart(page)
  await addWhileStarting(page, { name: 'late.jpg', mimeType: 'image/jpeg', buffer: await photo() })
  await starting.click()
  const { recipe, training_type, trigger_phrase, images_url } = await start
  expect([recipe, training_type, trigger_phrase]).toEqual(['avatar', 'style', 'zorblax'])
  const uploaded = await page.request.get(new URL(String(images_url), page.url()).href)
  const photos = Object.values(unzipSync(await uploaded.body()))
  expect(photos).toHaveLength(4)
  for (const one of photos) {
    const { height, exif } = await sharp(one).metadata()
    expect([height, exif]).toEqual([1024, undefined])
  }
  await until(headline(page, 'Ready'))
  await page.evaluate('readFiles()')
  const saving = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download' }).first().click()
  const weights = await readFile(await (await saving).path())
  expect(String.fromCharCode(weights[8] ?? 0)).toBe('{')
  const trained = page.url()
  await page.goto(new URL('/#/new/portraits', trained).href)
  await page.getByLabel('What each picture shall be').fill('in a garden')
  await page.goto(trained)
  await page.getByRole('link', { name: 'Make pictures with it' }).click()
  await headline(page, 'Portraits of your avatar').waitFor()
  await page.getByRole('radio', { name: /^Avatar · / }).waitFor({ state: 'attached' })
  await expect.poll(() => page.getByRole('radio', { name: /^Avatar · / }).isChecked()).toBe(true)
  await expect.poll(() => page.getByLabel('What each picture shall be').inputValue()).toBe('in a garden')
  await page.getByLabel('What each picture shall be').fill('by the sea\nas an astronaut')
  const startPortraits = nextStart(page)
  await page.getByRole('button', { name: 'Start · 2 steps' }).click()
  const { avatar, prompts } = await startPortraits
  expect([avatar, prompts]).toEqual([
    expect.stringMatching(/^\/api\/result\?task_id=/),
    ['by the sea', 'as an astronaut'],
  ])
  await until(headline(page, 'Step 1 of 2 is ready'))
  await page.getByRole('link', { name: 'Dress the person in it' }).waitFor()
  await page.getByRole('button', { name: 'Say what to change' }).click()
  expect(await page.evaluate('foundAtOnce')).toBe('not open yet')
  const dialog = page.getByRole('dialog')
  await expect.poll(() => dialog.getByLabel('What it shall be').inputValue()).toBe('by the sea')
  await dialog.getByLabel('Pictures to choose from').selectOption('2')
  const redo = page.waitForRequest('**/api/redo')
  await dialog.getByRole('button', { name: 'Make it so · $0.07' }).click()
  const { change, candidates } = (await redo).postDataJSON()
  expect([change, candidates]).toEqual([undefined, 2])
  await findNoPhoto(page)
})

/** What was still being read when the training began belongs to no form any more. */
async function findNoPhoto(page: Page): Promise<void> {
  await page.goto(new URL('/#/new/avatar', page.url()).href)
  await page.getByText('0 photos', { exact: true }).waitFor()
}

test('memes: lines that were written become pictures, one after another', async () => {
  const { page } = await open({ path: '/#/new/memes' })
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByText('Write at least one line.').waitFor()
  await page.getByLabel('Line 1').fill('a cat explains the budget')
  await page.getByRole('button', { name: 'Add a line' }).click()
  await page.getByRole('button', { name: 'Add a line' }).click()
  await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Line 3')
  await page.getByRole('textbox', { name: 'Line 3' }).fill(' a dog agrees ')
  await page.getByText('costs less than a cent').waitFor()
  const start = nextStart(page)
  await page.getByRole('button', { name: 'Start · 2 steps' }).click()
  expect(await start).toEqual({ recipe: 'memes', prompts: ['a cat explains the budget', 'a dog agrees'] })
  await until(headline(page, 'Ready'))
  await expect.poll(() => page.locator('.chain-item').count()).toBe(2)
  await expect.poll(() => page.getByRole('button', { name: 'Compare' }).count()).toBe(0)
})

test('memes: a topic is asked for, with clips and candidates, and each is in the price', async () => {
  const { page } = await open({ path: '/#/new/memes' })
  await page.getByText('A topic', { exact: true }).click()
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByText('Write what it shall be about.').waitFor()
  await expect.poll(() => page.evaluate('document.activeElement.placeholder')).toBe('e.g. deadlines')
  await page.getByLabel('The topic').fill(' Mondays ')
  await page.getByLabel('How many pictures').selectOption('2')
  await page.getByLabel('Pictures to choose from').selectOption('3')
  await page.getByText('Make each picture move').click()
  // Six pictures at 0.3 cents, two clips of four seconds at three cents.
  await page.getByText('costs up to $0.26').waitFor()
  const start = nextStart(page)
  await page.getByRole('button', { name: 'Start · 4 steps' }).click()
  expect(await start).toEqual({ recipe: 'memes', topic: 'Mondays', count: 2, animate: true, candidates: 3 })
})

test('Enter in a line of the memes starts nothing', async () => {
  const { page, calls } = await open({ path: '/#/new/memes' })
  await page.getByLabel('Line 1').fill('a cat explains the budget')
  await page.getByLabel('Line 1').press('Enter')
  await page.getByRole('button', { name: 'Add a line' }).click()
  expect(calls).toEqual([])
  await page.getByRole('button', { name: 'Remove: Line 2' }).click()
  await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Line 1')
})

test('a refusal of the form is shown with what to do', async () => {
  const { page } = await open({ path: '/#/new/memes' })
  await page.getByLabel('Line 1').fill('a cat')
  const refusal = { type: 'about:blank', title: 'quota', status: 429, detail: 'Too many.', code: 'quota_exceeded' }
  const answer = { status: 429, contentType: 'application/problem+json', body: JSON.stringify(refusal) }
  await page.route('**/api/start', (route) => route.fulfill(answer))
  await page.getByRole('button', { name: 'Start · 1 step' }).click()
  await until(page.getByText('You have reached the limit for now.'))
  await expect.poll(() => page.getByLabel('Line 1').inputValue()).toBe('a cat')
})
