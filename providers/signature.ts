// Standard Webhooks signatures (Svix's scheme, which Replicate uses): HMAC-SHA256 over id, timestamp and the raw body.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '../core/errors.ts'

/** Both ways: an old call may be a replay, a call from the future a forged clock. */
const toleranceSeconds = 5 * 60

/** Throws `bad_signature` unless the header's timestamp, in seconds, is near now. */
export function requireRecent(header: string, timestamp: string, now: Date): void {
  const age = now.getTime() / 1000 - Number(timestamp)
  if (!(Math.abs(age) <= toleranceSeconds)) throw refuseWebhook(`${header} is not within 5 minutes of now`)
}

export function refuseWebhook(reason: string): AppError {
  return new AppError('bad_signature', `The webhook is refused: ${reason}.`)
}

/**
 * Throws `bad_signature` unless one of the offered `v1` signatures fits one of the secrets (`whsec_…`, separated by
 * spaces: during a rotation both are valid). Nothing of the body is parsed before this returns. A space too many is no secret: an
 * empty one would be everybody's.
 */
export function verifySignature(headers: Headers, rawBody: string, secrets: string, now: Date): void {
  const id = headers.get('webhook-id')
  const timestamp = headers.get('webhook-timestamp')
  const offered = headers.get('webhook-signature')
  if (!id || !timestamp || !offered)
    throw refuseWebhook('webhook-id, webhook-timestamp and webhook-signature are required')
  requireRecent('webhook-timestamp', timestamp, now)
  const expected = secrets
    .split(/\s+/)
    .filter(Boolean)
    .map((secret) => sign(secret, `${id}.${timestamp}.${rawBody}`))
  const given = offered
    .split(' ')
    .flatMap((entry) => (entry.startsWith('v1,') ? [Buffer.from(entry.slice(3), 'base64')] : []))
  // Every pair is compared, so that the time tells nothing of which one fitted.
  const fits = expected.flatMap((right) =>
    given.map((one) => one.length === right.length && timingSafeEqual(one, right)),
  )
  if (!fits.includes(true)) throw refuseWebhook('webhook-signature does not fit the body')
}

/** The headers of a message of our own, as its receiver verifies them: one signature for each secret, separated by spaces during a rotation. */
export function signMessage(secrets: readonly string[], id: string, at: Date, rawBody: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const text = `${id}.${timestamp}.${rawBody}`
  const signatures = secrets.map((secret) => `v1,${sign(secret, text).toString('base64')}`)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

/**
 * A `whsec_` secret is the base64 of its key; any other is the key itself. Node decodes it: of a key given as bytes it tries first, by
 * throwing, whether it is a KeyObject, and that takes longer than the signature.
 */
function sign(secret: string, text: string): Buffer {
  const [, encoded] = /^whsec_(.*)$/.exec(secret) ?? []
  const hmac =
    encoded === undefined ? createHmac('sha256', secret) : createHmac('sha256', encoded, { encoding: 'base64' })
  return hmac.update(text).digest()
}
