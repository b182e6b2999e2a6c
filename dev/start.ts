// `npm start`: everything on one machine. Database and simulator are started, files lie in a folder, the functions are told where these
// are through the environment (as a deployment would tell them), and a ticker pings worker and checker as a cron would.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadDoors } from '../build/doors.ts'
import { migrate } from '../db/migrate.ts'
import { openLog } from '../engine/log.ts'
import { registerBot } from '../notify/telegram/register.ts'
import { parseConfig } from '../providers/config.ts'
import { checkRecipes, openRecipes } from '../recipes/index.ts'
import { freePort } from '../simulator/ports.ts'
import { startReceivers } from '../simulator/receivers/index.ts'
import { startSimulator } from '../simulator/server.ts'
import { addressOf, hostOf, listening, parseFlags, portOf, sayWhyNot } from './begin.ts'
import { keptStore } from './kept-store.ts'
import { isAllLocal, localSettings, ownKeys, settingsText } from './local-settings.ts'
import { pageFolder } from './page.ts'
import { startPostgres } from './postgres.ts'
import { createServer } from './router.ts'
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
const port = portOf(process.env['PORT']) || (await freePort())
const host = hostOf(process.env['HOST'])
const address = addressOf(port, host)
const simulatorPort = portOf(process.env['SIMULATOR_PORT'], { name: 'SIMULATOR_PORT', usual: 0 })
process.env['LOG_FORMAT'] ||= 'pretty'
const { LOG_LEVEL, LOG_FORMAT } = process.env
const log = openLog(parseConfig({ LOG_LEVEL, LOG_FORMAT }))

await checkRecipes()
await mkdir(data, { recursive: true, mode: 0o700 })
await chmod(data, 0o700)
// First, because it holds the lock of all that is kept: of two starts at once only one goes on.
const postgres = await startPostgres({ dataDir: join(folder, 'postgres') })
const secrets = await keptSecrets(new URL('secrets.json', data))
await migrate(postgres.url)
const storage = await keptStore(folder, log)
// With a key of one's own the same functions talk to that provider itself.
const isOwn = ownKeys(process.env)
const simulator =
  isOwn.replicate && isOwn.fal
    ? undefined
    : await listening(
        simulatorPort,
        startSimulator({
          port: simulatorPort,
          replicateToken: secrets.REPLICATE_API_TOKEN,
          webhookSecret: secrets.REPLICATE_WEBHOOK_SECRET,
          falKey: secrets.FAL_KEY,
          secondsPerStep: 4,
          recipes: openRecipes({ hosts: [], allowPrivate: true }).values(),
          stateFile: join(folder, 'simulator.json'),
        }),
        'SIMULATOR_PORT',
      )
// Who listens to webhooks here, unless an app of one's own does. Over http only where all is local.
const receivers =
  process.env['NOTIFY_URL'] || !isAllLocal(isOwn)
    ? undefined
    : await startReceivers({ port: 0, secret: process.env['NOTIFY_SECRET'] || secrets.NOTIFY_SECRET })
const bot = process.env['TELEGRAM_BOT_TOKEN'] ? undefined : await startBot()

const settings = localSettings(process.env, {
  ...{ address, storage, secrets, isOwn, databaseUrl: postgres.url },
  ...{ simulator: simulator?.url, bot: bot?.settings, hook: receivers?.hook },
})
Object.assign(process.env, settings)
// Whatever else is in it: what is wrong is named now, and not by the first request.
const config = parseConfig(process.env)
// For tools beside it, which are told this file. Its owner's alone: it holds all secrets.
const settingsFile = new URL('local.env', data)
await writeFile(settingsFile, settingsText(settings), { mode: 0o600 })

const router = createServer(await loadDoors(new URL('../netlify/functions', import.meta.url)), {
  log,
  static: { folder: await pageFolder() },
  isLimited: true,
})
await listening(port, router.listen(port, host))
if (bot) await registerBot(config, address)
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
