// POST /api/telegram-link: a one-time deep link by which a user of the page lets a chat be told of their tasks, or with `remove` the end of
// that. GET: whether there is a bot here, and which chats are told.
import * as z from 'zod'
import type { TelegramLink, TelegramLinks } from '../core/answers.ts'
import { AppError } from '../core/errors.ts'
import { listLinked, offerLink, unlinkChats } from '../db/statements/telegram.ts'
import type { Deps, Endpoint } from '../engine/deps.ts'
import { askMe, failureOf } from '../notify/telegram/api.ts'
import { json, readJson, requireMethod } from './http/request.ts'
import { requireUser } from './http/users.ts'
import { hashOf, newCode } from './telegram/link.ts'

export const telegramLinkBody = z.strictObject({
  /** No chat is told any more. */
  remove: z.boolean().default(false),
})

const linkSeconds = 600

export const telegramLink: Endpoint = async (request, deps) => {
  requireMethod(request, 'GET', 'HEAD', 'POST')
  const user_id = await requireUser(request, deps)
  if (request.method !== 'POST') return json(await linksOf(deps, user_id))
  const { remove } = request.body ? await readJson(request, telegramLinkBody) : { remove: false }
  if (!remove) return json(await offer(deps, user_id), 201)
  await unlinkChats(deps.db, user_id)
  return json(await linksOf(deps, user_id))
}

async function linksOf(deps: Deps, user_id: string): Promise<TelegramLinks> {
  const offered = deps.config.TELEGRAM_BOT_TOKEN !== undefined
  const chats = offered ? await listLinked(deps.db, user_id) : []
  return { offered, chats: chats.map(({ name, linked_at }) => ({ name, linked_at: linked_at.toISOString() })) }
}

async function offer(deps: Deps, user_id: string): Promise<TelegramLink> {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_LINK_URL: root } = deps.config
  if (!token) throw new AppError('not_configured', 'TELEGRAM_BOT_TOKEN is not set.')
  const bot = await askMe(deps.config).catch((cause: unknown) => {
    throw new AppError('unavailable', failureOf(cause)?.reason ?? 'Telegram does not answer.')
  })
  const code = newCode()
  const expires_at = await offerLink(deps.db, {
    user_id,
    code_hash: hashOf(code),
    validSeconds: linkSeconds,
    now: deps.now?.(),
  })
  return { url: `${root}/${bot.username}?start=${code}`, expires_at: expires_at.toISOString() }
}
