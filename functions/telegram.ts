// POST /api/telegram: an update for the bot. Telegram sends it again until it is answered 2xx, so the answer comes when what it asks for is
// done, or is under way; what is only away for a moment is answered 503, and comes again. An update that can't be handled is logged and taken.
import type { Update } from 'grammy/types'
import * as z from 'zod'
import { endsWithin } from '../core/deadline.ts'
import { AppError } from '../core/errors.ts'
import { storable } from '../db/statements/sql.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { isSecret } from '../engine/keys.ts'
import { failureOf } from '../notify/telegram/api.ts'
import { json, readJson, requireMethod } from './http/request.ts'
import { isTemporary } from './telegram/chat.ts'
import { handleUpdate } from './telegram/update.ts'

/** What takes longer, as photos may, goes on after the answer. */
const answerMs = 8_000

const updateSchema = z.looseObject({ update_id: z.int('must be the number that Telegram gives each update') })

export const telegram: Endpoint = async (request, deps, context) => {
  requireMethod(request, 'POST')
  requireTelegram(request, deps)
  // A text with a NUL, which other endpoints refuse, is handled without it.
  const update = (await readJson(request, updateSchema, storable)) as unknown as Update
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
  if (isSecret(given, secret)) return
  throw new AppError('bad_signature', 'X-Telegram-Bot-Api-Secret-Token is not TELEGRAM_WEBHOOK_SECRET.')
}

/** What failed: Telegram repeats what may work later, and nothing else. grammY wraps what its handlers throw. */
async function settle(deps: Deps, update: Update, thrown: unknown): Promise<void> {
  const error =
    thrown instanceof Error && thrown.name === 'BotError' ? (thrown as Error & { error: unknown }).error : thrown
  const failure = failureOf(error)
  if (!failure) {
    if (isTemporary(error)) throw error
    deps.log.error({ err: error, update: update.update_id }, 'an update was not handled')
    return
  }
  const { reason } = failure
  if (failure.kind === 'later') {
    throw new AppError('unavailable', reason, { headers: { 'retry-after': String(failure.retryAfterSeconds ?? 5) } })
  }
  deps.log.warn({ reason, update: update.update_id }, 'a person could not be answered')
}
