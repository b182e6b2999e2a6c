// Who asks: anonymous sessions as signed tokens, taken from the Authorization header or the session cookie.
import { parseCookie, stringifySetCookie } from 'cookie'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { Session } from '../core/answers.ts'
import { AppError } from '../core/errors.ts'
import { clockOf, type Deps } from './deps.ts'

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
    .sign(sessionKey(deps))
  return { user_id: userId, token, expires_at: new Date((issuedAt + sessionSeconds) * 1000).toISOString() }
}

/** The user id. Throws `unauthenticated` or `token_expired` (401), `not_configured` (503). */
export async function requireUser(request: Request, deps: Deps): Promise<string> {
  const token = bearerOf(request) ?? parseCookie(request.headers.get('cookie') ?? '')[cookieName]
  if (!token) throw refusal('unauthenticated', 'Send a session: POST /api/session gives a token and a cookie.')
  try {
    const options = { issuer, algorithms: ['HS256'], requiredClaims: ['sub', 'exp'], currentDate: clockOf(deps) }
    const { payload } = await jwtVerify(token, sessionKey(deps), options)
    return payload.sub as string
  } catch (cause) {
    if (cause instanceof errors.JWTExpired)
      throw refusal('token_expired', 'The session has expired; ask for a new one.')
    if (cause instanceof errors.JOSEError) throw refusal('unauthenticated', 'The token is not one of ours.', cause)
    throw cause
  }
}

export function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

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

function sessionKey(deps: Deps): Uint8Array {
  const secret = deps.config.SESSION_SECRET
  if (!secret) throw new AppError('not_configured', 'SESSION_SECRET is not set (32 or more characters).')
  return Buffer.from(secret)
}

function refusal(code: 'unauthenticated' | 'token_expired', detail: string, cause?: unknown): AppError {
  return new AppError(code, detail, { cause, headers: { 'www-authenticate': 'Bearer' } })
}
