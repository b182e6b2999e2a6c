// POST /api/telegram: an update for the bot. Telegram sends it again until it is answered 2xx, so the answer comes when what it asks for is
// done, or is under way; what is only away for a moment is answered 503, and comes again.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Update } from 'grammy/types'
import * as z from 'zod'
import { endsWithin } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { failureOf } from '../notify/telegram/api.ts'
import { json, readJson, requireMethod } from './http/request.ts'
import { handleUpdate } from './telegram/update.ts'

/** What takes longer, as photos may, goes on after the answer. */
const answerMs = 8_000

const updateSchema = z.looseObject({ update_id: z.int('must be the number that Telegram gives each update') })

export const telegram: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  requireTelegram(request, deps)
  const update = (await readJson(request, updateSchema)) as unknown as Update
  const delivery = { isLast: false }
  const work = handleUpdate(deps, context, update, delivery).catch((error: unknown) => settle(deps, update, error))
  context.waitUntil(
    work.catch((error) => {
      if (delivery.isLast) deps.log.error({ err: error, update: update.update_id }, 'an update was not handled')
    }),
  )
  if (await endsWithin(answerMs, work, deps.wait)) await work
  delivery.isLast = true
  return json({ ok: true })
}

/** Throws `not_configured` where there is no bot, and `bad_signature` for whoever isn't Telegram. */
function requireTelegram(request: Request, { config }: Deps): void {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_WEBHOOK_SECRET: secret } = config
  if (!token) throw new AppError('not_configured', 'TELEGRAM_BOT_TOKEN is not set.')
  if (!secret) throw new AppError('not_configured', 'TELEGRAM_WEBHOOK_SECRET is not set.')
  const given = request.headers.get('x-telegram-bot-api-secret-token') ?? ''
  if (timingSafeEqual(digest(given), digest(secret))) return
  throw new AppError('bad_signature', 'X-Telegram-Bot-Api-Secret-Token is not TELEGRAM_WEBHOOK_SECRET.')
}

/** Digests are of one length whatever was sent, so that the comparison's time tells nothing of the secret. */
const digest = (value: string): Buffer => createHash('sha256').update(value).digest()

/** A failed answer to a person: Telegram repeats what may work later, and nothing else. grammY wraps what its handlers throw. */
async function settle(deps: Deps, update: Update, thrown: unknown): Promise<void> {
  const error =
    thrown instanceof Error && thrown.name === 'BotError' ? (thrown as Error & { error: unknown }).error : thrown
  const failure = failureOf(error)
  if (!failure) throw error
  const { kind, reason, retryAfterSeconds = 5 } = failure
  if (kind === 'later') {
    throw new AppError('unavailable', reason, { headers: { 'retry-after': String(retryAfterSeconds) } })
  }
  deps.log.warn({ reason, update: update.update_id }, 'a person could not be answered')
}
