// The optional human check before an anonymous session, Cloudflare's Turnstile: the page's widget gives a token, and Cloudflare says here
// whether it is good. A token is good once, for five minutes.
import * as z from 'zod'
import { AppError } from '../../core/errors.ts'
import type { Deps } from '../../engine/deps.ts'
import { readJson } from './request.ts'

export const sessionBody = z.object({
  /** Of Turnstile's widget, where a human check is asked for. */
  turnstile_token: z.string().max(2_048).optional(),
})

const verdict = z.object({ success: z.boolean() })
const patienceMs = 8_000

/** Throws `human_check_required`, with the widget's key, where the check is on and the request brings no good token. */
export async function requireHuman(request: Request, deps: Deps): Promise<void> {
  const { TURNSTILE_SITE_KEY: site_key, TURNSTILE_SECRET_KEY: secret } = deps.config
  if (!site_key || !secret) return
  const { turnstile_token: token } = request.body ? await readJson(request, sessionBody) : {}
  if (token && (await isGood(deps, secret, token))) return
  throw new AppError(
    'human_check_required',
    'Show that you are human: send the Turnstile widget’s token as turnstile_token.',
    {
      extra: { site_key },
    },
  )
}

/** Where Cloudflare doesn't answer, nobody is let in: `unavailable`. */
async function isGood({ config, http }: Deps, secret: string, response: string): Promise<boolean> {
  try {
    const body = { secret, response }
    const answer = await http.send({ method: 'POST', url: config.TURNSTILE_VERIFY_URL, body, timeoutMs: patienceMs })
    return verdict.parse(answer.body).success
  } catch (cause) {
    throw new AppError('unavailable', 'The human check does not answer. Try again in a moment.', { cause })
  }
}
