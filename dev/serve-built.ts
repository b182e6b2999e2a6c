// `npm run serve:built`: like `npm run serve`, but with what a deploy would put up: the doors bundled, packed by Netlify's bundler, and run
// by Netlify's bootstrap. For a last look before a deploy, and for the test that does the README's walk on it.
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { packDoors } from '../build/pack.ts'
import { storeOrigin } from '../core/store-choice.ts'
import { openLog } from '../engine/log.ts'
import { parseConfig } from '../providers/config.ts'
import { hostOf, listening, portOf, refuseWords, sayWhyNot } from './begin.ts'
import { startBlobGate } from './blob-gate.ts'
import { builtDoors } from './built-doors.ts'
import { loadDeployed } from './deployed.ts'
import { ownFolder } from './own-folder.ts'
import { pageFolder } from './page.ts'
import { createServer } from './router.ts'
import { stopOnSignal } from './signals.ts'

sayWhyNot()
refuseWords(process.argv.slice(2), 'PORT, HOST, and what docs/environment.md lists')
const config = parseConfig(process.env)
const log = openLog(config)
const port = portOf(process.env['PORT'])
const folder = await ownFolder('built')
const { manifest } = await packDoors(await builtDoors(), fileURLToPath(new URL('packed/', folder)), 'none')
// As on the platform, no token outlives its invocation by much.
const context = process.env['NETLIFY_BLOBS_CONTEXT']
const gate = context ? await startBlobGate(context) : undefined
const router = createServer(await loadDeployed(manifest, gate?.renew), {
  ...{ log, static: { folder: await pageFolder(), storeOrigin: storeOrigin(config) }, isLimited: true },
})
const address = await listening(port, router.listen(port, hostOf(process.env['HOST']))).catch(async (error) => {
  await rm(folder, { recursive: true })
  throw error
})
log.info({ address }, 'serving the build')
stopOnSignal(log, async () => {
  await router.close()
  await gate?.stop()
  await rm(folder, { recursive: true })
})
