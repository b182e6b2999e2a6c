// Signed, expiring links to stored files: what a provider fetches a step's image by, and what marks an attempt in its list.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { canBeCalledBack } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import type { LinkOptions } from '../core/recipe.ts'
import { clockOf, type Deps } from './deps.ts'

/** A stored file, as a task's input names it. Everything else in an image field is an address on the web. */
const stored = 'file:'

export const fileReference = (key: string): string => stored + key
const storedKey = (reference: string): string | undefined =>
  reference.startsWith(stored) ? reference.slice(stored.length) : undefined

/** Fetched by providers within minutes of the submission, or after a queue's wait; never kept by anybody. */
const linkSeconds = 24 * 3_600
/** A provider that can't reach us gets the bytes themselves; both limit such inputs to about a megabyte, some to more. */
const maxInlineBytes = 5_000_000

/** What a provider can fetch: the address itself, a signed link that carries the attempt's marker, or the bytes. */
export async function linkFor(
  deps: Deps,
  reference: string,
  marker: string,
  { isMarked = false }: LinkOptions = {},
): Promise<string> {
  const key = storedKey(reference)
  if (key === undefined) return isMarked ? withFragment(reference, `marker=${marker}`) : reference
  if (!canBeCalledBack(deps.config)) return inline(deps, key)
  const expires = Math.floor(clockOf(deps).getTime() / 1000) + linkSeconds
  const query = new URLSearchParams({
    file: key,
    marker,
    expires: String(expires),
    signature: sign(deps, key, expires),
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
  const expected = Buffer.from(sign(deps, link.file, link.expires))
  const given = Buffer.from(link.signature)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new AppError('bad_signature', 'This link was not made here, or was changed.')
  }
  if (link.expires * 1000 < clockOf(deps).getTime()) throw new AppError('link_expired', 'This link has expired.')
  return link.file
}

/** True for a provider's record of an input that this attempt planted its marker in. */
export function carriesMarker(input: Record<string, unknown>, marker: string): boolean {
  return JSON.stringify(input).includes(`marker=${marker}`)
}

function sign(deps: Deps, key: string, expires: number): string {
  const secret = deps.config.SESSION_SECRET
  if (!secret) throw new AppError('not_configured', 'SESSION_SECRET is not set (32 or more characters).')
  return createHmac('sha256', secret).update(`result link\n${key}\n${expires}`).digest('base64url')
}

/** The blob store did not give a file that may well be there. */
export class StorageFault extends Error {
  override name = 'StorageFault'
}

async function inline(deps: Deps, key: string): Promise<string> {
  const found = await readWhole(deps, key)
  if (!found) throw new Error('an image of this task is no longer stored')
  return `data:${found.type};base64,${found.bytes.toString('base64')}`
}

async function readWhole(deps: Deps, key: string): Promise<{ type: string; bytes: Buffer } | undefined> {
  try {
    const found = await deps.files.read(key)
    if (!found) return undefined
    const { file, body } = found
    if (file.size <= maxInlineBytes) return { type: file.type, bytes: Buffer.from(await new Response(body).bytes()) }
  } catch (cause) {
    throw new StorageFault('the blob store did not give a stored image', { cause })
  }
  throw new Error('a stored image is too large to send along; set PUBLIC_URL to an https address')
}
