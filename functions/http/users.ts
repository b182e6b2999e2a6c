// Who asks: anonymous sessions as signed tokens, taken from the Authorization header or the session cookie, and an identity provider's
// users by its own tokens.
import { createSecretKey, type KeyObject } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import type { Session } from '../../core/answers.ts'
import { AppError } from '../../core/errors.ts'
import { clockOf, type Deps } from '../../engine/deps.ts'
import { bearerOf } from './headers.ts'
import { readForeignToken } from './identity-provider.ts'

const issuer = 'stepgate'
const cookieName = 'stepgate_session'
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
    .sign(signingOf(deps).key)
  return { user_id: userId, token, expires_at: new Date((issuedAt + sessionSeconds) * 1000).toISOString() }
}

/** The user id. Throws `unauthenticated` or `token_expired` (401), `not_configured` or `unavailable` (503). */
export async function requireUser(request: Request, deps: Deps): Promise<string> {
  const token = tokenOf(request)
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
  const token = tokenOf(request)
  try {
    return token && isOwn(token) ? await readOwnToken(deps, token) : undefined
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

function tokenOf(request: Request): string | undefined {
  return bearerOf(request) ?? parseCookie(request.headers.get('cookie') ?? '')[cookieName]
}

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
  const { key, good } = signingOf(deps)
  const now = clockOf(deps)
  const before = good.get(token)
  if (before && now.getTime() < before.expiresMs) return before.sub
  const options = { issuer, algorithms: ['HS256'], requiredClaims: ['sub', 'exp'], currentDate: now }
  const { payload } = await jwtVerify<{ sub: string; exp: number }>(token, key, options)
  if (good.size >= mostGood) good.clear()
  good.set(token, { sub: payload.sub, expiresMs: payload.exp * 1000 })
  return payload.sub
}

const howToSignIn = ({ config }: Deps): string =>
  config.ANONYMOUS_SESSIONS
    ? 'Send a session: POST /api/session gives a token and a cookie.'
    : 'Send a token of the app that this belongs to; there are no anonymous sessions here.'

/** Out of reach of scripts, and not sent along by other sites' forms. */
export function sessionCookie(session: Session, secure: boolean): string {
  return stringifySetCookie({
    name: cookieName,
    value: session.token,
    httpOnly: true,
    sameSite: 'lax',
    secure,
    path: '/',
    maxAge: sessionSeconds,
  })
}

interface Signing {
  key: KeyObject
  /** Tokens found good: a page that polls sends the same one every few seconds. */
  good: Map<string, { sub: string; expiresMs: number }>
}

const mostGood = 1_000
/** One for each secret: a key is made ready for use once, not for every token. */
const signings = new Map<string, Signing>()

function signingOf({ config: { SESSION_SECRET: secret } }: Deps): Signing {
  if (!secret) throw new AppError('not_configured', 'SESSION_SECRET is not set (32 or more characters).')
  const signing = signings.get(secret) ?? { key: createSecretKey(secret, 'utf8'), good: new Map() }
  signings.set(secret, signing)
  return signing
}

function refusal(code: 'unauthenticated' | 'token_expired', detail: string, cause?: unknown): AppError {
  return new AppError(code, detail, { cause, headers: { 'www-authenticate': 'Bearer' } })
}
