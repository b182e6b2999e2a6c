// fal's webhooks: ED25519 signatures over request id, user id, time and the body's digest, by keys that fal publishes and changes.
// Nothing of a body is believed before its signature is verified.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import type { Observation, Report } from '../../core/provider.ts'
import { parseJson } from '../answer.ts'
import type { Http } from '../http.ts'
import { refuseWebhook, requireRecent } from '../signature.ts'
import { builtUrls, type FalOptions } from './address.ts'
import { bodyOf, failureOf } from './result.ts'

const keptMs = 24 * 3_600_000
/** An unknown signature may mean new keys. Between two looks for them, so that forged calls can't make us ask all the time. */
const retryMs = 5 * 60_000

interface FalKeys {
  /** Whether one of fal's keys made this signature. Throws `unavailable` while there are no keys to try. */
  verify(message: string, signature: Buffer, now: Date): Promise<boolean>
}

type KeyOptions = Pick<FalOptions, 'http' | 'jwksUrl' | 'checkTimeoutMs'>

/** One for each container: fal allows its keys to be kept for a day. */
export function openKeys(options: KeyOptions): FalKeys {
  let keys: KeyObject[] = []
  let fetchedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | undefined

  const fetchOnce = (at: number) => {
    fetching ??= fetchKeys(options)
      .then((fetched) => {
        keys = fetched
        fetchedAt = at
      })
      .finally(() => {
        triedAt = at
        fetching = undefined
      })
    return fetching
  }
  const fits = (message: string, signature: Buffer) =>
    keys.some((key) => verify(null, Buffer.from(message), key, signature))

  return {
    async verify(message, signature, now) {
      const at = now.getTime()
      if (at - fetchedAt >= keptMs) await fetchOnce(at)
      if (fits(message, signature)) return true
      if (at - triedAt < retryMs) return false
      await fetchOnce(at)
      return fits(message, signature)
    },
  }
}

async function fetchKeys({ http, jwksUrl, checkTimeoutMs }: KeyOptions): Promise<KeyObject[]> {
  const body = await fetchSet(http, jwksUrl, checkTimeoutMs)
  const listed = bodyOf({ body })['keys']
  const keys = (Array.isArray(listed) ? listed : []).flatMap((jwk: unknown) => {
    const { x } = (jwk ?? {}) as { x?: unknown }
    const isKey = typeof x === 'string' && Buffer.from(x, 'base64url').length === 32
    return isKey ? [createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })] : []
  })
  if (keys.length > 0) return keys
  throw new AppError('unavailable', "fal lists no key now, so the webhook can't be verified. Send it again.")
}

async function fetchSet(http: Http, url: string, timeoutMs: number): Promise<unknown> {
  try {
    const response = await http.send({ method: 'GET', url, timeoutMs })
    return response.status === 200 ? response.body : undefined
  } catch (cause) {
    throw new AppError(
      'unavailable',
      "fal's keys can't be fetched now, so the webhook can't be verified. Send it again.",
      { cause },
    )
  }
}

interface WebhookCall {
  headers: Headers
  rawBody: string
  now: Date
  /** What the attempt asked for; a webhook itself carries no addresses. */
  model: string | undefined
}

export async function readWebhook(keys: FalKeys, queueUrl: string, call: WebhookCall): Promise<Report> {
  const id = await requireSigned(keys, call)
  const body = bodyOf({ body: parseJson(call.rawBody) })
  if (body['request_id'] !== id) throw refuseWebhook('its header and its body name different requests')
  return {
    prediction_id: id,
    urls: call.model ? builtUrls(queueUrl, call.model, id) : {},
    ...readReport(body),
  }
}

/** The signed request id. */
async function requireSigned(keys: FalKeys, { headers, rawBody, now }: WebhookCall): Promise<string> {
  const [id, user, timestamp, signature] = ['request-id', 'user-id', 'timestamp', 'signature'].map((name) =>
    headers.get(`x-fal-webhook-${name}`),
  )
  if (!id || !user || !timestamp || !signature) {
    throw refuseWebhook('x-fal-webhook-request-id, -user-id, -timestamp and -signature are required')
  }
  requireRecent('x-fal-webhook-timestamp', timestamp, now)
  if (!/^[0-9a-f]{128}$/i.test(signature)) throw refuseWebhook('x-fal-webhook-signature is not 64 bytes in hexadecimal')
  const digest = createHash('sha256').update(rawBody).digest('hex')
  const message = [id, user, timestamp, digest].join('\n')
  if (await keys.verify(message, Buffer.from(signature, 'hex'), now)) return id
  throw refuseWebhook('x-fal-webhook-signature does not fit the body')
}

function readReport(body: Record<string, unknown>): { observation: Observation; withheld?: boolean } {
  const payload = body['payload']
  switch (body['status']) {
    case 'OK':
      // `payload_error`: the output was too large for the webhook, or could not be written as JSON.
      if (body['payload_error'] || typeof payload !== 'object' || payload === null) {
        return { observation: { kind: 'running' }, withheld: true }
      }
      return { observation: { kind: 'succeeded', output: payload } }
    case 'ERROR':
      return { observation: failureOf({ error: body['error'], ...bodyOf({ body: payload }) }) }
    default:
      return { observation: { kind: 'running', warning: 'unknown status in a webhook' } }
  }
}
