// Telegram's Bot API, by grammY: its client for this deployment's bot, who the bot is, and what its refusals mean. grammY is loaded with the
// first call, so that no other function pays for it.
import type { Api, GrammyError, HttpError } from 'grammy'
import type { File, UserFromGetMe } from 'grammy/types'
import type { Config } from '../../core/config.ts'
import { withDeadline } from '../../core/deadline.ts'
import { AppError } from '../../core/errors.ts'
import type { SendResult } from '../../core/event.ts'

/** Less than a pass gives one delivery. */
const timeoutSeconds = 14

type BotConfig = Pick<Config, 'TELEGRAM_BOT_TOKEN' | 'TELEGRAM_API_URL'>

/** grammY itself, in the build that speaks by the platform's own fetch. */
export const loadGrammy = () => import('grammy/web')

export const clientOptions = ({ TELEGRAM_API_URL }: BotConfig) => ({ apiRoot: TELEGRAM_API_URL, timeoutSeconds })

export async function openApi(config: BotConfig): Promise<Api> {
  const { Api } = await loadGrammy()
  return new Api(config.TELEGRAM_BOT_TOKEN ?? '', clientOptions(config))
}

const known = new Map<string, Promise<UserFromGetMe>>()

/** The bot as Telegram knows it, asked once a process. */
export function askMe(config: BotConfig): Promise<UserFromGetMe> {
  const name = `${config.TELEGRAM_API_URL} ${config.TELEGRAM_BOT_TOKEN}`
  const asked = known.get(name) ?? openApi(config).then((api) => api.getMe())
  known.set(name, asked)
  asked.catch(() => known.delete(name))
  return asked
}

/** What a failed call means. Undefined where it is no failure of a call. The reason holds no token, and nothing of what was sent. */
export function failureOf(error: unknown): Exclude<SendResult, { kind: 'delivered' }> | undefined {
  if (isNamed<HttpError>(error, 'HttpError')) return { kind: 'later', reason: 'Telegram does not answer' }
  if (!isNamed<GrammyError>(error, 'GrammyError')) return undefined
  const { error_code, description, parameters } = error
  const reason = `Telegram answers ${error_code}: ${withoutToken(description)}`
  if (error_code === 429) return { kind: 'later', reason, retryAfterSeconds: parameters.retry_after }
  if (error_code >= 500 || error_code === 401 || error_code === 404) return { kind: 'later', reason }
  const isGone = error_code === 403 || /chat not found|user is deactivated/i.test(description)
  return { kind: isGone ? 'gone' : 'refused', reason }
}

/** A server in between may quote the address that it was asked at. */
const withoutToken = (words: string): string => words.replaceAll(/\d{6,}:[\w-]{10,}/g, '…')

/** By name: its class would have to be loaded. */
const isNamed = <T extends Error>(error: unknown, name: string): error is T =>
  error instanceof Error && error.name === name

/** What Telegram gives a bot at most. */
const mostBytes = 20 * 1024 * 1024
const downloadMs = 20_000

/** A file that somebody sent to the bot; undefined where it is larger than Telegram gives. The address has the token, and is never told. */
export async function downloadPhoto(
  config: BotConfig,
  { file_path, file_size = 0 }: File,
): Promise<Uint8Array | undefined> {
  if (!file_path || file_size > mostBytes) return undefined
  const { TELEGRAM_API_URL: root, TELEGRAM_BOT_TOKEN: token } = config
  const address = `${root}/file/bot${token}/${file_path}`
  let answered = 'no answer'
  try {
    return await withDeadline(downloadMs, async (signal) => {
      const response = await fetch(address, { signal, redirect: 'error' })
      answered = String(response.status)
      if (response.ok) return readPhoto(response)
      throw new Error(answered)
    })
  } catch {
    // Without its cause, whose words may hold the address.
    throw new AppError('unavailable', `Telegram does not give a file: ${answered}`)
  }
}

/** Read no further than allowed, whatever was said of its size. */
async function readPhoto({ body }: Response): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
