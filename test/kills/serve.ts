// The server that instances.ts starts and kills, bundled by bundle.ts: the doors as `npm run serve` serves them, without the page.

import { loadDoors } from '../../build/doors.ts'
import { hostOf, portOf, sayWhyNot } from '../../dev/begin.ts'
import { createServer } from '../../dev/router.ts'
import { stopOnSignal } from '../../dev/signals.ts'
import { openLog } from '../../engine/log.ts'
import { parseConfig } from '../../providers/config.ts'

sayWhyNot()
const log = openLog(parseConfig(process.env))
const router = createServer(await loadDoors(new URL('../../netlify/functions', import.meta.url)), {
  log,
  isLimited: true,
})
await router.listen(portOf(process.env['PORT']), hostOf())
stopOnSignal(log, () => router.close())
