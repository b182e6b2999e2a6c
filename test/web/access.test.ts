// For everybody: keyboards, screen readers, small screens, the dark, and Russian.
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { fillIn, headline, usePage } from './page.ts'

const stack = await usePage()
const { app, open, until } = stack

const rulesOfColours = ['color-contrast', 'link-in-text-block']

/** With `rules`, by these alone. */
async function faultsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  // Colours in the midst of a transition are nobody's.
  await page.evaluate('for (const animation of document.getAnimations()) animation.finish()')
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source)
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) }
  const { violations } = await page.evaluate<{ violations: Violation[] }>(`axe.run(${JSON.stringify(options)})`)
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
}

interface Violation {
  id: string
  nodes: { html: string }[]
}

/** Nothing is cut off or pushed aside at a phone's width. */
const sidewaysOf = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')

const words = {
  en: {
    locale: 'en-GB',
    step: 'Step 1 of 2 is ready',
    making: 'Step 1 of 2 is being made',
    go: /^Continue/,
    done: 'Ready',
    stop: 'Stop here',
  },
  ru: {
    locale: 'ru-RU',
    step: 'Шаг 1 из 2 готов',
    making: 'Шаг 1 из 2 готовится',
    go: /^Дальше/,
    done: 'Готово',
    stop: 'Остановиться здесь',
  },
}

/** Words of English in what is shown, beside the formats that nobody translates. */
async function englishOn(page: Page): Promise<string[]> {
  const text = (await page.locator('main').textContent()) ?? ''
  return (text.match(/[a-z]{3,}/gi) ?? []).filter((word) => !/^(jpeg|png|webp)$/i.test(word))
}

test.each([
  { language: 'en', phone: false },
  { language: 'ru', phone: true },
] as const)(
  'axe finds nothing on any view, light or dark, nothing is wider than a phone, and no word is of another language: $language',
  async (how) => {
    const say = words[how.language]
    const { page } = await open({ ...how, locale: say.locale })
    const check = async (view: string) => {
      await page.emulateMedia({ colorScheme: 'light' })
      expect(await faultsOf(page), `${view}, light`).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      // Nothing but colours is otherwise in the dark.
      expect(await faultsOf(page, rulesOfColours), `${view}, dark`).toEqual([])
      const size = page.viewportSize() ?? { width: 0, height: 0 }
      await page.setViewportSize({ width: 390, height: size.height })
      expect(await sidewaysOf(page), view).toBe(0)
      await page.setViewportSize(size)
      if (how.language === 'ru') expect(await englishOn(page), view).toEqual([])
    }
    await check('empty form')
    await page.locator('button[type=submit]').click()
    await check('form with a complaint')
    await fillIn(page, 2)
    await check('filled form')
    await page.locator('button[type=submit]').click()
    await headline(page, say.making).waitFor()
    await check('a step in the making')
    await until(headline(page, say.step))
    await check('a step ready')
    await page.getByRole('button', { name: say.stop }).click()
    await check('asked whether to stop')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: say.go }).click()
    await until(headline(page, say.done))
    await page.locator('.compare-button').click()
    await check('the end, comparing')
    await page.goto(`${app.address}/#/history`)
    await page.locator('.card').waitFor()
    await check('history')
    await page.goto(`${app.address}/#/nowhere`)
    await check('no such page')
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe(how.language)
  },
)

const nameOfFocused = `(({ activeElement: at }) =>
  at.getAttribute('aria-label') ?? at.closest('label')?.textContent ?? at.textContent)(document)`

/** As often as it takes to get there, which is never often. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let left = 40; left > 0; left -= 1) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate<string>(nameOfFocused)
    if (name.test(focused)) return
  }
  throw new Error(`Tab never reached ${name}`)
}

test('the whole way by keyboard alone; the focus goes where the news is', async () => {
  const { page } = await open()
  const focused = () => page.evaluate<string>('document.activeElement.textContent')
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Skip to the content')
  await tabTo(page, /Use the sample person/)
  await page.keyboard.press('Enter')
  await page.locator('img.person').waitFor()
  await tabTo(page, /^Striped shirt/)
  await page.keyboard.press('Space')
  await tabTo(page, /^Blue trousers/)
  await page.keyboard.press('Space')
  await page.locator('.garment').nth(1).waitFor()
  await tabTo(page, /^Start/)
  await page.keyboard.press('Enter')
  await until(headline(page, 'Step 1 of 2 is ready'))
  await expect.poll(focused).toBe('Step 1 of 2 is ready')
  await tabTo(page, /^Continue/)
  await page.keyboard.press('Enter')
  await headline(page, 'Step 2 of 2 is being made').waitFor()
  await expect.poll(focused).toBe('Step 2 of 2 is being made')
  await until(headline(page, 'Ready'))
  await expect.poll(focused).toBe('Ready')
  await page.keyboard.press('Shift+Tab')
  await expect.poll(focused).toBe('Compare')
  await page.keyboard.press('Enter')
  await tabTo(page, /picture before is shown/)
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => page.getByRole('slider').inputValue()).toBe('51')
})

test('language and colours are chosen by the browser, changed by a switch, and kept', async () => {
  const { page } = await open({ locale: 'ru-RU' })
  await headline(page, 'Примерьте вещь за вещью').waitFor()
  await page.getByRole('button', { name: 'English' }).click()
  await headline(page, 'Dress someone, piece by piece').waitFor()
  await page.getByRole('button', { name: 'Colours: as the device' }).click()
  await page.getByRole('button', { name: 'Colours: light' }).click()
  await page.reload()
  await headline(page, 'Dress someone, piece by piece').waitFor()
  await page.getByRole('button', { name: 'Colours: dark' }).waitFor()
  const paper = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor')
  await expect.poll(paper).toBe('rgb(22, 20, 18)')
})
