// `npm run serve`: the functions and the page on PORT, with everything taken from the environment. Nothing is simulated,
// nothing ticks, no database is started; several of these on one database behave like several function instances.
import { parseConfig } from '../core/config.ts'
import { openLog } from '../functions/log.ts'
import { checkRecipes } from '../recipes/index.ts'
import { pageFolder } from './page.ts'
import { createServer, loadDoors } from './router.ts'
import { stopOnSignal } from './signals.ts'

const log = openLog(parseConfig(process.env))
await checkRecipes()
const router = createServer(await loadDoors(new URL('../netlify/functions', import.meta.url)), {
  log,
  static: await pageFolder(),
})
const address = await router.listen(Number(process.env['PORT'] ?? 8888))
log.info({ address }, 'serving')
stopOnSignal(log, () => router.close())
