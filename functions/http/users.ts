// Who asks: anonymous sessions as signed tokens, taken from the Authorization header or the session cookie, and an identity provider's
// users by its own tokens.
import { parseCookie, stringifySetCookie } from 'cookie'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import type { Session } from '../../core/answers.ts'
import { isHttps } from '../../core/config.ts'
import { AppError } from '../../core/errors.ts'
import { clockOf, type Deps } from '../../engine/deps.ts'
import { keysOf } from '../../engine/keys.ts'
import { bearerOf } from './headers.ts'
import { readForeignToken } from './identity-provider.ts'

const issuer = 'stepgate'
const cookieName = 'stepgate_session'
/** Over https. Browsers take a cookie of this name only from this very host, so that a sibling domain can't set one. */
const hostCookieName = `__Host-${cookieName}`
/** Long enough that a person finds yesterday's results; every new session call extends it. */
const sessionSeconds = 30 * 24 * 3_600

export async function openSession(deps: Deps, userId: string): Promise<Session> {
  const issuedAt = Math.floor(clockOf(deps).getTime() / 1000)
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(issuer)
    .setSubject(userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + sessionSeconds)
    .sign(signingOf(deps).keys[0])
  return { user_id: userId, token, expires_at: new Date((issuedAt + sessionSeconds) * 1000).toISOString() }
}

/** The user id. Throws `unauthenticated` or `token_expired` (401), `not_configured` or `unavailable` (503). */
export async function requireUser(request: Request, deps: Deps): Promise<string> {
  const token = tokenOf(request, deps)
  if (!token) throw refusal('unauthenticated', howToSignIn(deps))
  try {
    if (!isOwn(token)) return await readForeignToken(deps, token)
    if (deps.config.ANONYMOUS_SESSIONS) return await readOwnToken(deps, token)
  } catch (cause) {
    if (cause instanceof errors.JWTExpired)
      throw refusal('token_expired', 'The session has expired; ask for a new one.')
    if (cause instanceof errors.JOSEError) throw refusal('unauthenticated', 'The token is not one of ours.', cause)
    throw cause
  }
  throw refusal('unauthenticated', howToSignIn(deps))
}

/**
 * The user of an own session, if the request has one that is still good. An identity provider's users are none here: a session of ours
 * would outlive their sign-in.
 */
export async function ownUser(request: Request, deps: Deps): Promise<string | undefined> {
  const token = tokenOf(request, deps)
  try {
    return token && isOwn(token) ? await readOwnToken(deps, token) : undefined
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** Over https the other name isn't read: whoever may set it for the domain could slip a session of theirs under a visitor. */
function tokenOf(request: Request, deps: Deps): string | undefined {
  return bearerOf(request) ?? parseCookie(request.headers.get('cookie') ?? '')[cookieNameOf(request, deps)]
}

const cookieNameOf = (request: Request, deps: Deps): string => (isSecure(request, deps) ? hostCookieName : cookieName)

const isSecure = (request: Request, { config }: Deps): boolean =>
  isHttps(config) || new URL(request.url).protocol === 'https:'

/**
 * Who is to check it, by the algorithm it names: ours are signed with our secret, all others with a provider's private key. Each is then
 * checked by its own rules alone, so that naming the wrong one gains nothing.
 */
function isOwn(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg === 'HS256'
  } catch {
    return true // no token at all, which our own check says best
  }
}

async function readOwnToken(deps: Deps, token: string): Promise<string> {
  const { keys, good } = signingOf(deps)
  const now = clockOf(deps)
  const before = good.get(token)
  if (before && now.getTime() < before.expiresMs) return before.sub
  const options = { issuer, algorithms: ['HS256'], requiredClaims: ['sub', 'exp'], currentDate: now }
  const { payload } = await verifyWith(keys, (key) => jwtVerify<{ sub: string; exp: number }>(token, key, options))
  if (good.size >= mostGood) good.clear()
  good.set(token, { sub: payload.sub, expiresMs: payload.exp * 1000 })
  return payload.sub
}

/** Tries one key after the other, until the signature fits; whatever else is wrong with a token is wrong with every key. */
async function verifyWith<T>([key, ...others]: readonly Buffer[], verify: (key: Buffer) => Promise<T>): Promise<T> {
  if (!key) throw new errors.JWSSignatureVerificationFailed()
  return verify(key).catch((error) => {
    if (error instanceof errors.JWSSignatureVerificationFailed) return verifyWith(others, verify)
    throw error
  })
}

const howToSignIn = ({ config }: Deps): string =>
  config.ANONYMOUS_SESSIONS
    ? 'Send a session: POST /api/session gives a token and a cookie.'
    : 'Send a token of the app that this belongs to; there are no anonymous sessions here.'

/** Out of reach of scripts, and not sent along by other sites' forms. */
export function sessionCookie(request: Request, deps: Deps, session: Session): string {
  return stringifySetCookie({
    name: cookieNameOf(request, deps),
    value: session.token,
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure(request, deps),
    path: '/',
    maxAge: sessionSeconds,
  })
}

interface Signing {
  keys: [Buffer, ...Buffer[]]
  /** Tokens found good: a page that polls sends the same one every few seconds. */
  good: Map<string, { sub: string; expiresMs: number }>
}

const mostGood = 1_000
/** One for each secret: what was found good with one is not good with another. */
const signings = new Map<string, Signing>()

function signingOf({ config }: Deps): Signing {
  const secret = config.SESSION_SECRET ?? ''
  const signing = signings.get(secret) ?? { keys: keysOf(config, 'session'), good: new Map() }
  signings.set(secret, signing)
  return signing
}

function refusal(code: 'unauthenticated' | 'token_expired', detail: string, cause?: unknown): AppError {
  return new AppError(code, detail, { cause, headers: { 'www-authenticate': 'Bearer' } })
}
