// Everything that the doctor looks at, for one environment.
import { openHttp } from '../../providers/http.ts'
import { checkBlobs } from './blobs.ts'
import { checkClocks } from './clocks.ts'
import { askServer, checkDatabase, checkSchema } from './database.ts'
import { checkEnvironment, readEnvironment } from './environment.ts'
import { type Check, type Examined, type Finding, runChecks } from './findings.ts'
import { checkBudget, checkLedger } from './money.ts'
import { checkFal, checkReplicate, checkWebhookSecret } from './providers.ts'
import { askHealth, checkCron, checkSite, checkWebhooks } from './site.ts'
import { checkTelegram } from './telegram.ts'
import { checkProviders } from './troubles.ts'

const checks: readonly Check[] = [
  ...[checkEnvironment, checkDatabase, checkSchema, checkClocks],
  ...[checkSite, checkCron, checkWebhooks, checkProviders, checkBlobs],
  ...[checkReplicate, checkWebhookSecret, checkFal, checkTelegram],
  ...[checkBudget, checkLedger],
]

export async function examine(env: Examined['env']): Promise<Finding[]> {
  const { config } = readEnvironment(env)
  const http = openHttp({ connections: checks.length })
  try {
    const health = once(() => askHealth(http, { config }))
    return await runChecks(checks, { env, config, http, health, server: once(() => askServer(config)) })
  } finally {
    await http.close()
  }
}

/** Asked by the first who needs it; its answer, or its failure, is everybody's. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => {
    asked ??= ask()
    return asked
  }
}
