// The log: one JSON line an event on standard output. What may hold a secret is cut out here, whoever logs it.
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import type { Config } from '../core/config.ts'
import { providers } from '../providers/index.ts'

/** Query parameters that open something, and bearer tokens, wherever in a line they stand. */
const secrets = /([?&#](?:key|signature|mac|claim|marker|token|x-amz-\w+(?:-\w+)*)=|Bearer )[^&#\s"\\<>]+/gi

/** Shorter ones would be cut out of words that have nothing to do with them. */
const shortestKey = 8

/** What signs sessions, links and events, or opens an endpoint, a channel or a store. */
const ownSecrets = [
  ...['SESSION_SECRET', 'CRON_SECRET', 'ALERT_SECRET', 'NOTIFY_SECRET', 'TURNSTILE_SECRET_KEY'],
  ...['VAPID_PRIVATE_KEY', 'TELEGRAM_BOT_TOKEN', 'TELEGRAM_WEBHOOK_SECRET', 'S3_SECRET_ACCESS_KEY'],
]

/** The keys and secrets themselves, our own and the providers', whoever quotes them. */
function keysOf(config: object): string[] {
  const names = [...ownSecrets, ...providers.flatMap(({ secrets }) => secrets)]
  const values = names.map((name) => Reflect.get(config, name))
  return values
    .flatMap((value) => (typeof value === 'string' ? value.split(/\s+/) : []))
    .filter(({ length }) => length >= shortestKey)
}

/** On standard output, or where a test listens. */
export function openLog(config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>, destination?: DestinationStream): Logger {
  const keys = keysOf(config)
  const options: LoggerOptions = {
    level: config.LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: {
      streamWrite: (line) => keys.reduce((rest, key) => rest.replaceAll(key, '…'), line.replace(secrets, '$1…')),
    },
    redact: { paths: ['*.token', '*.authorization', '*.headers', 'err.cause.headers'], remove: true },
    // Only where it is asked for, on a developer's machine: the package isn't part of a deployment.
    ...(config.LOG_FORMAT === 'pretty' &&
      !destination && {
        transport: {
          target: 'pino-pretty',
          options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss', singleLine: true },
        },
      }),
  }
  return destination ? pino(options, destination) : pino(options)
}
