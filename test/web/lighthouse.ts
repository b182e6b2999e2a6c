// `npm run lighthouse`: Lighthouse on the page as `npm run serve` would serve it, on a phone and on a desk. Fails under 95.
// Half a minute of load at full speed, which is why it is a command of its own and not among the tests.
import chromium from '@sparticuz/chromium'
import lighthouse, { desktopConfig } from 'lighthouse'
import { chromium as playwright } from 'playwright-core'
import { pageFolder } from '../../dev/page.ts'
import { createServer } from '../../dev/router.ts'

const least = 95
const categories = ['performance', 'accessibility', 'best-practices', 'seo']
const debuggingPort = 9333

const router = createServer([], {
  log: { info: () => {}, error: console.error },
  static: { folder: await pageFolder() },
})
const url = await router.listen(0)
const browser = await playwright.launch({
  executablePath: await chromium.executablePath(),
  args: ['--no-sandbox', `--remote-debugging-port=${debuggingPort}`],
})

const faults: string[] = []
for (const [device, config] of Object.entries({ phone: undefined, desktop: desktopConfig })) {
  const run = await lighthouse(url, { port: debuggingPort, onlyCategories: categories, logLevel: 'error' }, config)
  if (!run) throw new Error(`Lighthouse gave nothing for ${device}`)
  for (const { id, score, auditRefs } of Object.values(run.lhr.categories)) {
    const points = Math.round((score ?? 0) * 100)
    console.log(`${device}: ${id} ${points}`)
    if (points < least) faults.push(`${device} ${id} ${points}`)
    for (const { id: audit } of points < 100 ? auditRefs : []) {
      const { score: part, title, displayValue = '' } = run.lhr.audits[audit] ?? { score: null, title: audit }
      if (part !== null && part < 0.9) console.log(`  ${title} ${displayValue}`)
    }
  }
}
await browser.close()
await router.close()
if (faults.length > 0) throw new Error(`Under ${least}: ${faults.join(', ')}`)
