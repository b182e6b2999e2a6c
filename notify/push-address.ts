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

/** The browser's half of what a message is encrypted with: a point of P-256, and a secret of 16 bytes. */
export function keyFault({
  p256dh,
  auth,
}: {
  p256dh: string
  auth: string
}): { path: string; message: string } | undefined {
  const point = bytesOf(p256dh)
  if (point?.length !== 65 || point[0] !== 4)
    return { path: 'keys.p256dh', message: 'must be a point of P-256, 65 bytes as base64url' }
  if (bytesOf(auth)?.length !== 16) return { path: 'keys.auth', message: 'must be 16 bytes as base64url' }
  return undefined
}

const bytesOf = (text: string): Buffer | undefined =>
  /^[\w-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : undefined
