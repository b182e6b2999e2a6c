// `npm start`: everything on one machine. Database and simulator are started, files lie in a folder, the functions are told where these
// are through the environment (as a deployment would tell them), and a ticker pings worker and checker as a cron would.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { migrate } from '../db/migrate.ts'
import { openLog } from '../engine/log.ts'
import { registerBot } from '../notify/telegram/register.ts'
import { parseConfig } from '../providers/config.ts'
import { checkRecipes, openRecipes } from '../recipes/index.ts'
import { startReceivers } from '../simulator/receivers/index.ts'
import { startSimulator } from '../simulator/server.ts'
import { hostOf, listening, parseFlags, portOf, sayWhyNot } from './begin.ts'
import { keptStore } from './kept-store.ts'
import { pageFolder } from './page.ts'
import { startPostgres } from './postgres.ts'
import { createServer, loadDoors } from './router.ts'
import { keptSecrets } from './secrets.ts'
import { stopOnSignal } from './signals.ts'
import { startBot } from './telegram.ts'
import { startTicker } from './ticker.ts'

/** A cron service pings once a minute; here a person is watching. */
const tickMs = 5_000

sayWhyNot()
const { ticks } = parseFlags(process.argv.slice(2))

/** What is kept between starts. */
const folder = resolve(process.env['STEPGATE_DATA'] || fileURLToPath(new URL('../.data', import.meta.url)))
const data = pathToFileURL(`${folder}/`)
const port = portOf(process.env['PORT'])
const address = `http://localhost:${port}`
process.env['LOG_FORMAT'] ??= 'pretty'
const log = openLog(parseConfig(process.env))

await checkRecipes()
await mkdir(data, { recursive: true, mode: 0o700 })
await chmod(data, 0o700)
const secrets = await keptSecrets(new URL('secrets.json', data))
const postgres = await startPostgres({ dataDir: join(folder, 'postgres') })
await migrate(postgres.url)
const storage = await keptStore(folder, log)
// With a key of one's own the same functions talk to that provider itself.
const isOwn = { replicate: Boolean(process.env['REPLICATE_API_TOKEN']), fal: Boolean(process.env['FAL_KEY']) }
const simulator =
  isOwn.replicate && isOwn.fal
    ? undefined
    : await startSimulator({
        port: Number(process.env['SIMULATOR_PORT'] ?? 0),
        replicateToken: secrets.REPLICATE_API_TOKEN,
        webhookSecret: secrets.REPLICATE_WEBHOOK_SECRET,
        falKey: secrets.FAL_KEY,
        secondsPerStep: 4,
        recipes: openRecipes({ hosts: [], allowPrivate: true }).values(),
        stateFile: join(folder, 'simulator.json'),
      })
// Who listens to webhooks here, unless an app of one's own does.
const receivers = process.env['NOTIFY_URL']
  ? undefined
  : await startReceivers({ port: 0, secret: secrets.NOTIFY_SECRET })
const bot = process.env['TELEGRAM_BOT_TOKEN'] ? undefined : await startBot()

const settings: Record<string, string> = {
  DATABASE_URL: postgres.url,
  STORAGE: 'folder',
  STORAGE_DIR: storage,
  CRON_SECRET: secrets.CRON_SECRET,
  SESSION_SECRET: secrets.SESSION_SECRET,
  ...(!isOwn.replicate && {
    REPLICATE_BASE_URL: `${simulator?.url}/v1`,
    REPLICATE_API_TOKEN: secrets.REPLICATE_API_TOKEN,
    REPLICATE_WEBHOOK_SECRET: secrets.REPLICATE_WEBHOOK_SECRET,
  }),
  ...(!isOwn.fal && {
    FAL_KEY: secrets.FAL_KEY,
    FAL_QUEUE_URL: `${simulator?.url}/fal/queue`,
    FAL_API_URL: `${simulator?.url}/fal/api`,
    FAL_JWKS_URL: `${simulator?.url}/fal/jwks.json`,
  }),
  ...bot?.settings,
  NOTIFY_SECRET: process.env['NOTIFY_SECRET'] || secrets.NOTIFY_SECRET,
  ...(receivers && { NOTIFY_URL: receivers.hook }),
  ...(!process.env['VAPID_PUBLIC_KEY'] && {
    VAPID_PUBLIC_KEY: secrets.VAPID_PUBLIC_KEY,
    VAPID_PRIVATE_KEY: secrets.VAPID_PRIVATE_KEY,
    VAPID_SUBJECT: 'mailto:nobody@localhost.invalid',
  }),
  // Nothing is paid here, and a portrait's training would cost more than a user may spend by default.
  ...(simulator && { BUDGET_PER_USER_PER_DAY: process.env['BUDGET_PER_USER_PER_DAY'] || '10' }),
  // Where nobody outside is to reach us, or to be reached.
  ...(!isOwn.replicate && !isOwn.fal && { PUBLIC_URL: address, ALLOW_HTTP_CALLBACKS: '1', ALLOW_PRIVATE_IMAGES: '1' }),
}
Object.assign(process.env, settings)
const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'`)
// For tools beside it, which are told this file. Its owner's alone: it holds all secrets.
const settingsFile = new URL('local.env', data)
await writeFile(settingsFile, `${lines.join('\n')}\n`, { mode: 0o600 })

const router = createServer(await loadDoors(new URL('../netlify/functions', import.meta.url)), {
  log,
  static: { folder: await pageFolder() },
  isLimited: true,
})
await listening(port, router.listen(port, hostOf(process.env['HOST'])))
if (bot) await registerBot(parseConfig(process.env), address)
const ticker = ticks
  ? startTicker({
      urls: [`${address}/api/worker`, `${address}/api/checker`],
      everyMs: tickMs,
      headers: { authorization: `Bearer ${secrets.CRON_SECRET}` },
      log,
      runScheduled: (nextRun) => router.runScheduled(nextRun),
    })
  : undefined

stopOnSignal(log, async () => {
  await ticker?.stop()
  await router.close()
  await simulator?.close()
  await bot?.close()
  await receivers?.close()
  await postgres.stop()
})

log.info(`Stepgate is ready: ${address}`)
log.info(`for tools: npm run tasks -- list --env ${relative(process.cwd(), fileURLToPath(settingsFile))}`)
log.info(
  isOwn.replicate
    ? 'Replicate itself, by REPLICATE_API_TOKEN'
    : `simulated Replicate at ${simulator?.url} (Replicate itself: set REPLICATE_API_TOKEN)`,
)
if (!ticks) log.info('nothing pings the functions: tasks move by polls, webhooks and your own pings alone')
log.info(isOwn.fal ? 'fal itself, by FAL_KEY' : `simulated fal at ${simulator?.url}/fal`)
log.info(
  bot
    ? `simulated Telegram: chat with the bot at ${bot.chat}`
    : 'Telegram itself, by TELEGRAM_BOT_TOKEN (npm run doctor -- --fix)',
)
if (receivers) log.info(`what apps are told by webhook, and simulated browsers by push: ${receivers.url}`)
log.info(`secrets made for this machine, the cron secret among them: ${join(folder, 'secrets.json')}`)
