// The environment, read once: raw strings in, one frozen `Config` out. Every wrong variable is named, all of them at once.
import { notifyFaults } from './notify-settings.ts'
import {
  budget,
  cap,
  count,
  either,
  flag,
  hosts,
  isHostname,
  isSafeFromOthers,
  isSessionSecret,
  isSigningSecret,
  isWithoutPassword,
  listOf,
  numberOrOff,
  oneOf,
  optional,
  type Settings,
  serverAddress,
  text,
  textLike,
  textThat,
  url,
  type ValuesOf,
  WrongSetting,
  webAddressThat,
  withDefault,
} from './settings.ts'
import { chosenStore, missingFor, storeKinds, storeOrigin } from './store-choice.ts'
import { maxStoredBytes } from './upload.ts'

const secret = optional(textThat([(value) => value.length >= 16, 'must be at least 16 characters']))
const withoutPassword = [isWithoutPassword, 'must not carry a user name or password: they are not sent'] as const

const environment = {
  DATABASE_URL: optional(
    textThat([isPostgresAddress, 'must be an address such as postgres://user:password@host:5432/database']),
  ),
  DATABASE_DRIVER: optional(oneOf('neon', 'pg')),

  PUBLIC_URL: serverAddress,
  ALLOW_HTTP_CALLBACKS: flag,
  CRON_SECRET: secret,
  /** Two values separated by a space are both accepted, and the first signs: so that one can be rotated without a gap. */
  SESSION_SECRET: optional(
    textThat([isSessionSecret, 'must be at least 32 characters, or two such values separated by a space']),
  ),
  AUTH_JWKS_URL: optional(
    webAddressThat([isSafeFromOthers, 'must be https: who can change the keys on their way could sign in as any user']),
  ),
  AUTH_ISSUER: text,
  AUTH_AUDIENCE: text,
  ANONYMOUS_SESSIONS: either('on', 'off', 'on'),
  /** Cloudflare's human check before an anonymous session; off without both. */
  TURNSTILE_SITE_KEY: text,
  TURNSTILE_SECRET_KEY: text,
  TURNSTILE_VERIFY_URL: url('https://challenges.cloudflare.com/turnstile/v0/siteverify'),
  ALLOWED_ORIGINS: listOf(
    (origin) => URL.parse(origin)?.origin === origin,
    'must be origins such as https://app.example, separated by commas',
  ),
  /** Where files lie. By itself: a folder or a bucket where one alone is set up, otherwise the Netlify site's own store. */
  STORAGE: withDefault('netlify', oneOf(...storeKinds)),
  STORAGE_DIR: text,
  /** An S3-compatible store; the public endpoint is where people and providers reach it, if that is another address. */
  S3_ENDPOINT: serverAddress,
  S3_PUBLIC_ENDPOINT: serverAddress,
  S3_BUCKET: optional(textLike(/^[\w.-]{1,255}$/, 'must be the name of a bucket')),
  S3_REGION: withDefault('us-east-1', textThat()),
  S3_ACCESS_KEY_ID: text,
  S3_SECRET_ACCESS_KEY: text,
  IMAGE_HOSTS: hosts,
  /** Offers the recipes whose models' licences forbid commercial use. */
  ENABLE_NONCOMMERCIAL: flag,
  ALLOW_PRIVATE_IMAGES: flag,
  LOG_LEVEL: withDefault('info', oneOf('debug', 'info', 'warn', 'error', 'silent')),
  LOG_FORMAT: withDefault('json', oneOf('json', 'pretty')),
  ALERT_URL: optional(webAddressThat(withoutPassword)),
  ALERT_SECRET: secret,

  /** Where every event goes, signed with NOTIFY_SECRET; and the hosts that a task's own `notify_url` may name. docs/telling.md */
  NOTIFY_URL: optional(
    webAddressThat(
      [(address) => address.length <= 2_000, 'must have 2000 characters at most'],
      [isSafeFromOthers, 'must be https: over http others could read every task on its way'],
      withoutPassword,
    ),
  ),
  NOTIFY_SECRET: optional(
    textThat([
      isSigningSecret,
      'must be whsec_ and the base64 of 24 to 64 random bytes; several are separated by spaces',
    ]),
  ),
  NOTIFY_HOSTS: listOf(isHostname, 'must be host names such as app.example, separated by commas'),
  /** The keys of web push; off without them. */
  VAPID_PUBLIC_KEY: text,
  VAPID_PRIVATE_KEY: text,
  VAPID_SUBJECT: optional(
    textLike(/^(mailto:[^@\s]+@[^@\s]+|https:\/\/\S+)$/, 'must be mailto: and an address, or https:'),
  ),
  /** The Telegram bot; off without a token. Its secret comes with every update, and shows that Telegram sent it. */
  TELEGRAM_BOT_TOKEN: optional(textLike(/^\d+:[\w-]+$/, 'must be what BotFather gave, such as 123456:ABC-def')),
  TELEGRAM_WEBHOOK_SECRET: optional(textLike(/^[\w-]{16,256}$/, 'must be 16 to 256 of A-Z, a-z, 0-9, _ and -')),
  TELEGRAM_OPERATORS: listOf((id) => /^\d+$/.test(id), 'must be numeric ids of Telegram users, separated by commas'),
  TELEGRAM_API_URL: url('https://api.telegram.org'),
  /** Where deep links lead, with the bot's name behind it. */
  TELEGRAM_LINK_URL: url('https://t.me'),

  DAILY_TASKS_PER_USER: cap,
  /** Dollars a day (UTC) that tasks of all users, and of one, may reserve and cost: in the table's millionths, null where there is no ceiling. */
  BUDGET_PER_DAY: budget('10'),
  BUDGET_PER_USER_PER_DAY: budget('2'),
  /** A step is submitted at most this often, each redo included. */
  MAX_ATTEMPTS_PER_STEP: count(5, 1_000),
  /** Then passes delete a finished task, its history and its files; null keeps them. */
  KEEP_FINISHED_DAYS: numberOrOff(/^[1-9]\d{0,4}$/, 'must be a number of days, or off', '30'),
  /** A user whose results take more starts nothing new; null where there is no limit. */
  STORED_MB_PER_USER: numberOrOff(/^[1-9]\d{0,8}$/, 'must be megabytes such as 5000, or off', 'off'),

  /** A pass stops claiming after this many seconds; monitors give up at 30, and the last batch must still finish. */
  PASS_SECONDS: count(20, 50),
  PASS_BATCH: count(1_024, 2_000),
  HTTP_CONCURRENCY: count(32, 256),
  /** A copy of a large output is interrupted after this long; the next pass goes on with it. Well within one function's life. */
  COPY_SECONDS: count(20, 30),
  /** Of a stored file, in one answer. Netlify cuts a streamed answer off at 20 MB; elsewhere there is no limit. */
  ANSWER_LIMIT_MB: cap,
  SUBMIT_TIMEOUT_SECONDS: count(15, 50),
  CHECK_TIMEOUT_SECONDS: count(10, 50),
  /** Longer than a function may live, so that a claim that ran out has no living holder. */
  SUBMIT_LEASE_SECONDS: count(90, 3_600),
  /** From an attempt's start until "the list doesn't have it" is believed. Below two minutes a slow create may be overtaken. */
  SUBMIT_GRACE_SECONDS: count(180, 3_000),
  CHECK_MIN_SECONDS: cap,
  CHECK_MAX_SECONDS: cap,
}

type Fault = readonly [name: string, message: string]

/** How settings that are right each by itself don't fit together. */
function contradictions(config: Config): Fault[] {
  const { AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE } = config
  const faults: Fault[] = notifyFaults(config)
  const refuse = (name: string, message: string) => faults.push([name, message])
  // Without it, whatever else the same keys sign would open tasks here.
  if (AUTH_JWKS_URL && !AUTH_ISSUER) refuse('AUTH_ISSUER', 'must be set beside AUTH_JWKS_URL: the `iss` of its tokens')
  if (AUTH_JWKS_URL && !AUTH_AUDIENCE) {
    refuse(
      'AUTH_AUDIENCE',
      'must be set beside AUTH_JWKS_URL: the `aud` of its tokens, or `any` to take other apps’ too',
    )
  }
  if (!AUTH_JWKS_URL && (AUTH_ISSUER || AUTH_AUDIENCE)) refuse('AUTH_JWKS_URL', 'must be set beside AUTH_ISSUER')
  for (const name of missingFor(config)) refuse(name, `must be set where STORAGE is ${config.STORAGE}`)
  // An accepted upload is given to the provider in one answer.
  const { ANSWER_LIMIT_MB } = config
  if (ANSWER_LIMIT_MB && ANSWER_LIMIT_MB * 1_000_000 < maxStoredBytes) {
    refuse(
      'ANSWER_LIMIT_MB',
      `must be at least ${maxStoredBytes / 1_000_000}: an upload of that size is accepted, and given to providers in one answer`,
    )
  }
  const [site, secret] = [config.TURNSTILE_SITE_KEY, config.TURNSTILE_SECRET_KEY]
  if (site && !secret) refuse('TURNSTILE_SECRET_KEY', 'must be set beside TURNSTILE_SITE_KEY')
  if (secret && !site) refuse('TURNSTILE_SITE_KEY', 'must be set beside TURNSTILE_SECRET_KEY')
  // A create may be sent until shortly before its lease ends; before it can have been listed, "none" proves nothing.
  if (config.SUBMIT_GRACE_SECONDS < config.SUBMIT_LEASE_SECONDS + config.SUBMIT_TIMEOUT_SECONDS) {
    refuse('SUBMIT_GRACE_SECONDS', 'must be at least SUBMIT_LEASE_SECONDS and SUBMIT_TIMEOUT_SECONDS together')
  }
  return faults
}

/** Every variable that is wrong, by name, and what would be right. No value: it may be a secret. */
export class EnvironmentError extends Error {
  override name = 'EnvironmentError'
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(`Wrong environment:\n  ${faults.map(([name, message]) => `${name}: ${message}`).join('\n  ')}`)
    this.faults = faults
  }
}

/** The names of all that is read. */
export const variables: readonly string[] = Object.keys(environment)

export type Config = ValuesOf<typeof environment>

/** `more`: the providers' own variables. Throws one EnvironmentError, of all that is wrong. */
export function parseEnvironment(given: Record<string, string | undefined>, more: Settings): Config {
  // Present but empty (`FOO=`) is how dashboards and .env files write "none".
  const env = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
  const raw = {
    ...env,
    DATABASE_URL: env['DATABASE_URL'] || env['NETLIFY_DB_URL'] || env['NETLIFY_DATABASE_URL'],
    DATABASE_DRIVER: env['DATABASE_DRIVER'] || driverOf(env),
    PUBLIC_URL: env['PUBLIC_URL'] || env['URL'],
    STORAGE: env['STORAGE'] || chosenStore(env),
    ANSWER_LIMIT_MB: env['ANSWER_LIMIT_MB'] || (env['AWS_LAMBDA_FUNCTION_NAME'] && '16'),
  }
  const { values, wrong } = readEach({ ...environment, ...more }, raw)
  if (wrong.length > 0) throw new EnvironmentError(wrong)
  const config = Object.freeze(values as Config)
  const faults = contradictions(config)
  if (faults.length > 0) throw new EnvironmentError(faults)
  return config
}

function readEach(settings: Settings, env: Record<string, string | undefined>): { values: object; wrong: Fault[] } {
  const wrong: Fault[] = []
  const values = Object.entries(settings).map(([name, read]) => {
    try {
      return [name, read(env[name])]
    } catch (error) {
      if (!(error instanceof WrongSetting)) throw error
      wrong.push([name, error.message])
      return [name, undefined]
    }
  })
  return { values: Object.fromEntries(values), wrong }
}

/** What one answer may carry of a stored file. */
export const answerBytes = ({ ANSWER_LIMIT_MB }: Pick<Config, 'ANSWER_LIMIT_MB'>): number | undefined =>
  ANSWER_LIMIT_MB && ANSWER_LIMIT_MB * 1024 * 1024

/** Netlify's own database says how it wants to be spoken to, wherever its host is. */
function driverOf(env: Record<string, string | undefined>): string | undefined {
  const isNetlifys = !env['DATABASE_URL'] && Boolean(env['NETLIFY_DB_URL'])
  return isNetlifys && env['NETLIFY_DB_DRIVER'] === 'serverless' ? 'neon' : undefined
}

/** Whether providers may be given addresses of ours: webhooks and links to stored images. */
export function canBeCalledBack(config: Config): config is Config & { PUBLIC_URL: string } {
  return config.PUBLIC_URL !== undefined && (config.PUBLIC_URL.startsWith('https:') || config.ALLOW_HTTP_CALLBACKS)
}

/** Whether providers can fetch files from the store itself: over https, or where all is local. */
export const isStoreReached = (
  config: Pick<Config, 'STORAGE' | 'S3_ENDPOINT' | 'S3_PUBLIC_ENDPOINT' | 'ALLOW_HTTP_CALLBACKS'>,
): boolean =>
  config.ALLOW_HTTP_CALLBACKS ? storeOrigin(config) !== undefined : (storeOrigin(config)?.startsWith('https:') ?? false)

/** Sessions, links and webhook addresses are signed with keys of the first, and accepted with those of each. */
export const sessionSecrets = ({ SESSION_SECRET = '' }: Pick<Config, 'SESSION_SECRET'>): string[] =>
  SESSION_SECRET.split(' ').filter(Boolean)

/** Whether browsers reach this deployment over https, perhaps through a proxy that speaks http with us. */
export const isHttps = ({ PUBLIC_URL }: Pick<Config, 'PUBLIC_URL'>): boolean =>
  PUBLIC_URL?.startsWith('https:') ?? false

/** With a host: a socket's path is none. Asked for here and by whoever connects. */
export function isPostgresAddress(address: string): boolean {
  const { protocol = '', hostname = '' } = URL.parse(address) ?? {}
  return /^postgres(ql)?:$/.test(protocol) && hostname !== ''
}
