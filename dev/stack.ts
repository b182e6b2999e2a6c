// The whole product in one process, on a given database: functions, page, blob store and simulated provider. The browser tests and the
// screenshots use it. One at a time: like a deployment's, the functions' settings are the process's environment.

import { loadDoors } from '../build/doors.ts'
import { openLog } from '../engine/log.ts'
import { parseConfig } from '../providers/config.ts'
import { openRecipes } from '../recipes/index.ts'
import { type Simulator, startSimulator } from '../simulator/server.ts'
import { startBlobs } from './blobs.ts'
import { pageFolder } from './page.ts'
import { createServer, type Router } from './router.ts'

interface StackOptions {
  databaseUrl: string
  /** For the blob store's files. */
  folder: string
  secondsPerStep: number
  /** Whether the provider reports by webhook; otherwise only requests move tasks. */
  webhooks: boolean
  /** A free one by default; for a server that takes the place of another. */
  port?: number
}

interface Stack {
  url: string
  simulator: Simulator
  router: Router
  close(): Promise<void>
}

// Not secrets: they sign nothing but this process's own messages.
const sessionSecret = 'stack-session-secret-stack-session-secret'
const cronSecret = 'stack-cron-secret-stack'
const webhookSecret = 'whsec_c3RlcGdhdGUtc3RhY2std2ViaG9va3M='

export async function startStack(options: StackOptions): Promise<Stack> {
  const token = 'r8_stack'
  const blobs = await startBlobs(options.folder)
  const simulator = await startSimulator({
    port: 0,
    replicateToken: token,
    webhookSecret,
    secondsPerStep: options.secondsPerStep,
    recipes: openRecipes({ hosts: [], allowPrivate: true }).values(),
  })
  process.env['LOG_LEVEL'] ??= 'warn'
  const log = openLog(parseConfig({ LOG_LEVEL: process.env['LOG_LEVEL'] }))
  const doors = await loadDoors(new URL('../netlify/functions', import.meta.url))
  const router = createServer(doors, { log, static: { folder: await pageFolder() } })
  const url = await router.listen(options.port ?? 0)
  Object.assign(process.env, {
    DATABASE_URL: options.databaseUrl,
    NETLIFY_BLOBS_CONTEXT: blobs.context,
    SESSION_SECRET: sessionSecret,
    CRON_SECRET: cronSecret,
    REPLICATE_BASE_URL: `${simulator.url}/v1`,
    REPLICATE_API_TOKEN: token,
    REPLICATE_WEBHOOK_SECRET: webhookSecret,
    PUBLIC_URL: url,
    ALLOW_HTTP_CALLBACKS: options.webhooks ? '1' : '0',
    ALLOW_PRIVATE_IMAGES: '1',
    // A portrait's training costs more than a user may spend by default.
    BUDGET_PER_USER_PER_DAY: '10',
  })
  return {
    url,
    simulator,
    router,
    close: async () => {
      await router.close()
      await simulator.close()
      await blobs.stop()
    },
  }
}
