// Makes and checks the addresses of ours that a provider is given: signed links to stored images, and the address at which it reports on an
// attempt. A submission makes them; the result and webhook endpoints check them.
import { answerBytes, type Config, canBeCalledBack, isStoreReached } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import { attemptSeed, type LinkOptions } from '../core/recipe.ts'
import type { OpenAttempt } from '../core/task.ts'
import { maxStoredBytes } from '../core/upload.ts'
import { StoreFault } from '../storage/store.ts'
import { clockOf, type Deps } from './deps.ts'
import { isMac, keysOf, mac } from './keys.ts'

/** A stored file, as a task's input names it. Everything else in an image field is an address on the web. */
const stored = 'file:'

export const fileReference = (key: string): string => stored + key
export const storedKey = (reference: string): string | undefined =>
  reference.startsWith(stored) ? reference.slice(stored.length) : undefined

/** Fetched by providers within minutes of the submission, or after a queue's wait; never kept by anybody. */
const linkSeconds = 24 * 3_600
/** A provider that can't reach us gets the bytes themselves; both limit such inputs to about a megabyte, some to more. */
const maxInlineBytes = maxStoredBytes

/** A stored file of more can't be given to a provider: its link is answered in one piece, or it is sent along. */
export function passableBytes(config: Config): number {
  if (isStoreReached(config)) return Number.POSITIVE_INFINITY
  return canBeCalledBack(config) ? (answerBytes(config) ?? Number.POSITIVE_INFINITY) : maxInlineBytes
}

/** What a provider can fetch: the address itself, a link to the store or to us that carries the attempt's marker, or the bytes. */
export async function linkFor(
  deps: Deps,
  reference: string,
  marker: string,
  { isMarked = false }: LinkOptions = {},
): Promise<string> {
  const key = storedKey(reference)
  if (key === undefined) return isMarked ? withFragment(reference, `marker=${marker}`) : reference
  const direct = isStoreReached(deps.config) ? await deps.files.link(key, linkSeconds) : undefined
  if (direct) return withFragment(direct, `marker=${marker}`)
  if (!canBeCalledBack(deps.config)) return inline(deps, key)
  const expires = Math.floor(clockOf(deps).getTime() / 1000) + linkSeconds
  const query = new URLSearchParams({
    file: key,
    marker,
    expires: String(expires),
    signature: mac(keysOf(deps.config, 'result link')[0], linkText(key, expires)),
  })
  return `${deps.config.PUBLIC_URL}/api/result?${query}`
}

/** Who fetches the address doesn't send its fragment, so its server sees, signs and caches what it always did. */
function withFragment(address: string, text: string): string {
  const url = new URL(address)
  url.hash = url.hash ? `${url.hash}&${text}` : text
  return url.href
}

/** The stored file that a signed link opens. Throws `link_expired` or `bad_signature`. */
export function requireSignedLink(deps: Deps, link: { file: string; expires: number; signature: string }): string {
  if (!isMac(keysOf(deps.config, 'result link'), linkText(link.file, link.expires), link.signature)) {
    throw new AppError('bad_signature', 'This link was not made here, or was changed.')
  }
  if (link.expires * 1000 < clockOf(deps).getTime()) throw new AppError('link_expired', 'This link has expired.')
  return link.file
}

/**
 * True for a provider's record of an input that this attempt has sent. Our own links carry its token; where an input has none of them (or none
 * could be given), the seed is the attempt's.
 */
export function isInputOf(input: Record<string, unknown>, token: string): boolean {
  if (JSON.stringify(input).includes(`marker=${token}`)) return true
  return input['seed'] !== undefined && input['seed'] === attemptSeed(token)
}

const linkText = (key: string, expires: number): string => `result link\n${key}\n${expires}`

/** The store doesn't have what a task's row names; or doesn't find it now, as some stores do that were written to a moment ago. */
export class NotStored extends Error {
  override name = 'NotStored'
}

async function inline(deps: Deps, key: string): Promise<string> {
  const found = await readWhole(deps, key)
  if (!found) throw new NotStored('An image that this step needs is no longer stored.')
  return `data:${found.type};base64,${found.bytes.toString('base64')}`
}

async function readWhole(deps: Deps, key: string): Promise<{ type: string; bytes: Buffer } | undefined> {
  try {
    const found = await deps.files.read(key)
    if (!found) return undefined
    const { file, body } = found
    if (file.size <= maxInlineBytes) return { type: file.type, bytes: Buffer.from(await new Response(body).bytes()) }
  } catch (cause) {
    throw cause instanceof StoreFault ? cause : new StoreFault('The blob store did not give a stored image', { cause })
  }
  throw new Error('a stored image is too large to send along; set PUBLIC_URL to an https address')
}

/** An open attempt, the recipe that says how its output is to be stored, and the model that it asked the provider for. */
export interface Reported extends OpenAttempt {
  recipe: string
  model: string
}

/** Providers sign their bodies, not our URLs: the URL's own MAC shows that whoever calls it was told this attempt by us. */
export function webhookUrl(deps: Deps, provider: string, reported: Reported): string {
  const query = new URLSearchParams({
    task: reported.id,
    step: String(reported.step),
    attempt: String(reported.attempt),
    claim: reported.claim_token,
    recipe: reported.recipe,
    model: reported.model,
    mac: mac(keysOf(deps.config, 'webhook address')[0], attemptText(provider, reported)),
  })
  return `${deps.config.PUBLIC_URL}/api/webhook/${provider}?${query}`
}

/** The attempt that a webhook call speaks of. Throws `bad_signature` when the URL isn't one of ours. */
export function requireAttempt(request: Request, deps: Deps, provider: string): Reported {
  const query = new URL(request.url).searchParams
  const reported: Reported = {
    id: query.get('task') ?? '',
    step: Number(query.get('step')),
    attempt: Number(query.get('attempt')),
    claim_token: query.get('claim') ?? '',
    recipe: query.get('recipe') ?? '',
    model: query.get('model') ?? '',
  }
  const keys = keysOf(deps.config, 'webhook address')
  if (isMac(keys, attemptText(provider, reported), query.get('mac') ?? '')) return reported
  throw new AppError('bad_signature', 'This webhook address was not made here, or was changed.')
}

function attemptText(provider: string, { id, step, attempt, claim_token, recipe, model }: Reported): string {
  return ['webhook', provider, id, step, attempt, claim_token, recipe, model].join('\n')
}
