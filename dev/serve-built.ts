// `npm run serve:built`: like `npm run serve`, but with what a deploy would put up: the doors bundled, packed by Netlify's bundler, and run
// by Netlify's bootstrap. For a last look before a deploy, and for the test that does the README's walk on it.
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundleDoors } from '../build/bundle.ts'
import { packDoors } from '../build/pack.ts'
import { storeOrigin } from '../core/store-choice.ts'
import { openLog } from '../engine/log.ts'
import { parseConfig } from '../providers/config.ts'
import { hostOf, listening, portOf, sayWhyNot } from './begin.ts'
import { startBlobGate } from './blob-gate.ts'
import { loadDeployed } from './deployed.ts'
import { pageFolder } from './page.ts'
import { createServer } from './router.ts'
import { stopOnSignal } from './signals.ts'

sayWhyNot()
const config = parseConfig(process.env)
const log = openLog(config)
const port = portOf(process.env['PORT'])
const folder = new URL(`../dist/.built-${process.pid}/`, import.meta.url)
const bundles = await bundleDoors(new URL('bundles/', folder))
const { manifest } = await packDoors(bundles, fileURLToPath(new URL('packed/', folder)), 'none')
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
