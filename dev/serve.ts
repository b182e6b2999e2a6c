// `npm run serve`: the functions and the page on PORT, with everything taken from the environment. Nothing is simulated,
// nothing ticks, no database is started; several of these on one database behave like several function instances.

import { loadDoors } from '../build/doors.ts'
import { storeOrigin } from '../core/store-choice.ts'
import { openLog } from '../engine/log.ts'
import { parseConfig } from '../providers/config.ts'
import { checkRecipes } from '../recipes/index.ts'
import { hostOf, listening, portOf, refuseWords, sayWhyNot } from './begin.ts'
import { pageFolder } from './page.ts'
import { createServer } from './router.ts'
import { stopOnSignal } from './signals.ts'

sayWhyNot()
refuseWords(process.argv.slice(2), 'PORT, HOST, and what docs/environment.md lists')
const config = parseConfig(process.env)
const log = openLog(config)
const port = portOf(process.env['PORT'])
await checkRecipes()
const router = createServer(await loadDoors(new URL('../netlify/functions', import.meta.url)), {
  log,
  static: { folder: await pageFolder(), storeOrigin: storeOrigin(config) },
  isLimited: true,
})
const address = await listening(port, router.listen(port, hostOf(process.env['HOST'])))
log.info({ address }, 'serving')
stopOnSignal(log, () => router.close())
