// Makes the pictures of the page in docs/images/, from the page itself (`npm run screenshots`): a step on a phone, and a result.
// Everything it needs is started here and thrown away.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { type BrowserContextOptions, type Page, chromium as playwright } from 'playwright-core'
import sharp from 'sharp'
import { migrate } from '../db/migrate.ts'
import { startPostgres } from './postgres.ts'
import { startStack } from './stack.ts'

const folder = join(import.meta.dirname, '..', 'docs', 'images')
const mostBytes = 250_000

const data = await mkdtemp(join(tmpdir(), 'stepgate-screenshots-'))
const postgres = await startPostgres({ dataDir: join(data, 'postgres') })
await migrate(postgres.url)
const stack = await startStack({
  databaseUrl: postgres.url,
  folder: join(data, 'blobs'),
  secondsPerStep: 3,
  webhooks: true,
})
const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox'] })
await mkdir(folder, { recursive: true })

const phone = { viewport: { width: 390, height: 784 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }
await picture('try-on-phone', phone, 3, async (page) => {
  await page.getByRole('button', { name: 'Continue (step 2 of 3)' }).click()
  await page.getByRole('heading', { name: 'Step 2 of 3 is ready' }).waitFor()
})
const desktop = { viewport: { width: 1200, height: 800 }, deviceScaleFactor: 1.5 }
await picture('try-on-result', desktop, 3, async (page) => {
  await page.getByRole('button', { name: 'Go on to the end without asking' }).click()
  await page.getByRole('heading', { name: 'Ready', exact: true }).waitFor()
})

await browser.close()
await stack.close()
await postgres.stop()
await rm(data, { recursive: true })

async function picture(
  name: string,
  options: BrowserContextOptions,
  garments: number,
  goOn: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    ...options,
    locale: 'en-US',
    colorScheme: 'light',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.goto(stack.url)
  await page.locator('.sample-person').click()
  for (let index = 0; index < garments; index += 1) {
    await page.locator('.samples .sample').nth(index).click()
    await page.locator('.garment').nth(index).waitFor()
  }
  await page.getByRole('button', { name: /^Start/ }).click()
  await page.getByRole('heading', { name: `Step 1 of ${garments} is ready` }).waitFor()
  await goOn(page)
  await page.locator('.stage img.shown').waitFor()
  await page.mouse.move(0, 0)
  await page.evaluate('document.activeElement?.blur(); scrollTo(0, 0)')
  await save(name, await page.screenshot())
  await context.close()
}

/** Fewer colours until it is small enough for a repository. */
async function save(name: string, screenshot: Buffer): Promise<void> {
  for (const colours of [256, 128, 64]) {
    const png = await sharp(screenshot).png({ palette: true, colours, effort: 10 }).toBuffer()
    if (png.byteLength > mostBytes) continue
    await writeFile(join(folder, `${name}.png`), png)
    console.log(`docs/images/${name}.png: ${Math.round(png.byteLength / 1000)} kB, ${colours} colours`)
    return
  }
  throw new Error(`${name} is larger than ${mostBytes} bytes even in 64 colours`)
}
