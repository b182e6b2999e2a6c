// POST /api/push: keeps a browser's push subscription, so that its user hears of their tasks with the tab closed, or removes it. GET: tells the key
// that a browser subscribes with, where this deployment has one. The door calls it; notify/push.ts sends to what it keeps.
import * as z from 'zod'
import type { PushOffer } from '../core/answers.ts'
import { AppError } from '../core/errors.ts'
import { subscribe, unsubscribe } from '../db/statements/listeners.ts'
import type { Endpoint } from '../engine/deps.ts'
import { isPushService, keyFault } from '../notify/push-address.ts'
import { invalid, json, readJson, requireMethod, requireValid } from './http/request.ts'
import { requireUser } from './http/users.ts'

const endpoint = z.url().max(2_000)

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
  const fault = keyFault(keys)
  if (fault) throw invalid([fault])
  const address = { endpoint: body.endpoint, keys, language }
  await subscribe(deps.db, { user_id, endpoint: body.endpoint, address, now: deps.now?.() })
  return json({ public_key } satisfies PushOffer, 201)
}
