// What `npm start` tells the functions through the environment, as a deployment would, and the file in which tools find the same. Pure;
// start.ts calls it.
import type { Secrets } from './secrets.ts'

type Env = Readonly<Record<string, string | undefined>>

/** With a key of one's own the functions talk to that provider itself. */
interface OwnKeys {
  replicate: boolean
  fal: boolean
}

export const ownKeys = (env: Env): OwnKeys => ({
  replicate: Boolean(env['REPLICATE_API_TOKEN']),
  fal: Boolean(env['FAL_KEY']),
})

/** Nobody outside is to reach us, or to be reached, and nothing is paid. */
export const isAllLocal = ({ replicate, fal }: OwnKeys): boolean => !replicate && !fal

interface LocalParts {
  /** Where the functions are reached. */
  address: string
  databaseUrl: string
  /** The folder of the files. */
  storage: string
  secrets: Secrets
  isOwn: OwnKeys
  /** The simulator's address, unless both keys are one's own. */
  simulator: string | undefined
  /** The simulated bot's, unless there is a token of one's own. */
  bot: Record<string, string> | undefined
  /** Where the simulated app takes webhooks, unless one's own does. */
  hook: string | undefined
}

export function localSettings(env: Env, parts: LocalParts): Record<string, string> {
  const { address, databaseUrl, storage, secrets, isOwn, simulator, bot, hook } = parts
  return {
    DATABASE_URL: databaseUrl,
    STORAGE: 'folder',
    STORAGE_DIR: storage,
    CRON_SECRET: secrets.CRON_SECRET,
    SESSION_SECRET: secrets.SESSION_SECRET,
    ...(!isOwn.replicate && {
      REPLICATE_BASE_URL: `${simulator}/v1`,
      REPLICATE_API_TOKEN: secrets.REPLICATE_API_TOKEN,
      REPLICATE_WEBHOOK_SECRET: secrets.REPLICATE_WEBHOOK_SECRET,
    }),
    ...(!isOwn.fal && {
      FAL_KEY: secrets.FAL_KEY,
      FAL_QUEUE_URL: `${simulator}/fal/queue`,
      FAL_API_URL: `${simulator}/fal/api`,
      FAL_JWKS_URL: `${simulator}/fal/jwks.json`,
    }),
    ...bot,
    NOTIFY_SECRET: env['NOTIFY_SECRET'] || secrets.NOTIFY_SECRET,
    ...(hook && { NOTIFY_URL: hook }),
    ...(!env['VAPID_PUBLIC_KEY'] && {
      VAPID_PUBLIC_KEY: secrets.VAPID_PUBLIC_KEY,
      VAPID_PRIVATE_KEY: secrets.VAPID_PRIVATE_KEY,
      VAPID_SUBJECT: 'mailto:nobody@localhost.invalid',
    }),
    ...(isAllLocal(isOwn) && {
      PUBLIC_URL: address,
      ALLOW_HTTP_CALLBACKS: '1',
      ALLOW_PRIVATE_IMAGES: '1',
      // A portrait's training would cost more than a user may spend by default.
      BUDGET_PER_USER_PER_DAY: env['BUDGET_PER_USER_PER_DAY'] || '10',
    }),
  }
}

/** As a file of variables, which has no way to escape a quote. */
export function settingsText(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(([name, value]) => {
    const quote = ["'", '"', '`'].find((mark) => !value.includes(mark)) ?? "'"
    return `${name}=${quote}${value}${quote}\n`
  })
  return lines.join('')
}
