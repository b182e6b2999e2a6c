// A real browser on the real page over the real endpoints, with one clock for all of them: time flows, and a test may skip ahead in it. So
// a step takes its usual 20 seconds for everybody concerned and next to none for whoever waits for the test.
import chromium from '@sparticuz/chromium'
import {
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
  type Request as PageRequest,
  chromium as playwright,
} from 'playwright-core'
import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { pageFolder } from '../../dev/page.ts'
import { openTestDeps, type TestDeps, type TestOptions } from '../setup/deps.ts'

export interface OpenOptions {
  phone?: boolean
  locale?: string
  dark?: boolean
  /** In place of what the file says. */
  moves?: boolean
  /** Runs before the page's own script, in every document of this browser. */
  script?: string
  path?: string
}

export interface Opened {
  context: BrowserContext
  page: Page
  /** Every request under /api/ so far, as `METHOD path`. */
  calls: string[]
}

export interface PageStack {
  app: TestDeps
  open(options?: OpenOptions): Promise<Opened>
  /** Moves everybody's clock on, and lets what has become due be done. */
  skip(seconds: number): Promise<void>
  /** Moves only the clock of endpoints and database: browsers can't be sent weeks ahead. */
  skipOnServer(seconds: number): void
  /** Skips ahead until this is seen: a third of a step at a time. Small strides, where it matters at which instants the page asks. */
  until(locator: Locator, strideSeconds?: number): Promise<void>
  /** What the page has complained of, beyond answers that a test asked for. */
  complaints: string[]
}

const mostSkips = 150
/** Where there is no graphics card, a process that stands in for one takes a tenth of the browser's work. */
const args = ['--no-sandbox', '--disable-gpu']
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const desktop = { viewport: { width: 1280, height: 860 } }
/** A cap for what never comes, not a measure: two processors draw here what other tests compute beside. */
const patienceMs = 60_000

/** The browser writes pictures when it has nothing else to do, or after a second: on a busy machine that is a second for each picture. */
const writesAtOnce = `HTMLCanvasElement.prototype.toBlob = function (take, type, quality) {
  const bytes = Uint8Array.from(atob(this.toDataURL(type, quality).split(',')[1]), (letter) => letter.charCodeAt(0))
  queueMicrotask(() => take(new Blob([bytes], { type })))
}`

/** The clock that tests skip by takes them over too: skipped seconds would be the silence of the browser's database. */
const timeouts = {
  keep: 'globalThis.realTimeout = AbortSignal.timeout',
  giveBack: 'AbortSignal.timeout = realTimeout',
}

interface PageOptions extends TestOptions {
  /** As most people see it. What a page draws while it moves is a third of its browser's work: elsewhere it is asked to stand still. */
  moves?: boolean
  /** Time passes by skipping alone, so that what is counted is the same on a slow machine. Timers of the page wait for a skip, too. */
  still?: boolean
}

/** For a whole file. */
export async function usePage({
  still: isStill = false,
  moves = false,
  ...options
}: PageOptions = {}): Promise<PageStack> {
  let ahead = 0
  const begun = Date.now()
  const clock = {
    now: () => new Date((isStill ? begun : Date.now()) + ahead),
    advance: (seconds: number) => {
      ahead += seconds * 1000
    },
  }
  const page = await pageFolder()
  const app = await openTestDeps({ clock, mounted: true, drawing: true, page, ...options })
  const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args })
  const contexts = new Set<BrowserContext>()
  const complaints: string[] = []
  beforeEach(async () => {
    complaints.length = 0
    await app.reset()
    app.simulator.replicate.set({ seconds_per_step: 20, drawing: true })
  })
  afterEach(async () => {
    expect(complaints).toEqual([])
    await Promise.all([...contexts].map((context) => context.close()))
    contexts.clear()
    await app.settle()
  })
  afterAll(async () => {
    await browser.close()
    await app.close()
  })
  const skip = async (seconds: number) => {
    clock.advance(seconds)
    // The simulator's webhooks wait on a timer of real time; any request makes it look at the clock.
    await fetch(`${app.simulator.url}/_simulator/till`)
    await app.settle()
    await Promise.all([...contexts].map((context) => context.clock.runFor(seconds * 1000)))
    if (isStill) await settlePages(contexts)
  }
  return {
    app,
    complaints,
    skip,
    skipOnServer: clock.advance,
    until: async (locator, strideSeconds = 7) => {
      for (let left = mostSkips; left > 0; left -= 1) {
        if (await locator.first().isVisible()) return
        await skip(strideSeconds)
      }
      expect(await locator.page().locator('body').textContent()).toBe(`something with ${locator}`)
    },
    open: async (how = {}) => {
      const context = await openContext(browser, how, moves)
      contexts.add(context)
      await context.addInitScript(timeouts.keep)
      await context.clock.install({ time: clock.now() })
      await context.addInitScript(timeouts.giveBack)
      if (isStill) {
        clock.advance(1)
        await context.clock.pauseAt(clock.now())
      }
      await context.addInitScript(writesAtOnce)
      if (how.script) await context.addInitScript(how.script)
      return openPage(context, app.address + (how.path ?? '/'), complaints)
    },
  }
}

const unanswered = new WeakMap<BrowserContext, Set<PageRequest>>()

function countUnanswered(context: BrowserContext): void {
  const requests = new Set<PageRequest>()
  unanswered.set(context, requests)
  context.on('request', (request) => requests.add(request))
  context.on('requestfinished', (request) => requests.delete(request))
  context.on('requestfailed', (request) => requests.delete(request))
}

/** Until every request is answered, and each answer is shown: a slow machine would else skip more seconds than a quick one. */
async function settlePages(contexts: ReadonlySet<BrowserContext>): Promise<void> {
  const left = () => [...contexts].reduce((sum, context) => sum + (unanswered.get(context)?.size ?? 0), 0)
  do {
    await expect.poll(left, { interval: 5 }).toBe(0)
    await Promise.all([...contexts].flatMap((context) => context.pages()).map((page) => page.evaluate('0')))
  } while (left() > 0)
}

async function openContext(browser: Browser, how: OpenOptions, moves: boolean) {
  const { phone: isPhone, locale = 'en-US', dark } = how
  const isMoving = how.moves ?? moves
  const context = await browser.newContext({
    ...(isPhone ? phone : desktop),
    locale,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: isMoving ? 'no-preference' : 'reduce',
  })
  context.setDefaultTimeout(patienceMs)
  countUnanswered(context)
  return context
}

export async function openPage(context: BrowserContext, url: string, complaints: string[]): Promise<Opened> {
  const page = await context.newPage()
  const calls: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/api/')) calls.push(`${request.method()} ${pathname}`)
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(url)
  await page.locator('h1').waitFor()
  return { context, page, calls }
}

/** Picks the sample person and garments, as somebody without a photo does. */
export async function fillIn(page: Page, garments: number): Promise<void> {
  await page.locator('.sample-person').click()
  await page.locator('img.person').waitFor()
  for (let index = 0; index < garments; index += 1) {
    await page.locator('.samples .sample').nth(index).click()
    await page.locator('.garment').nth(index).waitFor()
  }
}

export async function startTryOn(page: Page, garments: number): Promise<void> {
  await fillIn(page, garments)
  await page.getByRole('button', { name: /^(Start|Начать)/ }).click()
  await page.locator('.task').waitFor()
}

export const headline = (page: Page, text: string | RegExp): Locator =>
  page.getByRole('heading', { level: 1, name: text, exact: true })
