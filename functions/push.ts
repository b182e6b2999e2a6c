// POST /api/push: keeps a browser's push subscription, so that its user hears of their tasks with the tab closed, or removes it. GET: tells the key
// that a browser subscribes with, where this deployment has one. The door calls it; notify/push.ts sends to what it keeps.
import * as z from 'zod'
import type { PushOffer } from '../core/answers.ts'
import { AppError } from '../core/errors.ts'
import { ambiguousAddress, isAmbiguous } from '../core/web-address.ts'
import { subscribe, unsubscribe } from '../db/statements/listeners.ts'
import type { Endpoint } from '../engine/deps.ts'
import { isPushService } from '../notify/push-address.ts'
import { invalid, json, readJson, requireMethod, requireValid } from './http/request.ts'
import { requireUser } from './http/users.ts'

/** As it was parsed and checked, not as it was typed. */
const endpoint = z
  .string()
  .refine((value) => !isAmbiguous(value), ambiguousAddress)
  .refine((value) => URL.canParse(value), 'must be an address')
  .overwrite((value) => URL.parse(value)?.href ?? value)
  .max(2_000)
  .meta({ format: 'uri' })

const removal = z.strictObject({ endpoint, remove: z.literal(true) })

/** As `PushSubscription.toJSON()` gives it, and the language that the person is told in. */
const subscription = z.strictObject({
  endpoint,
  keys: z.strictObject({ p256dh: z.string(), auth: z.string() }),
  expirationTime: z.number().nullish(),
  language: z.enum(['en', 'ru']).default('en'),
})

export const pushBody = z.union([removal, subscription])

export const push: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD', 'POST')
  const { VAPID_PUBLIC_KEY: public_key = null } = deps.config
  if (request.method !== 'POST') return json({ public_key } satisfies PushOffer)
  const user_id = await requireUser(request, deps)
  const body = await readJson(request, z.looseObject({ endpoint, remove: z.boolean().optional() }))
  if (body.remove === true) {
    await unsubscribe(deps.db, { user_id, endpoint: body.endpoint })
    return json({ public_key } satisfies PushOffer)
  }
  if (public_key === null)
    throw new AppError('not_configured', 'VAPID_PUBLIC_KEY is not set: this deployment sends no push messages.')
  const { keys, language } = requireValid(subscription, body)
  if (!isPushService(deps.config, body.endpoint)) {
    throw invalid([{ path: 'endpoint', message: 'must be an https address of a known push service' }])
  }
  requireKeys(keys)
  const address = { endpoint: body.endpoint, keys, language }
  await subscribe(deps.db, { user_id, endpoint: body.endpoint, address, now: deps.now?.() })
  return json({ public_key } satisfies PushOffer, 201)
}

/** The browser's half of what a message is encrypted with: a point of P-256, and a secret of 16 bytes. */
function requireKeys({ p256dh, auth }: { p256dh: string; auth: string }): void {
  const point = bytesOf(p256dh)
  if (point?.length !== 65 || point[0] !== 4)
    throw invalid([{ path: 'keys.p256dh', message: 'must be a point of P-256, 65 bytes as base64url' }])
  if (bytesOf(auth)?.length !== 16) throw invalid([{ path: 'keys.auth', message: 'must be 16 bytes as base64url' }])
}

const bytesOf = (text: string): Buffer | undefined =>
  /^[\w-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : undefined
