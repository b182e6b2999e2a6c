// The Telegram bot: whether its token is taken, whether its updates come to this deployment, and whether its door refuses what Telegram did
// not send. With `--fix` Telegram is told first where they go.
import type { Config } from '../../core/config.ts'
import { failureOf, openApi } from '../../notify/telegram/api.ts'
import { registerBot, wantedUpdates, webhookAddress } from '../../notify/telegram/register.ts'
import { type Check, type Examined, fail, ok, unchecked, type Verdict, warn } from './findings.ts'

const timeoutMs = 20_000
const fix = 'npm run doctor -- --fix tells Telegram.'
const official = 'https://api.telegram.org'

/** Undefined where there is no bot; otherwise what was done. */
export async function fixTelegram(config: Config): Promise<string | undefined> {
  if (!config.TELEGRAM_BOT_TOKEN) return undefined
  if (!config.PUBLIC_URL) return 'PUBLIC_URL is not set here, so Telegram was told nothing.'
  if (!config.TELEGRAM_WEBHOOK_SECRET) return 'TELEGRAM_WEBHOOK_SECRET is not set here, so Telegram was told nothing.'
  try {
    await registerBot(config, config.PUBLIC_URL)
    return `Telegram was told: updates go to ${webhookAddress(config.PUBLIC_URL)}.`
  } catch (error) {
    return `Telegram was told nothing: ${failureOf(error)?.reason ?? (error as Error).message}.`
  }
}

export const checkTelegram: Check = [
  'telegram',
  async (examined) => {
    const { config } = examined
    if (!config.TELEGRAM_BOT_TOKEN) return []
    if (!config.PUBLIC_URL) return unchecked('PUBLIC_URL')
    try {
      return await look(config, config.PUBLIC_URL, examined)
    } catch (error) {
      const reason = failureOf(error)?.reason
      if (!reason) throw error
      const isRefused = / 40[14]:/.test(reason)
      return fail(reason, isRefused ? 'Set TELEGRAM_BOT_TOKEN to the one that BotFather gave.' : 'Try again.')
    }
  },
]

async function look(config: Config, site: string, examined: Examined): Promise<Verdict[]> {
  const api = await openApi(config)
  const [me, info] = await Promise.all([api.getMe(), api.getWebhookInfo()])
  const wanted = webhookAddress(site)
  if (config.TELEGRAM_API_URL === official && !wanted.startsWith('https:'))
    return [fail(`Telegram sends updates over https alone, not to ${wanted}`, 'Make PUBLIC_URL an https address.')]
  if (!info.url) return [fail(`@${me.username} sends its updates nowhere`, fix)]
  if (info.url !== wanted) return [fail(`@${me.username} sends its updates to ${info.url}, not to ${wanted}`, fix)]
  const missing = wantedUpdates.filter((kind) => !info.allowed_updates?.includes(kind))
  if (missing.length > 0) return [fail(`@${me.username} does not send ${missing.join(', ')}`, fix)]
  return [updatesOf(`@${me.username}`, info), await door(wanted, examined)]
}

function updatesOf(name: string, info: { pending_update_count: number; last_error_message?: string }): Verdict {
  const { pending_update_count: pending, last_error_message: failed } = info
  if (pending > 0 && failed)
    return warn(`${name}: ${pending} updates wait, and the last failed: ${failed}`, 'Look at the log of the functions.')
  return ok(`${name} sends its updates here`)
}

/** What Telegram did not send must be refused, by our own door. */
async function door(url: string, { http }: Examined): Promise<Verdict> {
  const { status } = await http.send({ method: 'POST', url, body: { update_id: 0 }, timeoutMs })
  if (status === 401) return { name: 'telegram door', ...ok('/api/telegram refuses what Telegram did not send') }
  const todo =
    status === 503
      ? 'Set TELEGRAM_BOT_TOKEN and TELEGRAM_WEBHOOK_SECRET at the site as well, and deploy again.'
      : 'Is this its address?'
  return { name: 'telegram door', ...fail(`/api/telegram answers ${status}`, todo) }
}
