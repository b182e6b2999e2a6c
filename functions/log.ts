// The log: one JSON line an event on standard output. What may hold a secret is cut out here, whoever logs it.
import pino, { type Logger } from 'pino'
import type { Config } from '../core/config.ts'

export function openLog(config: Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>): Logger {
  return pino({
    level: config.LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['*.token', '*.authorization', '*.headers', 'err.cause.headers'], remove: true },
    // Only where it is asked for, on a developer's machine: the package isn't part of a deployment.
    ...(config.LOG_FORMAT === 'pretty' && {
      transport: {
        target: 'pino-pretty',
        options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss', singleLine: true },
      },
    }),
  })
}
