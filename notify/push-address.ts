// Which addresses a push message may go to. A subscription's endpoint is what a browser says; only the services of known browsers are believed, so
// that nobody can have us send to anywhere else.
import type { Config } from '../core/config.ts'
import { isOwnMachine } from '../core/notify-settings.ts'

/** Chrome and most others, Firefox, Safari, Edge. */
const services = [
  /^fcm\.googleapis\.com$/,
  /\.push\.services\.mozilla\.com$/,
  /\.push\.apple\.com$/,
  /\.notify\.windows\.com$/,
]

export function isPushService(config: Pick<Config, 'ALLOW_HTTP_CALLBACKS'>, endpoint: string): boolean {
  const url = URL.parse(endpoint)
  if (!url || url.username || url.password) return false
  if (isOwnMachine(config, url.hostname)) return true
  return url.protocol === 'https:' && url.port === '' && services.some((service) => service.test(url.hostname))
}
